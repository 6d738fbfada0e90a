"""Reads analytics: the roll-ups, and the few transactions recorded since the last run of the job."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from typing import Any

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.repository import AnalyticsRepository, RollUpBroken, RollUpsMoved
from chalicelib.analytics.rollups import Day, Sums, merged, tally
from chalicelib.errors import RangeTooLarge, TemporarilyUnavailable
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import shards_of

# A step takes DynamoDB some milliseconds, in which a reader can meet it half done.
_WAITS_S = (0.0, 0.01, 0.03, 0.1, 0.3)
_END = "~"  # behind every place in a shard
# Of an account in one request: some twenty pages of DynamoDB, and two seconds of CPU.
MAX_ROWS = 50_000
# The tail has what all banks have recorded since the last run. So many pages of 1 MB are read of it, which is what
# 900 transactions a second are in two minutes; fewer when they have so many of the bank's own.
_MAX_PAGES = 32
_MANY_ROWS = 1_000


class AnalyticsReader:
    """What a bank reads: exact, current to seconds, and at the same cost however much is stored."""

    def __init__(
        self,
        roll_ups: AnalyticsRepository,
        transactions: TransactionRepository,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = sleep,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self._roll_ups = roll_ups
        self._transactions = transactions
        self._clock = clock
        self._sleep = sleep
        self._max_rows = max_rows

    def of_bank(self, bank: str, first: date, last: date) -> tuple[dict[Day, Sums], datetime]:
        """Return the bank's sums by day from `first` to `last`, and the time to which all recorded is in them.

        Raises TemporarilyUnavailable when the job moves on again and again while this reads, or a roll-up is broken.
        """
        start, end = first.isoformat(), last.isoformat()
        for wait_s in _WAITS_S:
            self._sleep(wait_s)
            at = self._roll_ups.checkpoint()
            try:
                days = self._roll_ups.days(bank, start, end, at)
            except (RollUpsMoved, RollUpBroken):
                continue
            # What is behind the checkpoint stays in the index, however far the job comes meanwhile.
            tail, as_of = self._tail(bank, at)
            return merged([days, {day: sums for day, sums in tail.items() if start <= day.date <= end}]), as_of
        raise TemporarilyUnavailable

    def of_account(self, bank: str, account: str, first: date, last: date) -> tuple[dict[Day, Sums], datetime]:
        """Return an account's sums by day from `first` to `last`, added up from its transactions.

        Raises RangeTooLarge after as many rows as one request may read.
        """
        now = self._clock()
        start, end = datetime.combine(first, time.min, UTC), datetime.combine(last, time.max, UTC)
        days: dict[Day, Sums] = {}
        tally(self._bounded(self._transactions.of_account_between(bank, account, start, end), first), days)
        return days, now

    def _bounded(self, rows: Iterable[dict[str, Any]], first: date) -> Iterator[dict[str, Any]]:
        for number, row in enumerate(rows):
            if number == self._max_rows:
                too_many = f"The account has more than {self._max_rows:,} transactions and flags"
                raise RangeTooLarge(too_many, _day_before(row, first))
            yield row

    def _tail(self, bank: str, at: Checkpoint) -> tuple[dict[Day, Sums], datetime]:
        """Return the bank's sums behind the checkpoint, and the time to which they are whole.

        A bounded number of pages: when the job is far behind with the bank, or other banks post more than a stage is
        made for, the answer is as of an earlier time and not late itself.
        """
        as_of = self._clock()
        days: dict[Day, Sums] = {}
        positions = at.positions_of(bank)
        for shard in shards_of(at.shards):
            place, number = positions.get(shard), 0
            for _ in range(max(1, _MAX_PAGES // at.shards)):
                rows, place = self._transactions.recorded(shard, place, _END, bank=bank)
                tally(rows, days)
                number += len(rows)
                if place is None or number >= _MANY_ROWS:
                    break
            if place is not None:
                as_of = min(as_of, datetime.fromisoformat(place.partition("#")[0]))
        return days, as_of


def _day_before(row: dict[str, Any], first: date) -> date | None:
    """Return the day before the row's own, if it is not before the first one."""
    try:
        day = date.fromisoformat(str(row["timestamp"])[:10])
    except (KeyError, ValueError):  # written past the API
        return None
    return day - timedelta(days=1) if day > first else None
