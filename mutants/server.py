"""Runs tests on code that is imported anew, each time in a fork of this process, which has imported the libraries once.

It is a program of its own, started in the copied tree. Each line that it reads is a request, each line that it writes
is the answer:

- `libraries`: what is imported at once, so that the forks need not.
- `files`: the test files; `only`: the ids of the tests to run, in this order; `known`: all known ids. A test whose id
  is not known runs too: its name hangs on a value that was changed.
- `limits_s`: after how long each test counts as one that hangs; `at_most_s`: after how long all of them do.
- The answer: `status` (pytest's, or a signal's as a negative number), `failed` (the id of the test that did), and
  `said` (the end of what was printed).
"""

import contextlib
import importlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mutants.forks import begun, end_with_this_process, ended

# Where a test runs on several engines, one is enough, and the ones that have to be started are left out.
ENGINE, ENGINE_KEPT = "each_dynamodb", "moto"
LEFT_OUT = {"dynamodb_local_url", "cloud"}
ARGUMENTS = (
    *("-x", "-q", "-n0", "-p", "no:cacheprovider", "--tb=short", "--no-header", "--hypothesis-seed=0"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)


class Choice:
    """A plugin of pytest: which tests run, in which order, and for how long."""

    def __init__(self, only: list[str] | None, known: list[str], limits_s: dict[str, float]) -> None:
        self._order = None if only is None else {id_: place for place, id_ in enumerate(only)}
        self._known = set(known)
        self._limits_s = limits_s

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._runs(item)]
        if self._order is not None:
            order = self._order
            items.sort(key=lambda item: order.get(item.nodeid, len(order)))
        for item in items:
            if item.nodeid in self._limits_s:
                item.add_marker(pytest.mark.timeout(self._limits_s[item.nodeid]))

    def _runs(self, item: pytest.Item) -> bool:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if LEFT_OUT & set(getattr(item, "fixturenames", ())) or parameters.get(ENGINE, ENGINE_KEPT) != ENGINE_KEPT:
            return False
        return self._order is None or item.nodeid in self._order or item.nodeid not in self._known


class Failed:
    """A plugin of pytest: writes the id of the test that fails to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._file.write_text(report.nodeid)


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """Import the libraries, or run the tests of a request in a fork, and end the fork with all that it has started."""
    if "libraries" in request:
        import_all(request["libraries"])
        return {"status": 0, "failed": None, "said": ""}
    with tempfile.TemporaryDirectory() as folder:
        output, failed = Path(folder, "output"), Path(folder, "failed")
        fork = begun()
        if not fork:
            _run_and_exit(request, output, failed)
        status = ended(fork, request["at_most_s"])
        said = output.read_text(errors="replace")[-4000:] if output.exists() else ""
        return {"status": status, "failed": failed.read_text() if failed.exists() else None, "said": said}


def _run_and_exit(request: dict[str, Any], output: Path, failed: Path) -> None:
    """Run the tests in this fork; never return."""
    status: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        with output.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        plugins = [Choice(request["only"], request["known"], request["limits_s"]), Failed(failed)]
        status = int(pytest.main([*ARGUMENTS, *request["files"]], plugins=plugins))
    except BaseException:
        if output.exists():  # otherwise the server has been stopped, and has removed it
            traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def import_all(libraries: Iterable[str]) -> None:
    """Import what can be imported, so that the forks need not."""
    for name in libraries:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def main() -> None:
    end_with_this_process()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answered(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
