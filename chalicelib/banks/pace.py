"""How many transactions a second a bank may have recorded at once, in batches, over all copies of the API's function.

A plan limits requests, and a batch is one. So a bank alone could take all that the indexes hold for all banks. A
transaction that comes alone, in a batch too, isn't counted: the requests are its limit. A batch that may be queued
isn't either: in the queue, banks take turns.

When the table can't be reached, nothing is refused, as with the day's quotas.
"""

import math
from collections.abc import Callable
from datetime import datetime

from chalicelib.aws.telemetry import count as count_metric
from chalicelib.aws.telemetry import logger
from chalicelib.banks.pace_repository import BURST_S, PaceRepository
from chalicelib.banks.plans import pace_of
from chalicelib.errors import TemporarilyUnavailable


class Pace:
    def __init__(self, repository: PaceRepository, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._clock = clock
        self._until_ms: dict[str, int] = {}

    def take(self, bank: str, plan: str, count: int) -> tuple[int, int]:
        """Take so many transactions; return how many may be recorded now, and after how many seconds the others may."""
        rate = pace_of(plan)
        if rate is None or count <= 1:
            return count, 0
        now = self._clock()
        try:
            granted, until_ms = self._repository.take(bank, count, rate, now, self._until_ms.get(bank, 0))
        except TemporarilyUnavailable:
            logger.warning("pace_unknown", extra={"bank": bank})
            return count, 0
        self._until_ms[bank] = until_ms
        count_metric("OverPace", count - granted)
        left = min(count - granted, rate * BURST_S)
        return granted, max(1, math.ceil(until_ms / 1000 + left / rate - BURST_S - now.timestamp())) if left else 0
