"""How many addresses a bank may have asked to confirm in a day: SNS asks anybody whose address a bank enters.

They are counted as its quotas are, but one by one: nobody may have more than a few asked, whatever happens at once.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib.banks.quotas_repository import QuotaRepository

CONFIRMATIONS_A_DAY = 30
_COUNTED_AS = "confirmations"


class Confirmations:
    def __init__(self, used: QuotaRepository, clock: Callable[[], datetime]) -> None:
        self._used = used
        self._clock = clock

    def may_ask(self, bank: str) -> bool:
        """Count one more address that is asked today (UTC), and return whether the bank may.

        Raises TemporarilyUnavailable.
        """
        taken, _ = self._used.take(bank, _COUNTED_AS, self._clock().date(), 1, CONFIRMATIONS_A_DAY)
        return taken == 1
