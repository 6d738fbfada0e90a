"""Reconciliation: a day's roll-ups against the transactions and flags themselves, counted anew from the index.

It finds what the job can't know of: a transaction that reached the index later than the job's margin allows, and a
roll-up that was changed by other hands.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import sleep

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.recount import Recount
from chalicelib.analytics.repository import (
    MAX_ROLL_UPS_A_STEP,
    AnalyticsRepository,
    RollUpBroken,
    RollUpsMoved,
)
from chalicelib.analytics.rollups import MOVEMENTS, Day, Largest, Sums
from chalicelib.aws.batching import batches
from chalicelib.aws.telemetry import COUNT, logger, measured
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.money import CURRENCY_DECIMALS, excess_decimals, format_amount
from chalicelib.ledger.repository import TransactionRepository

_FIELDS = (*(f"{name}{suffix}" for name in MOVEMENTS for suffix in ("_count", "")), "largest")
_COUNTS = ("statuses", "flags")
_WAITS_S = (0.0, 0.1, 0.5, *[2.0] * 10)
_PATIENCE = 3


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A field of a roll-up that is not what its transactions and flags add up to; "-" is nothing."""

    day: Day
    field: str
    stored: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class Findings:
    """How many roll-ups were compared, and how they differed before any repair.

    `broken_elsewhere` are roll-ups of other days or banks which a repair has come upon, and left.
    """

    compared: int
    differences: list[Difference]
    broken_elsewhere: list[Day] = field(default_factory=list)


def differences(
    stored: Mapping[Day, Sums], recomputed: Mapping[Day, Sums], broken: Set[Day] = frozenset()
) -> list[Difference]:
    """Return every field that differs, by day; a day that one side lacks is one without transactions.

    Each status and flag is a field, like `statuses.settled` or `flags.velocity`. A roll-up that
    is broken, whatever is in it, differs in its version.
    """
    nothing = Sums()
    pairs = {day: (stored.get(day, nothing), recomputed.get(day, nothing)) for day in {*stored, *recomputed}}
    found = [Difference(day, "version", "broken", "-") for day in broken]
    found += [
        Difference(day, name, _text(getattr(before, name), day.currency), _text(getattr(after, name), day.currency))
        for day, (before, after) in pairs.items()
        for name in _FIELDS
        if getattr(before, name) != getattr(after, name)
    ]
    for day, (before, after) in pairs.items():
        for kind in _COUNTS:
            counts, recounted = getattr(before, kind), getattr(after, kind)
            found += [
                Difference(day, f"{kind}.{name}", str(counts.get(name, 0)), str(recounted.get(name, 0)))
                for name in {*counts, *recounted}
                if counts.get(name, 0) != recounted.get(name, 0)
            ]
    return sorted(found)


def _text(value: int | Decimal | Largest | None, currency: str) -> str:
    match value:
        case None:
            return "-"
        case Largest():
            return f"{value.id} {value.account} {value.type} {_text(value.amount, currency)} {value.timestamp}"
        case Decimal():
            # Other hands may have left more decimals than there are, or a currency that is none.
            is_one = currency in CURRENCY_DECIMALS and excess_decimals(value, currency) is None
            return format_amount(value, currency) if is_one else f"{value:f}"
        case _:
            return str(value)


class Reconciliation:
    """Compares roll-ups with their transactions, and repairs them when it is told to."""

    def __init__(
        self,
        roll_ups: AnalyticsRepository,
        transactions: TransactionRepository,
        max_days: int = MAX_ROLL_UPS_A_STEP,
        sleep: Callable[[float], None] = sleep,
    ) -> None:
        self._roll_ups = roll_ups
        self._transactions = transactions
        self._max_days = max_days
        self._sleep = sleep

    def of_day(
        self,
        day: date,
        bank: str | None = None,
        banks: Iterable[str] = (),
        *,
        repair: bool = False,
        before_repair: Callable[[], object] = lambda: None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> Findings:
        """Compare a UTC day's roll-ups with its transactions, of one bank or of all, as of the checkpoint.

        All are those with a transaction on that day, and `banks`. With `repair`, what differs is replaced by what was
        recomputed, which the job can't come between; `before_repair` is called before each attempt. Reads every shard
        of the index from shortly before the day to the checkpoint, a page at a time; `progress` is told which share of
        that is done. Raises TemporarilyUnavailable when the job makes step upon step of that very day.
        """
        recount = Recount(self._transactions, day, bank, progress)
        found: dict[tuple[Day, str], Difference] = {}
        at, tries = Checkpoint(-1), 0
        for wait_s in _WAITS_S:
            self._sleep(wait_s)
            before, at = at, self._roll_ups.checkpoint()
            tries = tries + 1 if at == before else 0
            # What has not fitted one and the same checkpoint for seconds is no step on its way.
            is_patient = tries < _PATIENCE
            recount.extend_to(at)
            try:
                stored, broken = self._stored([bank] if bank else sorted({*banks, *recount.banks}), day, at, is_patient)
                differing = differences(stored, recount.days, broken)
                # What a repair that was cut short has put right is still what was found.
                found = {(one.day, one.field): one for one in differing} | found
                elsewhere: set[Day] = set()
                if repair and differing:
                    before_repair()
                    elsewhere = self._replace({one.day for one in differing}, recount.days, at, is_patient)
            except (RollUpsMoved, RollUpBroken):
                continue
            return Findings(len({*stored, *recount.days}), [found[key] for key in sorted(found)], sorted(elsewhere))
        raise TemporarilyUnavailable

    def of_day_before(self, now: datetime) -> Findings:
        """Compare the roll-ups of the day before, of all banks with a transaction on it; log and count what differs."""
        day = now.astimezone(UTC).date() - timedelta(days=1)
        findings = self.of_day(day)
        for one in findings.differences:
            # Without what it says: no amounts in logs.
            where = {"bank": one.day.bank, "date": one.day.date, "currency": one.day.currency}
            logger.error("roll_up_differs", extra={**where, "field": one.field})
        logger.info(
            "reconciliation",
            extra={"date": day.isoformat(), "compared": findings.compared, "differences": len(findings.differences)},
        )
        # Also of none: the alarm of a night with differences must find a better one.
        measured("ReconciliationDifferences", COUNT, [float(len(findings.differences))])
        return findings

    def _stored(
        self, banks: list[str], day: date, at: Checkpoint, is_patient: bool
    ) -> tuple[dict[Day, Sums], set[Day]]:
        """Return the roll-ups of the day, and which of them don't fit the checkpoint, at which they all were read."""
        stored: dict[Day, Sums] = {}
        broken: set[Day] = set()
        for bank in banks:
            if is_patient:
                stored |= self._roll_ups.days(bank, day.isoformat(), day.isoformat(), at)
            else:
                found, unfit = self._roll_ups.days_as_they_are(bank, day.isoformat(), day.isoformat(), at)
                stored, broken = stored | found, broken | unfit
        if broken and self._roll_ups.checkpoint() != at:
            raise RollUpsMoved
        return stored, broken

    def _replace(self, days: set[Day], by: Mapping[Day, Sums], at: Checkpoint, is_patient: bool) -> set[Day]:
        """Replace the roll-ups of the days; return which others the checkpoint's step has left broken."""
        elsewhere = self._roll_ups.broken(at) - days
        if elsewhere and is_patient:
            raise RollUpBroken(min(elsewhere))
        for part in batches(sorted(days), self._max_days):
            # Where nothing was recomputed, an empty roll-up is left: a reader must see that it was changed.
            at = self._roll_ups.commit(at, at.positions, {day: by.get(day, Sums()) for day in part}, at.behind)
        return elsewhere
