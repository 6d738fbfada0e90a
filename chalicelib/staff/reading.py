"""How much a member of staff may ask in an hour: a whole bank can't be read out, nor its capacity be taken, by one.

Counted by leases, as a bank's quotas are: a function takes many units at once from the table and gives them out by
itself, so that most requests cost no write. When the table can't be reached, nothing is refused.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws.caching import TimedCache
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.staff.refusals import ReadLimitReached

# A console that is looked at asks about 1,000 times in an hour.
UNITS_AN_HOUR = 3_600
_FIRST_LEASE, _LARGEST_LEASE = 10, 100
_HOUR = timedelta(hours=1)
_MOST_MEMBERS = 1_000


@dataclass(slots=True)
class _Lease:
    """What a function has taken of a member's hour and not given out, and how much it took last."""

    left: int = 0
    size: int = 0
    is_exhausted: bool = False


class ReadLimits:
    """The limits of all members of staff in one function."""

    def __init__(self, repository: QuotaRepository, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._clock = clock
        self._leases = TimedCache[tuple[str, str, datetime], _Lease](_HOUR, clock, _MOST_MEMBERS)

    def take(self, bank: str, subject: str, units: int) -> None:
        """Take so many units of the member's hour; raises ReadLimitReached if so many aren't left."""
        now = self._clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        lease = self._leases.get((bank, subject, hour), _Lease)
        if lease.left < units and not lease.is_exhausted:
            self._extend(lease, bank, subject, hour, units - lease.left)
        if lease.left < units:
            count("StaffReadsRefused")
            raise ReadLimitReached(math.ceil((hour + _HOUR - now).total_seconds()))
        lease.left -= units

    def _extend(self, lease: _Lease, bank: str, subject: str, hour: datetime, needed: int) -> None:
        size = max(needed, min(max(2 * lease.size, _FIRST_LEASE), _LARGEST_LEASE))
        what = f"reads#{hour:%H}#{subject}"
        try:
            taken, _ = self._repository.take(bank, what, hour.date(), size, UNITS_AN_HOUR)
        except TemporarilyUnavailable:
            taken = needed
            logger.warning("read_limit_unknown", extra={"bank": bank})
        lease.left, lease.size, lease.is_exhausted = lease.left + taken, size, taken < needed
