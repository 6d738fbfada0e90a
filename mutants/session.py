"""Tries changes of functions: a process that has collected the tests, and forks for each change. A program of its own.

It is started in the copied tree, and imports the project once. Each line that it reads is a request, each line that it
writes is the answer. The first request has the test `files`, and the files `watched` that will be changed; the answer
has the ids of the `tests` and the `libraries` that are imported, or what pytest `said`, if that failed. Then:

- `tests`: the ids of the tests to run, in this order, until one fails; `limits_s`: after how long each of them counts
  as one that hangs; `at_most_s`: after how long all of them do.
- `file`, `source` and `line`: the change, if there is one. `recorded`: files whose reached lines are asked for; a test
  that then takes more than `longest_s` of the processor's time is cut short, and has taken `TOO_LONG_S`.
- The answer: `status` (pytest's, `NOT_IN_PLACE`, or a signal's as a negative number), `failed` (the id of the test),
  `said` (the end of what was printed), and, if asked for, `reached`: for each test how long it took, and the lines.
"""

import builtins
import gc
import json
import os
import signal
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from mutants.forks import begun, end_with_this_process, ended
from mutants.instrumented import instrumented
from mutants.known import TOO_LONG_S
from mutants.server import ARGUMENTS, Choice, import_all
from mutants.swap import Functions, NotInPlace, Started

NOT_IN_PLACE = 71
_BROKEN = 70


class Session:
    """A plugin of pytest: instead of running the tests, it answers requests; each fork runs those that it is told."""

    def __init__(self, first: dict[str, Any], requests: IO[str], answers: IO[str], output: IO[bytes]) -> None:
        self._requests, self._answers, self._output = requests, answers, output
        self._watched: list[str] = first["watched"]
        self._result = Path(tempfile.gettempdir(), f"result-{os.getpid()}")
        self._started = Started(self._watched)
        self._items: dict[str, pytest.Item] = {}
        self._functions = Functions(())
        self._request: dict[str, Any] | None = None  # what this process does, if it is a fork
        self._longest_s = 0.0
        self._is_cut = False
        self._imported = frozenset[str]()
        self._reached: dict[str, set[int]] = {}
        self._found: dict[str, Any] = {"failed": None, "reached": {}, "libraries": []}
        self._status = _BROKEN
        self.has_collected = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None
        self._started.end()
        self._items = {item.nodeid: item for item in session.items}
        self._functions = Functions(self._watched, self._started.places)
        self.has_collected = True
        gc.collect()
        gc.freeze()  # a fork's garbage collections then copy no pages
        self.answer({"tests": list(self._items), "libraries": _libraries()})
        for line in self._requests:
            request = json.loads(line)
            sys.stdout.flush()
            self._output.truncate(0)
            self._output.seek(0)  # for the forks, too: they share the place
            self._result.unlink(missing_ok=True)
            fork = begun()
            if not fork:
                self._become(session, request)
                return None
            status = ended(fork, request["at_most_s"])
            found = json.loads(self._result.read_text()) if self._result.exists() else dict(self._found)
            import_all(found.pop("libraries"))
            self.answer({"status": status, "said": self.said(), **found})
        return True

    def _become(self, session: pytest.Session, request: dict[str, Any]) -> None:
        """Make the change in this fork, and let pytest go on with the tests."""
        self._request = request
        self._longest_s = request.get("longest_s", 0.0)
        self._imported = frozenset(sys.modules)
        try:
            for file in request["recorded"]:
                self._record(file)
            if request["file"] is not None:
                self._functions.change(request["file"], request["source"].encode(), request["line"])
            session.items = [self._items[test] for test in request["tests"]]
            for item in session.items:
                item.add_marker(pytest.mark.timeout(request["limits_s"].get(item.nodeid, 600.0)))
        except NotInPlace:
            os._exit(NOT_IN_PLACE)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(_BROKEN)
        sys.dont_write_bytecode = True

    def _record(self, file: str) -> None:
        builtins._mutants_reached = self._reached  # type: ignore[attr-defined]
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", None) == file:
                vars(module)["_reached"] = self._reached.setdefault(file, set())
        self._functions.change_all(file, instrumented(Path(file).read_bytes(), file))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        for lines in self._reached.values():
            lines.clear()
        began = time.perf_counter()
        if self._reached:
            self._is_cut = False
            signal.signal(signal.SIGVTALRM, self._cut_short)
            signal.setitimer(signal.ITIMER_VIRTUAL, self._longest_s, 1.0)
        result = yield
        if self._reached:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            took_s = TOO_LONG_S if self._is_cut else time.perf_counter() - began
            reached = {file: sorted(lines) for file, lines in self._reached.items()}
            self._found["reached"][item.nodeid] = {"took_s": took_s, "lines": reached}
        return result

    def _cut_short(self, *_: object) -> None:
        self._is_cut = True
        pytest.skip("it takes too long to be run for each mutant")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        if self._is_cut:  # Hypothesis, or the test itself, may have made a failure of it
            report.outcome, report.longrepr = "skipped", (__file__, 0, "it takes too long")
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._found["failed"] is None:
            self._found["failed"] = report.nodeid

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._status = int(exitstatus)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """End a fork here: what comes now would remove what belongs to the whole session."""
        if self._request is not None:
            self._found["libraries"] = [name for name in _libraries() if name not in self._imported]
            self._result.write_text(json.dumps(self._found))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._status)

    def answer(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    def said(self) -> str:
        return Path(self._output.name).read_text(errors="replace")[-4000:]


def _libraries() -> list[str]:
    """Return the names of the imported modules that aren't the project's, in the order of their imports."""
    folders = tuple({sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")})
    return [
        name
        for name, module in list(sys.modules.items())
        if (getattr(module, "__file__", None) or "").startswith(folders) and name != "__main__"
    ]


def main() -> None:
    end_with_this_process()
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    with tempfile.NamedTemporaryFile("ab") as output:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        first = json.loads(requests.readline())
        session = Session(first, requests, answers, output)
        status = pytest.main([*ARGUMENTS, *first["files"]], plugins=[Choice(None, [], {}), session])
        if not session.has_collected:
            sys.stdout.flush()
            session.answer({"status": int(status), "said": session.said()})


if __name__ == "__main__":
    main()
