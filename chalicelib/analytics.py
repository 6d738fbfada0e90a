"""Analytics: the job that folds new transactions into daily roll-ups, each exactly once, and what is read from them.

The job is the only writer of roll-ups, but for a repair. It reads each shard of the transactions' `by_recorded` index
from the checkpoint up to a watermark, and commits the new roll-ups together with the new checkpoint in one DynamoDB
transaction, on condition that the checkpoint is still the one it started from. A run that dies, comes late or runs
beside another one therefore changes nothing twice: it commits a step or it does not.

A reader takes the roll-ups as they were at the checkpoint, and adds what lies behind it in the index: the live tail.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from typing import Any

from chalicelib.analytics_repository import (
    MAX_ROLL_UPS_A_STEP,
    AnalyticsRepository,
    Checkpoint,
    RollUpBroken,
    RollUpsMoved,
)
from chalicelib.dynamo import sortable
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.repository import RECORDED_SHARDS, TransactionRepository
from chalicelib.rollups import Day, Sums, day_of, is_countable, merged, tally
from chalicelib.telemetry import count, logger

# What is recorded later than this before now may still be on its way into the index: the writer's longest run
# (30 s), clock skew between writers and the index's lag fit inside.
SAFETY_MARGIN = timedelta(seconds=60)
PAGE = 2_500
_LAST_STEP_S = 5.0
# A step takes DynamoDB some milliseconds, in which a reader can meet it half done.
_WAITS_S = (0.0, 0.01, 0.03, 0.1, 0.3)
_END = "~"  # behind every place in a shard
_Held = dict[str, tuple[list[dict[str, Any]], str | None]]  # by shard: a page's rows, and what follows on them


def fold(rows: Iterable[Mapping[str, Any]], days: dict[Day, Sums], max_days: int = MAX_ROLL_UPS_A_STEP) -> str | None:
    """Add a shard's rows to the sums by day; return the place of the last row that went in (None for none).

    Stops before the row that would need one day more than `max_days`. Only settled transactions count. A malformed
    row, which the stream handler has dead-lettered, is passed over: it must not hold up the others for ever.
    """
    position = None
    for row in rows:
        if not is_countable(row):
            logger.error("malformed_row", extra={"key": row["recorded_key"]})
            count("MalformedRows")
        elif row["status"] == "settled":
            day = day_of(row)
            if day not in days and len(days) == max_days:
                break
            days.setdefault(day, Sums()).add(row)
        position = row["recorded_key"]
    return position


class AnalyticsJob:
    def __init__(
        self,
        roll_ups: AnalyticsRepository,
        transactions: TransactionRepository,
        clock: Callable[[], datetime],
        max_days: int = MAX_ROLL_UPS_A_STEP,
    ) -> None:
        self._roll_ups = roll_ups
        self._transactions = transactions
        self._clock = clock
        self._max_days = max_days

    def run(self, time_left_s: Callable[[], float]) -> int:
        """Fold what was recorded since the last run; return how many steps were committed.

        Stops at a committed step when less than 5 s are left, and when another run makes the steps; the next run goes
        on from there. Raises TemporarilyUnavailable, RollUpBroken: with what is committed until then.
        """
        watermark = sortable(self._clock() - SAFETY_MARGIN)
        at = self._roll_ups.checkpoint()
        steps = 0
        held: _Held = {}
        has_more = True
        while has_more and time_left_s() >= _LAST_STEP_S:
            new, positions, has_more = self._new_since(at, watermark, held)
            if positions == at.positions:
                break
            try:
                at = self._roll_ups.commit(at, positions, merged([self._roll_ups.read(new, at), new]))
            except RollUpsMoved:
                logger.info("analytics_step_taken", extra={"version": at.version})
                break
            steps += 1
        logger.info("analytics_run", extra={"steps": steps})
        count("AnalyticsSteps", steps)
        return steps

    def _new_since(self, at: Checkpoint, watermark: str, held: _Held) -> tuple[dict[Day, Sums], dict[str, str], bool]:
        """Return one step's sums by day, the positions behind it, and whether there is more than that.

        What is read and doesn't fit into this step is left in `held` for the next one.
        """
        new: dict[Day, Sums] = {}
        positions = dict(at.positions)
        has_more = False
        # Another shard first each step, so that one whose rows fill the step leaves no other waiting for long.
        turn = at.version % len(RECORDED_SHARDS)
        for shard in RECORDED_SHARDS[turn:] + RECORDED_SHARDS[:turn]:
            if shard in held:
                rows, more = held.pop(shard)
            else:
                rows, more = self._transactions.recorded(shard, positions.get(shard), watermark, PAGE)
            position = fold(rows, new, self._max_days)
            if position is not None:
                positions[shard] = position
                rows = rows[bisect_right(rows, position, key=lambda row: row["recorded_key"]) :]
            if rows:
                held[shard] = rows, more
            has_more = has_more or bool(rows) or more is not None
        return new, positions, has_more


class AnalyticsReader:
    """What a bank reads: exact, current to seconds, and at the same cost however much is stored."""

    def __init__(
        self,
        roll_ups: AnalyticsRepository,
        transactions: TransactionRepository,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = sleep,
    ) -> None:
        self._roll_ups = roll_ups
        self._transactions = transactions
        self._clock = clock
        self._sleep = sleep

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
        """Return an account's sums by day from `first` to `last`, added up from its transactions."""
        now = self._clock()
        start, end = datetime.combine(first, time.min, UTC), datetime.combine(last, time.max, UTC)
        days: dict[Day, Sums] = {}
        tally(self._transactions.of_account_between(bank, account, start, end), days)
        return days, now

    def _tail(self, bank: str, at: Checkpoint) -> tuple[dict[Day, Sums], datetime]:
        """Return the bank's sums behind the checkpoint, and the time to which they are whole.

        One page of each shard: when the job is far behind, the answer is as of an earlier time and not late itself.
        """
        as_of = self._clock()
        days: dict[Day, Sums] = {}
        for shard in RECORDED_SHARDS:
            rows, more = self._transactions.recorded(shard, at.positions.get(shard), _END, bank=bank)
            tally(rows, days)
            if more is not None:
                as_of = min(as_of, datetime.fromisoformat(more.partition("#")[0]))
        return days, as_of
