"""Recording activity: what a function has done with a batch is added to its banks' hours, as well as that goes.

The figures are for people who look at a bank's day. Roll-ups and notifications are what counts: so activity never fails
a batch, and a batch that comes again after it was counted counts again.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from chalicelib.activity.histogram import EMPTY, Histogram
from chalicelib.activity.hour import NOTHING, Counts, hour_of
from chalicelib.activity.repository import ActivityRepository
from chalicelib.aws.telemetry import count, logger

_AT_ONCE = 8


class Happened(NamedTuple):
    """What happened for a bank in a batch."""

    counts: Counts = NOTHING
    latency: Histogram = EMPTY


class ActivityRecorder:
    def __init__(self, repository: ActivityRepository, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._clock = clock

    def note(self, happened: Mapping[str, Happened]) -> None:
        """Add what happened, by bank, to the present hour: one call for a bank, side by side. Raises nothing."""
        hour = hour_of(self._clock())
        if len(happened) > 1:
            with ThreadPoolExecutor(min(_AT_ONCE, len(happened))) as pool:
                failed = [error for error in pool.map(lambda one: self._add(hour, *one), happened.items()) if error]
        else:
            failed = [error for one in happened.items() if (error := self._add(hour, *one))]
        if failed:
            logger.warning("activity_not_counted", extra={"banks": len(failed), "error": failed[0]})
            count("ActivityNotCounted", len(failed))

    def _add(self, hour: datetime, bank: str, happened: Happened) -> str | None:
        try:
            self._repository.add(bank, hour, happened.counts, happened.latency)
        except Exception as error:  # whatever it is, the batch itself is done
            return type(error).__name__
        return None
