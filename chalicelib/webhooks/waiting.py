"""How long this process has waited for a bank's endpoints lately. Each copy of the sender counts for itself."""

from collections import deque
from datetime import datetime, timedelta

# An answer within this time isn't waited for.
QUICK = timedelta(milliseconds=500)
# All of a bank's endpoints together are waited for so long in a minute, beyond the last answer, which may take ten
# seconds more. So at least half of a copy's time is left to other banks.
WITHIN = timedelta(minutes=1)
AT_MOST = timedelta(seconds=20)


class Waiting:
    """The times that were waited for banks in the last minute."""

    def __init__(self) -> None:
        self._waited: dict[str, deque[tuple[datetime, timedelta]]] = {}  # each with its end, oldest first

    def add(self, bank: str, took: timedelta, now: datetime) -> None:
        """Add a time that ends now. Of several posts at the same time, the longest is what was waited."""
        if took > QUICK:
            self._waited.setdefault(bank, deque()).append((now, took))

    def is_too_long(self, bank: str, now: datetime) -> bool:
        """Return whether the bank's endpoints are to rest now."""
        waited = self._waited.get(bank)
        while waited and waited[0][0] <= now - WITHIN:
            waited.popleft()
        if not waited:
            self._waited.pop(bank, None)
            return False
        return sum((took for _, took in waited), timedelta(0)) >= AT_MOST
