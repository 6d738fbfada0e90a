"""Sending e-mails so that each notification is sent once, and SES is never asked for more than its rate.

The mailer and the statement job both send through `Sending`. It joins three things:

- the log, where a notification is claimed before SES is asked, and its state is recorded right after;
- the pacer, which books time at SES for all copies of all functions;
- the outbox, which calls SES.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from chalicelib.banks.bank import BankDirectory
from chalicelib.mail.pacing import Pacer
from chalicelib.mail.sender import Sender
from chalicelib.mail.ses import MAX_DESTINATIONS, Email, SesOutbox
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.state import State, StateChange


class Addressee(Protocol):
    """Who gets an e-mail for one notification."""

    @property
    def put_off_since(self) -> datetime | None: ...

    def change(self, state: State, reason: str | None = None, message_id: str | None = None) -> StateChange: ...


A = TypeVar("A", bound=Addressee)


@dataclass(slots=True)
class Sent(Generic[A]):
    """How many e-mails SES accepted, and the addressees of the others with the reason: given up, or put off."""

    accepted: int = 0
    failed: list[tuple[A, str]] = field(default_factory=list)
    put_off: list[tuple[A, str]] = field(default_factory=list)


class Senders:
    """The senders of the banks' e-mails."""

    def __init__(self, banks: BankDirectory) -> None:
        self._banks = banks

    def of(self, bank_id: str, stage: Sender) -> Sender:
        """Return a bank's sender: its name, at its own address or the stage's. Raises TemporarilyUnavailable."""
        bank = self._banks.by_id(bank_id)
        if bank is None:
            return stage
        return Sender(bank.sender_address or stage.address, bank.sender_name or bank.name)


class Sending:
    def __init__(self, log: NotificationLog, pacer: Pacer, outbox: SesOutbox, clock: Callable[[], datetime]) -> None:
        self.log = log
        self._pacer = pacer
        self._outbox = outbox
        self._clock = clock

    @property
    def at_once(self) -> int:
        """How many e-mails may go to SES in one call."""
        return min(MAX_DESTINATIONS, self._pacer.at_once)

    def wait_for(self, bank: str, count: int, at_most_s: float) -> int:
        """Wait until e-mails of the bank may be sent, and return how many: at most `count`, as its share allows.

        Returns 0 if that takes over `at_most_s`. Raises TemporarilyUnavailable.
        """
        return self._pacer.wait_for(bank, count, at_most_s)

    def send(self, emails: Iterable[tuple[A, Email]], now: datetime) -> Sent[A]:
        """Send the e-mails and record those that SES accepts.

        SES answers for each e-mail by itself: when it refuses one of fifty, the other 49 are recorded as sent, and the
        one is in `failed` (refused for good, or put off for three days) or in `put_off` (any other reason). What
        becomes of it is the caller's to say. Raises TemporarilyUnavailable when the log can't be written.
        """
        pairs: Sequence[tuple[A, Email]] = list(emails)
        sent = Sent[A]()
        for results in self._outbox.send([email for _, email in pairs]):
            accepted = []
            for position, result in results:
                addressee = pairs[position][0]
                if result.message_id is not None:
                    accepted.append(addressee.change(State.SENT, message_id=result.message_id))
                    continue
                is_given_up, reason = result.verdict(addressee.put_off_since or now, now)
                (sent.failed if is_given_up else sent.put_off).append((addressee, reason))
            # At once: a function that dies between SES's answer and this record sends the e-mail a second time.
            self.log.record(accepted, self._clock())
            sent.accepted += len(accepted)
        return sent
