"""A day's sums, counted anew from the index up to a checkpoint."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.repository import SAFETY_MARGIN
from chalicelib.analytics.rollups import Day, Sums, tally
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import MAX_AHEAD

# So long before its own time, at most, a transaction is recorded: by what the intake allows, on clocks that differ.
RECORDED_BEFORE = MAX_AHEAD + SAFETY_MARGIN


class Recount:
    """A day's sums as far as they are counted, in `days`. It can be carried on to a later checkpoint."""

    def __init__(
        self, transactions: TransactionRepository, day: date, bank: str | None, progress: Callable[[float], None]
    ) -> None:
        self._transactions = transactions
        self._date = day.isoformat()
        self._bank = bank
        self._progress = progress
        self._start = datetime.combine(day, time.min, UTC) - RECORDED_BEFORE
        self._places: dict[str, str] = {}
        self._left: dict[tuple[str, str], str] = {}  # by shard and bank that is behind: its own place
        self.days: dict[Day, Sums] = {}

    @property
    def banks(self) -> set[str]:
        return {day.bank for day in self.days}

    def extend_to(self, at: Checkpoint) -> None:
        """Count what was recorded up to the checkpoint and isn't counted yet."""
        for number, (shard, until) in enumerate(sorted(at.positions.items())):
            self._count_what_was_left(shard, at)
            place = self._places.get(shard, sortable(self._start))
            behind = {one.bank: one.positions.get(shard, "") for one in at.behind}
            after: str | None = place
            while after is not None:
                self._progress((number + self._share(after, until)) / len(at.positions))
                rows, after = self._transactions.recorded(shard, after, until, bank=self._bank, date=self._date)
                tally(
                    (row for row in rows if row["recorded_key"] <= behind.get(str(row.get("bank")), until)), self.days
                )
            self._places[shard] = max(until, place)
            for bank, position in behind.items():
                if self._bank in (None, bank):
                    self._left.setdefault((shard, bank), max(position, place))
        self._progress(1.0)

    def _count_what_was_left(self, shard: str, at: Checkpoint) -> None:
        for (where, bank), place in list(self._left.items()):
            if where != shard:
                continue
            until = min(at.positions_of(bank).get(shard, ""), self._places[shard])
            after: str | None = place
            while after is not None:
                rows, after = self._transactions.recorded(shard, after, until, bank=bank, date=self._date)
                tally(rows, self.days)
            self._left[shard, bank] = max(place, until)
            if until == self._places[shard]:
                del self._left[shard, bank]

    def _share(self, place: str, until: str) -> float:
        reached, end = (datetime.fromisoformat(one.partition("#")[0]) for one in (place, until))
        return (reached - self._start) / (end - self._start) if end > self._start else 1.0
