"""Reading a bank's activity, hour by hour."""

from datetime import datetime, timedelta

from chalicelib.activity.hour import HourOfActivity, hour_of
from chalicelib.activity.repository import ActivityRepository

_HOUR = timedelta(hours=1)


class ActivityReader:
    def __init__(self, repository: ActivityRepository) -> None:
        self._repository = repository

    def between(self, bank: str, start: datetime, end: datetime) -> list[HourOfActivity]:
        """Return every hour from the one with `start` to the one with `end`, both inclusive, oldest first.

        An hour in which nothing happened is empty. Hours are kept for 40 days. Costs one query, and half a read unit
        for each eight hours or so. Raises TemporarilyUnavailable.
        """
        first, last = hour_of(start), hour_of(end)
        found = {one.hour: one for one in self._repository.between(bank, first, last)}
        hours = (first + number * _HOUR for number in range((last - first) // _HOUR + 1))
        return [found.get(hour) or HourOfActivity(hour) for hour in hours]
