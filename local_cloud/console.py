"""The lines that the local cloud's commands print while they work: one for each step, with the time that it took."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print the step when it is done, with the time that it took. A terminal shows a running clock meanwhile."""
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
