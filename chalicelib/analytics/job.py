"""Analytics: the job that folds new transactions into daily roll-ups, each exactly once, and what is read from them.

The job is the only writer of roll-ups, but for a repair. It reads each shard of the transactions' `by_recorded` index
from the checkpoint up to a watermark, and commits the new roll-ups together with the new checkpoint in one DynamoDB
transaction, on condition that the checkpoint is still the one it started from. A run that dies, comes late or runs
beside another one therefore changes nothing twice: it commits a step or it does not.

Before it commits a step, it adds the step's transactions to their accounts' baselines, which know by themselves what is
in them. They are written without a condition, so a run holds the checkpoint while it makes steps.

A reader takes the roll-ups as they were at the checkpoint, and adds what lies behind it in the index: the live tail.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.analytics.repository import (
    MAX_ROLL_UPS_A_STEP,
    SAFETY_MARGIN,
    AnalyticsRepository,
    Checkpoint,
    RollUpsMoved,
)
from chalicelib.analytics.rollups import Day, Sums, day_of, is_countable, merged
from chalicelib.aws.telemetry import SECONDS, count, logger, measured, skipped
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import is_flag_row, shards_of
from chalicelib.ledger.times import sortable

PAGE = 2_500
# So many baselines are read and written in 125 calls, two or three seconds on a third of a processor.
MAX_ACCOUNTS_A_STEP = 2_500
_LAST_STEP_S = 10.0
# A dead run's lease goes on for so long: another run's clock may be ahead, and its last write still on its way.
LEASE_BEYOND = timedelta(seconds=40)
_Row = Mapping[str, Any]
_Held = dict[str, tuple[list[dict[str, Any]], str | None]]  # by shard: a page's rows, and what follows on them


class Step:
    """What one commit adds: to roll-ups `days`, by day; to baselines `rows`, by account; of both so many at most."""

    def __init__(self, max_days: int = MAX_ROLL_UPS_A_STEP, max_accounts: int = MAX_ACCOUNTS_A_STEP) -> None:
        self.days: dict[Day, Sums] = {}
        self.rows: dict[str, list[_Row]] = {}
        self._max_days = max_days
        self._max_accounts = max_accounts

    def fold(self, rows: Iterable[_Row]) -> str | None:
        """Take a shard's rows in; return the place of the last one that went in (None for none).

        Stops before the row that would need one day or one account too many. A malformed row, which the stream handler
        has dead-lettered, is passed over: it must not hold up the others for ever.
        """
        position = None
        for row in rows:
            if not is_countable(row):
                skipped("malformed_row", "MalformedRows", key=row["recorded_key"])
            elif not self._takes(row):
                break
            position = row["recorded_key"]
        return position

    def _takes(self, row: _Row) -> bool:
        day = day_of(row)
        if day not in self.days and len(self.days) == self._max_days:
            return False
        if not is_flag_row(row) and row["status"] != "reversed":  # of a reversal no baseline remembers anything
            account = account_key(row["bank"], row["account"])
            if account not in self.rows and len(self.rows) == self._max_accounts:
                return False
            self.rows.setdefault(account, []).append(row)
        self.days.setdefault(day, Sums()).add(row)
        return True


class AnalyticsJob:
    def __init__(
        self,
        roll_ups: AnalyticsRepository,
        baselines: BaselineRepository,
        transactions: TransactionRepository,
        clock: Callable[[], datetime],
        max_days: int = MAX_ROLL_UPS_A_STEP,
        max_accounts: int = MAX_ACCOUNTS_A_STEP,
    ) -> None:
        self._roll_ups = roll_ups
        self._baselines = baselines
        self._transactions = transactions
        self._clock = clock
        self._bounds = max_days, max_accounts

    def run(self, time_left_s: Callable[[], float]) -> int:
        """Fold what was recorded since the last run; return how many steps were committed.

        Stops at a committed step when less than 10 s are left, and when another run makes the steps; the next run goes
        on from there. Raises TemporarilyUnavailable, RollUpBroken: with what is committed until then.
        """
        watermark = sortable(self._clock() - SAFETY_MARGIN)
        at = self._roll_ups.checkpoint()
        steps = 0
        held: _Held = {}
        has_more = True
        try:
            while has_more and (left_s := time_left_s()) >= _LAST_STEP_S:
                new, positions, has_more = self._new_since(at, watermark, held)
                if positions == at.positions:
                    break
                whole = merged([self._roll_ups.read(new.days, at), new.days])
                if at.lease is None:
                    now = self._clock()
                    at = self._roll_ups.hold(at, now, now + timedelta(seconds=left_s) + LEASE_BEYOND)
                # First the baselines: a run that dies in between adds to them again, and they know what they have.
                self._baselines.add(new.rows)
                at = self._roll_ups.commit(at, positions, whole, is_last=not has_more)
                steps += 1
        except RollUpsMoved:
            logger.info("analytics_step_taken", extra={"version": at.version})
        except Exception:
            self._roll_ups.give_up(at)
            raise
        self._roll_ups.give_up(at)
        lag_s = SAFETY_MARGIN.total_seconds() if not has_more else self._lag_s(at)
        logger.info("analytics_run", extra={"steps": steps, "lag_s": lag_s})
        count("AnalyticsSteps", steps)
        measured("JobLag", SECONDS, [lag_s], job="analytics_job")
        return steps

    def _lag_s(self, at: Checkpoint) -> float:
        """Return how old the newest transaction is of the shard that is furthest behind."""
        times = [datetime.fromisoformat(place.partition("#")[0]) for place in at.positions.values()]
        return round((self._clock() - min(times)).total_seconds(), 1) if times else 0.0

    def _new_since(self, at: Checkpoint, watermark: str, held: _Held) -> tuple[Step, dict[str, str], bool]:
        """Return one step, the positions behind it, and whether there is more than that.

        What is read and doesn't fit into this step is left in `held` for the next one.
        """
        new = Step(*self._bounds)
        positions = dict(at.positions)
        has_more = False
        # Another shard first each step, so that one whose rows fill the step leaves no other waiting for long.
        shards = shards_of(at.shards)
        turn = at.version % len(shards)
        for shard in shards[turn:] + shards[:turn]:
            if shard in held:
                rows, more = held.pop(shard)
            else:
                rows, more = self._transactions.recorded(shard, positions.get(shard), watermark, PAGE)
            position = new.fold(rows)
            if position is not None:
                positions[shard] = position
                rows = rows[bisect_right(rows, position, key=lambda row: row["recorded_key"]) :]
            if rows:
                held[shard] = rows, more
            has_more = has_more or bool(rows) or more is not None
        return new, positions, has_more
