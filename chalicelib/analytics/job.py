"""Analytics: the job that folds new transactions into daily roll-ups, each exactly once, and what is read from them.

The job is the only writer of roll-ups, but for a repair. It reads each shard of the transactions' `by_recorded` index
from the checkpoint up to a watermark, and commits the new roll-ups together with the new checkpoint in one DynamoDB
transaction, on condition that the checkpoint is still the one it started from. A run that dies, comes late or runs
beside another one therefore changes nothing twice: it commits a step or it does not.

Before it commits a step, it adds the step's transactions to their accounts' baselines, which know by themselves what is
in them. They are written without a condition, so a run holds the checkpoint while it makes steps.

The banks take turns (`turns`): one bank's flood doesn't delay what is answered to another.

A reader takes the roll-ups as they were at the checkpoint, and adds what lies behind it in the index: the live tail.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.repository import (
    MAX_ROLL_UPS_A_STEP,
    SAFETY_MARGIN,
    AnalyticsRepository,
    RollUpsMoved,
)
from chalicelib.analytics.rollups import merged
from chalicelib.analytics.turns import Turns
from chalicelib.aws.telemetry import SECONDS, count, logger, measured
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.times import sortable

# So many baselines are read and written in 125 calls, two or three seconds on a third of a processor.
MAX_ACCOUNTS_A_STEP = 2_500
_LAST_STEP_S = 10.0
# A dead run's lease goes on for so long: another run's clock may be ahead, and its last write still on its way.
LEASE_BEYOND = timedelta(seconds=40)


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
        turns = Turns(self._transactions, watermark, *self._bounds)
        steps = 0
        has_more = True
        try:
            while has_more and (left_s := time_left_s()) >= _LAST_STEP_S:
                turn = turns.next(at)
                if turn is None:
                    has_more = False
                    break
                new, has_more = turn.step, turn.has_more
                whole = merged([self._roll_ups.read(new.days, at), new.days])
                if at.lease is None:
                    now = self._clock()
                    at = self._roll_ups.hold(at, now, now + timedelta(seconds=left_s) + LEASE_BEYOND)
                # First the baselines: a run that dies in between adds to them again, and they know what they have.
                self._baselines.add(new.rows)
                at = self._roll_ups.commit(at, turn.positions, whole, turn.behind, is_last=not has_more)
                steps += 1
        except RollUpsMoved:
            logger.info("analytics_step_taken", extra={"version": at.version})
        except Exception:
            self._roll_ups.give_up(at)
            raise
        self._roll_ups.give_up(at)
        lag_s = SAFETY_MARGIN.total_seconds() if not has_more else self._lag_s(at)
        behind = [one.bank for one in at.behind]
        logger.info("analytics_run", extra={"steps": steps, "lag_s": lag_s, "behind": behind})
        count("AnalyticsSteps", steps)
        count("AnalyticsBanksBehind", len(behind))
        measured("JobLag", SECONDS, [lag_s], job="analytics_job")
        return steps

    def _lag_s(self, at: Checkpoint) -> float:
        """Return how old the newest transaction is of the shard that is furthest behind, for banks that aren't."""
        times = [datetime.fromisoformat(place.partition("#")[0]) for place in at.positions.values()]
        return round((self._clock() - min(times)).total_seconds(), 1) if times else 0.0
