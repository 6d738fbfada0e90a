"""A worker: a copy of the tree, a session in it that tries changes of functions, and a server that imports anew."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mutants.tree import copied

_PROJECT = Path(__file__).parent.parent
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "HYPOTHESIS_PROFILE": "mutants",  # no shrinking, nothing kept
    # What is compiled of changed code must not stay. What is compiled of the rest is, by the session.
    "PYTHONDONTWRITEBYTECODE": "1",
}
# The path of this package is for the program itself, not for what its tests start.
_PROGRAM = """
import os, sys
sys.path[0] = {project!r}
from mutants.{name} import main
sys.path[0] = os.getcwd()
main()
"""


class Stopped(Exception):
    """The process was stopped while it ran tests."""


class Process:
    """A program of this package, in the tree, which answers requests, one at a time."""

    def __init__(self, name: str, tree: Path, environment: dict[str, str]) -> None:
        # A session of its own: a Ctrl-C is for the command, which then stops the process.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(project=str(_PROJECT), name=name)],
            cwd=tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def asked(self, **request: object) -> dict[str, Any]:
        """Return the answer to a request. Raises Stopped."""
        if self._process.stdin is None or self._process.stdout is None:
            raise Stopped
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise Stopped from error
        return answer

    def stop(self) -> None:
        """End the process, and the tests that it runs."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class Worker:
    def __init__(self, tree: Path) -> None:
        self.tree = tree
        temporary = tree.parent / "tmp"
        temporary.mkdir()
        environment = {**os.environ, **_ENVIRONMENT, "TMPDIR": str(temporary)}
        self.server = Process("server", tree, environment)
        del environment["PYTHONDONTWRITEBYTECODE"]
        self.session = Process("session", tree, environment)

    def begin(self, files: Sequence[str], watched: Sequence[str]) -> dict[str, Any]:
        """Collect the tests of these files; return the session's answer. Raises Stopped."""
        answer = self.session.asked(files=list(files), watched=[str(self.tree / file) for file in watched])
        if "tests" in answer:
            self.server.asked(libraries=answer["libraries"])
        return answer

    def stop(self) -> None:
        self.session.stop()
        self.server.stop()


@contextlib.contextmanager
def working(root: Path, count: int) -> Iterator[list[Worker]]:
    """Start workers, each with its own copy of the tree; stop them at the end, and remove the copies."""
    with contextlib.ExitStack() as stack:
        workers = []
        for _ in range(count):
            workers.append(Worker(stack.enter_context(copied(root))))
            stack.callback(workers[-1].stop)
        yield workers
