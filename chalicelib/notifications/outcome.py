"""What a mailer did for the recipients of one SES call."""

from collections import Counter
from dataclasses import dataclass, field, replace

from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.preferences import Wait
from chalicelib.notifications.digest import Digest
from chalicelib.notifications.notice import Recipient
from chalicelib.notifications.state import State, StateChange


@dataclass(slots=True)
class Outcome:
    """What was done for the recipients of one SES call, with a reason where there is one."""

    sent: int = 0
    skipped: list[StateChange] = field(default_factory=list)
    failed: list[tuple[Recipient, str]] = field(default_factory=list)
    put_off: list[tuple[Recipient, str]] = field(default_factory=list)
    waiting: list[tuple[Recipient, Wait]] = field(default_factory=list)
    together: list[tuple[Recipient, Digest]] = field(default_factory=list)
    busy: list[Recipient] = field(default_factory=list)
    settled: int = 0
    transactions: list[str] = field(default_factory=list)

    def given_back(self) -> list[StateChange]:
        """Return the new states of those whose notices come again, which gives their claims back."""
        return [
            *(recipient.change(State.QUEUED, reason) for recipient, reason in self.put_off),
            *(recipient.change(State.QUEUED, wait.preference) for recipient, wait in self.waiting),
        ]

    def settled_changes(self) -> list[StateChange]:
        """Return the new states of all others who were not sent an e-mail."""
        return [
            *self.skipped,
            *(recipient.change(State.FAILED, reason) for recipient, reason in self.failed),
            *(replace(one.change(State.QUEUED, digest.kind.value), digest=digest.id) for one, digest in self.together),
        ]

    def report(self) -> None:
        """Log and count it."""
        failed, put_off, waiting, together = len(self.failed), len(self.put_off), len(self.waiting), len(self.together)
        counts = {"sent": self.sent, "skipped": len(self.skipped), "failed": failed, "put_off": put_off}
        counts |= {"waiting": waiting, "digested": together, "busy": len(self.busy), "settled": self.settled}
        reasons = Counter(reason for _, reason in (*self.failed, *self.put_off))
        logger.info("told", extra={**counts, "reasons": reasons, "transactions": self.transactions})
        count("NotificationsSent", self.sent)
        count("NotificationsFailed", failed)
        count("NotificationsPutOff", put_off)
        count("NotificationsDeferred", waiting)
        count("NotificationsDigested", together)
