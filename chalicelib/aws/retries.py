"""Trying again: how often, and how long to wait in between."""

import random
from collections.abc import Iterator


def back_off(tries: int, first_s: float, at_most_s: float = 1.0) -> Iterator[float]:
    """Yield the wait after each of `tries` failed tries, in seconds.

    Each wait is random between 0 and a bound that doubles from `first_s` up to `at_most_s`: "full jitter", so that
    those who failed together don't come back together (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
    """
    for attempt in range(tries):
        yield random.uniform(0, min(at_most_s, first_s * 2**attempt))
