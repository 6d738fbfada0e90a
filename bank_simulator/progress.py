"""The progress bars of a run, on the error output."""

import sys
import threading
from typing import Any, Protocol

from tqdm import tqdm


class Progress(Protocol):
    """The part of a tqdm bar that is used."""

    def update(self, n: int = 1, /) -> object: ...


class Interrupted(Exception):
    """The run was stopped by Ctrl-C before anything was sent."""


def progress_bar(what: str, total: int | None, unit: str = "tx") -> "tqdm[Any]":
    """Return a bar for the work. Without a terminal, it shows only work of over two seconds, every ten seconds."""
    is_watched = sys.stderr.isatty()
    return tqdm(total=total, desc=what, unit=unit, mininterval=0.1 if is_watched else 10, delay=0 if is_watched else 2)


class Reading:
    """The progress of reading a file, which ends with Interrupted once `stop` is set."""

    def __init__(self, bar: Progress, stop: threading.Event) -> None:
        self._bar = bar
        self._stop = stop

    def advance(self, count: int) -> None:
        """Count so many more rows or entries."""
        if self._stop.is_set():
            raise Interrupted
        self._bar.update(count)
