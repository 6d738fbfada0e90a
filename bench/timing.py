"""Times several works side by side, on a machine that other programs use too."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], Any]
# Of some tries, the quickest was disturbed least.
TRIES = 3


def rounds(
    works: Mapping[str, Work], count: int, on_round: Callable[[], Any], tries: int = TRIES
) -> dict[str, list[float]]:
    """Return each work's seconds: one figure for each of `count` rounds. Every round times every work.

    Another program that slows the machine slows all works of the same round. So compare only figures of one round.
    """
    for work in works.values():
        work()  # Warm up: fill caches, create threads and connections.
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for index in range(count):
        # The order changes from round to round.
        for name in list(works)[:: -1 if index % 2 else 1]:
            seconds[name].append(min(_seconds(works[name]) for _ in range(tries)))
        on_round()
    return seconds


def ratio(seconds: list[float], beside: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(work / other for work, other in zip(seconds, beside, strict=True))


def _seconds(work: Work) -> float:
    # Processor time, of all threads: no work waits for anything, and the time of other programs must not count.
    began = time.process_time()
    work()
    return time.process_time() - began
