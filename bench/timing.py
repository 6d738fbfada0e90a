"""Timing several works side by side on a machine that others use, too."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], Any]
# The quickest of some tries is the one that was disturbed least.
_TRIES = 3


def rounds(works: Mapping[str, Work], count: int, on_round: Callable[[], Any]) -> dict[str, list[float]]:
    """Return each work's seconds, one figure for each of `count` rounds, in which every work has its turn.

    What slows the machine for a while slows all works of a round: ratios are to be taken within a round.
    """
    for work in works.values():
        work()  # warm: caches are filled, threads and connections made
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for index in range(count):
        # Now one, now the other comes first.
        for name in list(works)[:: -1 if index % 2 else 1]:
            seconds[name].append(min(_seconds(works[name]) for _ in range(_TRIES)))
        on_round()
    return seconds


def ratio(seconds: list[float], beside: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(seconds, beside, strict=True))


def _seconds(work: Work) -> float:
    # The processor's time, of all threads: nothing waits for anything here, and what other programs take is not ours.
    began = time.process_time()
    work()
    return time.process_time() - began
