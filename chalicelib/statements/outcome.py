"""What one SES call's statements came to: what was composed of them, and what was done with them."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.aws.telemetry import count, logger
from chalicelib.mail.ses import Email
from chalicelib.notifications.state import NotificationKey, State, StateChange
from chalicelib.statements.index import Expected
from chalicelib.statements.selecting import Ready


@dataclass(slots=True)
class Composed:
    """The statements' e-mails, and the statements without one, each with its reason; `left` are not composed yet."""

    emails: list[tuple[Ready, Email]] = field(default_factory=list)
    untold: list[tuple[Ready, State, str]] = field(default_factory=list)
    failed: list[tuple[Ready, str]] = field(default_factory=list)
    left: set[NotificationKey] = field(default_factory=set)

    def keep(self, claimed: Container[NotificationKey]) -> None:
        """Keep only what may be sent."""
        self.emails = [one for one in self.emails if one[0].key in claimed]
        self.untold = [one for one in self.untold if one[0].key in claimed]
        self.failed = [one for one in self.failed if one[0].key in claimed]


@dataclass(slots=True)
class StatementOutcome:
    """What was done with the statements of one SES call. `later` are those that stay in the index, and until when."""

    sent: int
    dropped: int
    untold: list[tuple[Ready, State, str]]
    failed: list[tuple[Ready, str]]
    put_off: list[tuple[Ready, str]]
    later: list[tuple[Expected, datetime]]

    def changes(self) -> list[StateChange]:
        """Return the new states of the statements that were not sent."""
        return [
            *(ready.change(state, reason) for ready, state, reason in self.untold),
            *(ready.change(State.FAILED, reason) for ready, reason in self.failed),
            *(ready.change(State.QUEUED, reason) for ready, reason in self.put_off),
        ]

    def report(self) -> None:
        """Log and count it."""
        failed, put_off = len(self.failed), len(self.put_off)
        counts = {"sent": self.sent, "noted": len(self.untold), "failed": failed, "put_off": put_off}
        reasons = Counter(reason for _, reason in (*self.failed, *self.put_off))
        logger.info("statements", extra={**counts, "dropped": self.dropped, "later": len(self.later), "why": reasons})
        count("NotificationsSent", self.sent)
        count("NotificationsFailed", failed)
        count("NotificationsPutOff", put_off)
