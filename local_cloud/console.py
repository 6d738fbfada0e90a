"""The lines that the local cloud's commands print while they work: one for each step, with the time that it took."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class Steps:
    """Numbers the steps of a command, so that its output says how far it is: `2/6 deploy …`."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def step(self, text: str) -> AbstractContextManager[None]:
        """Return the next step, as `step` prints it."""
        self._done += 1
        return step(f"{self._done}/{self._total} {text}")


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print the step when it is done, with the time that it took. A terminal shows a running clock meanwhile.

    Elsewhere, `infra.patience` says that the command works.
    """
    started = time.monotonic()
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.5):
            print(f"\r  … {text} {time.monotonic() - started:.0f} s", end="", flush=True)

    ticker = threading.Thread(target=tick, daemon=True) if sys.stdout.isatty() else None
    if ticker:
        ticker.start()
    succeeded = False
    try:
        yield
        succeeded = True
    finally:
        done.set()
        if ticker:
            ticker.join()
        clear = "\r\033[K" if ticker else ""
        print(f"{clear}  {'✓' if succeeded else '✗'} {text} ({time.monotonic() - started:.1f} s)", flush=True)
