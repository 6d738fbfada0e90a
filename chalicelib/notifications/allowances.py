"""Who gets an e-mail of their own, and whose notifications come as one: nobody is flooded.

An hour begins with a holder's first e-mail. Its first e-mails, 20 unless the bank chooses otherwise, come one by one;
what follows comes as one digest when the hour is over. Of an account's alerts the first one comes at once, and those
that follow it within 15 minutes come as one when these are over. Alerts and other e-mails are counted apart, and an
alert never waits for other e-mails.

Most holders get one e-mail in an hour, or two about one purchase. So these cost no call: each mailer remembers them,
and counts them in the table with the third. With several mailers a holder may get two e-mails too many from each mailer
but one; never fewer than were allowed, unless a mailer dies between counting and sending. Alerts are few, and all of
them are counted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.ledger.keys import account_key
from chalicelib.notifications.allowances_repository import AllowanceRepository
from chalicelib.notifications.digest import Digest, DigestKind
from chalicelib.notifications.notice import Recipient
from chalicelib.notifications.state import NotificationKey

HOUR = timedelta(hours=1)
_ALERTS_AT_ONCE = 1
# A purchase that is authorized and reversed, or settled otherwise, has two e-mails.
_UNCOUNTED = 2
_HOLDERS_REMEMBERED = 10_000


@dataclass(slots=True)
class Division:
    """Who gets an e-mail of their own now, until when it counts for each of them, and who waits for which digest."""

    alone: list[Recipient] = field(default_factory=list)
    counted_until: dict[NotificationKey, datetime] = field(default_factory=dict)
    together: list[tuple[Recipient, Digest]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Counted:
    """When a holder's hour began, with how many e-mails so far, and whether the table knows."""

    began: datetime
    emails: int
    is_shared: bool


class Allowances:
    """Counts the e-mails to each holder. `digest_after` returns how many of a bank's come one by one in an hour.

    `hour` is how long an hour is, which only a stage for trying out has shorter; 15 minutes are a quarter of it.
    """

    def __init__(
        self, repository: AllowanceRepository, digest_after: Callable[[str], int], hour: timedelta = HOUR
    ) -> None:
        self._repository = repository
        self._digest_after = digest_after
        self._within = {DigestKind.ORDINARY: hour, DigestKind.ALERTS: hour / 4}
        self._remembered: dict[str, _Counted] = {}

    def divide(self, recipients: Iterable[Recipient], now: datetime) -> Division:
        """Divide those who are to be told now, and count those who get an e-mail of their own.

        Makes at most two calls for a holder, however many of the notifications are theirs, and none for the first two
        ordinary e-mails of an hour. Raises TemporarilyUnavailable: some may be counted then that aren't sent.
        """
        division = Division()
        by_holder: dict[tuple[DigestKind, str, str, str], list[Recipient]] = {}
        for recipient in recipients:
            counted_until = recipient.notice.counted_until
            if counted_until is not None and now < counted_until:
                division.alone.append(recipient)
                division.counted_until[recipient.key] = counted_until
                continue
            kind = DigestKind.ALERTS if recipient.notice.flags else DigestKind.ORDINARY
            transaction = recipient.notice.transaction
            whose = (kind, transaction.bank, transaction.account, recipient.key.holder)
            by_holder.setdefault(whose, []).append(recipient)
        for whose, of_holder in by_holder.items():
            at_once, closes_at = self._take(*whose, len(of_holder), now)
            division.alone += of_holder[:at_once]
            division.counted_until |= {one.key: closes_at for one in of_holder[:at_once]}
            division.together += [(one, Digest(*whose, closes_at)) for one in of_holder[at_once:]]
        return division

    def _take(
        self, kind: DigestKind, bank: str, account: str, holder: str, wanted: int, now: datetime
    ) -> tuple[int, datetime]:
        """Return how many of the wanted e-mails may go now, and when the holder's hour is over."""
        whose, within = f"{kind}#{account_key(bank, account)}#{holder}", self._within[kind]
        before = self._remembered.get(whose)
        if before is not None and before.began + within <= now:
            before = None
        since = before.began if before is not None else now
        uncounted = before.emails if before is not None and not before.is_shared else 0
        is_shared = before is not None and before.is_shared
        if kind is DigestKind.ORDINARY and not is_shared and self._is_free(bank, wanted + uncounted):
            self._remember(whose, _Counted(since, wanted + uncounted, is_shared=False))
            return wanted, since + within
        limit = _ALERTS_AT_ONCE if kind is DigestKind.ALERTS else self._digest_after(bank)
        if before is not None and is_shared and before.emails >= limit:
            return 0, before.began + within
        began, emails = self._repository.count(whose, wanted + uncounted, since, now, within)
        self._remember(whose, _Counted(began, emails, is_shared=True))
        return max(0, min(wanted, limit - (emails - wanted))), began + within

    def _is_free(self, bank: str, emails: int) -> bool:
        """Return whether a mailer need not count so many ordinary e-mails of an hour in the table."""
        return emails == 1 or emails <= min(_UNCOUNTED, self._digest_after(bank))

    def _remember(self, whose: str, counted: _Counted) -> None:
        self._remembered.pop(whose, None)
        if len(self._remembered) >= _HOLDERS_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[whose] = counted
