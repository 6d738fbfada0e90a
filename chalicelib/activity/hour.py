"""What a bank's activity of one hour is: counts by what happened, and how long e-mails took. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from chalicelib.activity.histogram import BUCKETS, EMPTY, Histogram


class Counted(StrEnum):
    """What is counted. The values are the names of attributes in the table."""

    TRANSACTIONS = "transactions"  # new ones in the stream
    FLAGGED = "flagged"  # of them, those with a flag that is not a shadow one
    SENT = "sent"  # e-mails that SES accepted; the others are states of notifications, or SES's feedback
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    SKIPPED = "skipped"
    FAILED = "failed"
    ALERTS = "alerts"  # security alerts among the e-mails that SES accepted
    RECOGNIZED = "recognized"
    NOT_RECOGNIZED = "not_recognized"
    WEBHOOKS_DELIVERED = "webhooks_delivered"
    WEBHOOKS_FAILED = "webhooks_failed"  # posted, and not accepted; each try counts


EMAILS = tuple(
    Counted(name)
    for name in ("sent", "delivered", "bounced", "complained", "rejected", "suppressed", "skipped", "failed")
)
Counts = Mapping[Counted, int]
NOTHING: Counts = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HourOfActivity:
    """A bank's activity in the hour that begins at `hour` (UTC). `latency` is from recording to SES's yes."""

    hour: datetime
    counts: Counts = field(default_factory=dict)
    latency: Histogram = EMPTY

    @property
    def transactions(self) -> int:
        return self.counts.get(Counted.TRANSACTIONS, 0)

    @property
    def flagged(self) -> int:
        return self.counts.get(Counted.FLAGGED, 0)

    @property
    def emails(self) -> dict[str, int]:
        """How many e-mails reached each state, all states named. An e-mail counts in each state that it reached."""
        return {state.value: self.counts.get(state, 0) for state in EMAILS}

    @property
    def alerts(self) -> int:
        """How many security alerts were sent."""
        return self.counts.get(Counted.ALERTS, 0)

    @property
    def answers(self) -> dict[str, int]:
        """How many holders answered an alert, by answer. A corrected answer counts as two."""
        return {answer.value: self.counts.get(answer, 0) for answer in (Counted.RECOGNIZED, Counted.NOT_RECOGNIZED)}

    @property
    def webhooks(self) -> dict[str, int]:
        """How many tries were delivered, and how many failed."""
        return {
            "delivered": self.counts.get(Counted.WEBHOOKS_DELIVERED, 0),
            "failed": self.counts.get(Counted.WEBHOOKS_FAILED, 0),
        }


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def to_increments(counts: Counts, latency: Histogram) -> dict[str, int]:
    """Return by how much each stored number of an hour grows; 0 is left out."""
    buckets = {_bucket(number): count for number, count in enumerate(latency.counts)}
    return {name: count for name, count in ({str(key): n for key, n in counts.items()} | buckets).items() if count}


def from_values(hour: datetime, values: Mapping[str, Any]) -> HourOfActivity:
    """Return the hour in a stored row. Names that this release doesn't know are left out."""
    counts = {counted: int(values[counted]) for counted in Counted if counted in values}
    latency = Histogram(tuple(int(values.get(_bucket(number), 0)) for number in range(BUCKETS)))
    return HourOfActivity(hour, counts, latency)


def _bucket(number: int) -> str:
    return f"s{number}"
