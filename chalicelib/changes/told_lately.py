"""How often an address is told of changes: who can change a bank's records must not be able to flood a stranger.

The first few e-mails within an hour always go out, whatever is left of the bank's quota: they are there for the day on
which somebody else has the bank's key. They are counted in it all the same.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib.changes.change_notice import ChangeNotice
from chalicelib.holders.address import Address
from chalicelib.notifications.allowances import HOUR
from chalicelib.notifications.allowances_repository import AllowanceRepository

TOLD_LATELY = "told_lately"
AT_MOST = 5  # to each address of a bank within an hour


class ToldLately:
    """Counts the e-mails about changes to each address of a bank, for all of its holders together.

    `allowed_emails` takes so many e-mails of a bank's quota of today.
    """

    def __init__(self, repository: AllowanceRepository, allowed_emails: Callable[[str, int], int]) -> None:
        self._repository = repository
        self._allowed_emails = allowed_emails

    def why_not(self, notice: ChangeNotice, now: datetime) -> str | None:
        """Return why no e-mail goes to the notice's address; None if one may, which is then counted.

        A notice that SES put off, or that is sent through again, was counted before. A function that dies behind the
        count has the notice counted once more. Raises TemporarilyUnavailable.
        """
        if notice.put_off_since is not None or notice.again:
            return None
        bank = notice.told.bank
        whose = f"changes#{Address.of(bank, notice.told.holder.email).key}"
        _, told = self._repository.count(whose, 1, now, now, HOUR)
        if told > AT_MOST:
            return TOLD_LATELY
        self._allowed_emails(bank, 1)
        return None
