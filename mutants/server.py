"""Runs tests, each time in a fork of this process, which has imported pytest and the large libraries once.

It is a program of its own, which is started in the copied tree: it imports nothing of the project. Each line that it
reads is a request, and each line that it writes is the answer:

- `files`: the test files; `only`: the ids of the tests to run, in this order, None for all; `known`: all known ids. A
  test whose id is not known runs too: its name hangs on a value that was changed.
- `limits_s`: after how long each test counts as one that hangs; `at_most_s`: after how long all of them do.
- The answer: `status` (pytest's, or a signal's as a negative number), `said` (the end of what was printed),
  and, if it was to be `recorded`, `tests`: for each test how long it took, and which lines of which file it reached.
"""

import builtins
import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LIBRARIES = (
    "boto3",
    "moto",
    "moto.core.models",
    "hypothesis",
    "chalice",
    "marshmallow",
    "xdist.scheduler",
    "babel.dates",
)
# Where a test runs on several engines, one is enough, and the ones that have to be started are left out.
ENGINE, ENGINE_KEPT = "each_dynamodb", "moto"
LEFT_OUT = {"dynamodb_local_url", "cloud"}
MEMORY_AT_MOST = 12 * 2**30
ARGUMENTS = (
    *("-x", "-q", "-n0", "-p", "no:cacheprovider", "--tb=short", "--no-header", "--hypothesis-seed=0"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)

_forks: list[int] = []


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


class Recording:
    """A plugin of pytest: how long each test takes, and which lines it reaches of modules that `instrumented` made."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self._reached: dict[str, set[int]] = {}
        builtins._mutants_reached = self._reached  # type: ignore[attr-defined]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        for lines in self._reached.values():
            lines.clear()
        began = time.perf_counter()
        result = yield
        took_s = time.perf_counter() - began
        reached = {file: sorted(lines) for file, lines in self._reached.items()}
        self.tests[item.nodeid] = {"took_s": took_s, "lines": reached}
        return result


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """Run the tests of a request in a fork, and end the fork with all that it has started."""
    with tempfile.TemporaryDirectory() as folder:
        output, result = Path(folder, "output"), Path(folder, "result")
        child = os.fork()
        if child == 0:
            _run_and_exit(request, output, result)
        _forks.append(child)
        status = _ended(child, request["at_most_s"])
        _end_all_of(_forks.pop())
        said = output.read_text(errors="replace")[-4000:] if output.exists() else ""
        recorded = json.loads(result.read_text()) if result.exists() else {}
    return {"status": status, "said": said, "tests": recorded}


def _ended(child: int, at_most_s: float) -> int:
    """Wait for the fork, and kill it if it hangs; return its status."""
    ends = time.monotonic() + at_most_s
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


def _end_all_of(fork: int) -> None:
    """End the fork, and what it has started; its own session has both."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(fork, signal.SIGKILL)


def _stopped(*_: object) -> None:
    for fork in _forks:
        with contextlib.suppress(ProcessLookupError):
            os.kill(fork, signal.SIGKILL)
        _end_all_of(fork)
    os._exit(0)


def _run_and_exit(request: dict[str, Any], output: Path, result: Path) -> None:
    """Run the tests in this fork, with a session of its own; never return."""
    status: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_AT_MOST, MEMORY_AT_MOST))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with output.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # What is compiled of changed code must not stay; what the first run compiles, later ones need not.
        sys.dont_write_bytecode = not request["recorded"]
        plugins: list[Any] = [Choice(request["only"], request["known"], request["limits_s"])]
        recording = Recording()
        if request["recorded"]:
            plugins.append(recording)
        status = int(pytest.main([*ARGUMENTS, *request["files"]], plugins=plugins))
        if request["recorded"]:
            result.write_text(json.dumps(recording.tests))
    except BaseException:
        if output.exists():  # otherwise the server has been stopped, and has removed it
            traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    signal.signal(signal.SIGTERM, _stopped)
    sys.path[0] = str(Path.cwd())
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answered(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
