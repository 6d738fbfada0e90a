"""A day's quotas, counted by leases: a function takes many at once from the table, and gives them out by itself.

A lease doubles with use, up to a thousandth of the quota. So a busy function makes one call for hundreds of
transactions, and a function that has ended has left little unused. No bank gets more than its quota; some of it may be
left when the bank is refused: what the functions had taken and not needed.

When the table can't be reached, nothing is refused: what a quota saves isn't worth a lost transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from chalicelib.aws.telemetry import PERCENT, logger, measured
from chalicelib.aws.telemetry import count as count_metric
from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import Metered, limit_of
from chalicelib.banks.quotas_repository import QuotaRepository, Used
from chalicelib.errors import TemporarilyUnavailable

WARNED_AT = (80, 100)  # percent
_LEASES_AT_LEAST = 1_000  # in a quota


@dataclass(slots=True)
class _Lease:
    """What a function has taken of a day's quota and not given out, and how much it took last.

    `limit` is that of which it was taken, `exhausted_at` the limit at which nothing was left.
    """

    day: date
    limit: int
    left: int = 0
    size: int = 0
    exhausted_at: int | None = None


class Quotas:
    """The quotas of all banks in one function. `warn` sends a text with a subject to a bank's operators."""

    def __init__(
        self, repository: QuotaRepository, warn: Callable[[str, str, str], None], clock: Callable[[], datetime]
    ) -> None:
        self._repository = repository
        self._warn = warn
        self._clock = clock
        self._leases: dict[tuple[str, Metered], _Lease] = {}

    def take(self, bank: Bank, metered: Metered, count: int) -> int:
        """Take so many of the bank's quota of today, and return how many it may have, at most `count`.

        A lower limit than before counts at once: what this function had taken of the larger one is not given out.
        """
        limit = limit_of(bank, metered)
        if limit is None:
            return count
        day = self._clock().date()
        lease = self._leases.get((bank.id, metered))
        if lease is None or lease.day != day or limit < lease.limit:
            lease = self._leases[bank.id, metered] = _Lease(day, limit)
        lease.limit = limit
        if lease.left < count and lease.exhausted_at != limit:
            self._extend(lease, bank.id, metered, count - lease.left, limit)
        granted = min(count, lease.left)
        lease.left -= granted
        count_metric(f"OverQuota_{metered}", count - granted)
        return granted

    def give_back(self, bank: Bank, metered: Metered, count: int) -> None:
        """Give back what was taken and is not needed: this function gives it out later."""
        if (lease := self._leases.get((bank.id, metered))) is not None:
            lease.left += count

    def seconds_left(self) -> int:
        """Return in how many seconds the day ends, and the quotas begin anew."""
        now = self._clock()
        tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        return max(1, round((tomorrow - now).total_seconds()))

    def _extend(self, lease: _Lease, bank: str, metered: Metered, needed: int, limit: int) -> None:
        size = max(needed, min(2 * lease.size, limit // _LEASES_AT_LEAST))
        try:
            taken, used = self._repository.take(bank, metered, lease.day, size, limit)
            lease.left, lease.size = lease.left + taken, size
            lease.exhausted_at = limit if taken < needed else None
            measured("QuotaUsed", PERCENT, [round(used.taken / limit * 100, 1)], what=str(metered))
            self._warn_of(bank, metered, lease.day, used, limit)
        except TemporarilyUnavailable:
            lease.left += needed
            logger.warning("quota_unknown", extra={"bank": bank})
            count_metric("QuotaUnknown")

    def _warn_of(self, bank: str, metered: Metered, day: date, used: Used, limit: int) -> None:
        """Warn the bank's operators of what is reached and not told yet. If that fails, the next lease tries again."""
        reached = max((percent for percent in WARNED_AT if used.taken * 100 >= percent * limit), default=0)
        if reached <= used.warned.get(limit, 0):
            return
        subject = f"{reached} % of today's {metered} used"
        text = (
            f"{subject}, bank {bank}\n\n{used.taken} of {limit} {metered} of {day} (UTC) are used.\n"
            f"{_CONSEQUENCES[metered]}\nThe service's operator can change the bank's plan or limit.\n"
        )
        try:
            self._warn(bank, subject, text)
            self._repository.note_warning(bank, metered, day, limit, reached)
        except TemporarilyUnavailable:
            logger.warning("quota_warning_delayed", extra={"bank": bank})


_CONSEQUENCES = {
    Metered.TRANSACTIONS: "What is posted over them is answered 429, and may be posted again the next day.",
    Metered.EMAILS: "Who would get one over them gets none: the notification is skipped (over_quota). Security alerts, "
    "digests and statements aren't counted.",
}
