"""A sign of life: no command is silent for more than two seconds while it works."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

SILENT_AT_MOST_S = 2.0
# A log needs fewer lines than a terminal, where each replaces the one before.
_IN_A_LOG_S = 10.0


class _Heard:
    """A stream that notes when something was last written to it."""

    def __init__(self, stream: TextIO, heard: "_Clock") -> None:
        self._stream = stream
        self._heard = heard

    def write(self, text: str) -> int:
        self._heard.reset()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Clock:
    def __init__(self) -> None:
        self.since = time.monotonic()

    def reset(self) -> None:
        self.since = time.monotonic()


@contextmanager
def sign_of_life(name: str, silent_at_most_s: float | None = None) -> Iterator[None]:
    """Print on standard error that the command still works, whenever nothing was printed for that long.

    That is SILENT_AT_MOST_S, unless said otherwise.
    """
    silent_at_most_s = silent_at_most_s or SILENT_AT_MOST_S
    out, err, started, clock, done = sys.stdout, sys.stderr, time.monotonic(), _Clock(), threading.Event()

    def watch() -> None:
        limit = silent_at_most_s
        while not done.wait(silent_at_most_s / 10):
            if time.monotonic() - clock.since >= limit:
                end = "\r" if err.isatty() else "\n"
                print(f"{name}: working, {time.monotonic() - started:.0f} s …", end=end, file=err, flush=True)
                clock.reset()
                limit = silent_at_most_s if err.isatty() else max(silent_at_most_s, _IN_A_LOG_S)

    sys.stdout, sys.stderr = _Heard(out, clock), _Heard(err, clock)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        sys.stdout, sys.stderr = out, err
