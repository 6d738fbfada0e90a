"""A worker: a copy of the tree, and a server in it that runs tests."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mutants.tree import copied

_SERVER = Path(__file__).with_name("server.py")
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "HYPOTHESIS_PROFILE": "mutants",  # no shrinking, nothing kept
}


class Stopped(Exception):
    """The worker was stopped while it ran tests."""


class Worker:
    def __init__(self, tree: Path) -> None:
        self.tree = tree
        temporary = tree.parent / "tmp"
        temporary.mkdir()
        # A session of its own: a Ctrl-C is for the command, which then stops the server.
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER)],
            cwd=tree,
            env={**os.environ, **_ENVIRONMENT, "TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        files: Sequence[str],
        only: Sequence[str] | None = None,
        known: Sequence[str] = (),
        limits_s: dict[str, float] | None = None,
        is_recorded: bool = False,
        at_most_s: float = 1800.0,
    ) -> dict[str, Any]:
        """Run tests; `server` says what is asked and answered. Raises Stopped."""
        request = {
            "files": list(files),
            "only": None if only is None else list(only),
            "known": list(known),
            "limits_s": limits_s or {},
            "recorded": is_recorded,
            "at_most_s": at_most_s,
        }
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
        """End the server, and the tests that it runs."""
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


@contextlib.contextmanager
def working(root: Path, count: int) -> Iterator[list[Worker]]:
    """Start workers, each with its own copy of the tree; stop them at the end, and remove the copies."""
    with contextlib.ExitStack() as stack:
        workers = []
        for _ in range(count):
            workers.append(Worker(stack.enter_context(copied(root))))
            stack.callback(workers[-1].stop)
        yield workers
