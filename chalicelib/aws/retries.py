"""Retries: how often something is tried, and how long to wait between two tries."""

import random
from collections.abc import Callable, Iterator

_AT_MOST_S = 1.0


def each_try(tries: int, first_s: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Yield so many times, and wait before each time but the first.

    Each wait is random, between 0 and a bound that doubles from `first_s` up to a second. So callers that failed at the
    same time try again at different times ("full jitter": AWS Architecture Blog, "Exponential Backoff And Jitter",
    2015).
    """
    for number in range(tries):
        if number:
            sleep(random.uniform(0, min(_AT_MOST_S, first_s * 2 ** (number - 1))))
        yield
