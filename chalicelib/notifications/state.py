"""What became of an e-mail: a notification's state, from the mailer's note and from all that SES told of it.

Pure: the same note and the same feedback give the same answer, in whatever order and however often they came.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.ledger.keys import IDENTIFIER, TransactionKey, transaction_key
from chalicelib.ledger.times import format_time

# What stands in a transaction's place in all that is noted and told of a statement. No transaction's id has an "@".
STATEMENT_ID = re.compile(rf"statement@{IDENTIFIER.pattern}@[0-9]{{4}}-(?:W[0-9]{{2}}|[0-9]{{2}})")
# The same for a change of the holder's record (see `holders.change`).
CHANGE_ID = re.compile(
    rf"(?:address_changed|alerts_ended|confirm_address)@{IDENTIFIER.pattern}@[0-9]{{8}}T[0-9]{{12}}Z"
)

# The same of a digest: several notifications of a holder that are told in one e-mail.
DIGEST_ID = re.compile(rf"(?:digest|alerts)@{IDENTIFIER.pattern}@[0-9]{{8}}T[0-9]{{6}}\.[0-9]{{6}}Z(?:@[0-9]{{1,4}})?")

MAX_FEEDBACK = 10  # kept of a notification


class State(StrEnum):
    """What became of a notification, in the contract's words."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    SKIPPED = "skipped"
    FAILED = "failed"


class Kind(StrEnum):
    """What SES can tell of an e-mail that it has accepted, from the lightest to the heaviest.

    The heaviest says what the notification's state is, so that nothing that comes late takes a state back. An
    out-of-office answer is a soft bounce behind the delivery; a server that accepts an e-mail and then finds no mailbox
    for it makes a hard one.
    """

    DELAY = "delay"
    RENDERING_FAILURE = "rendering_failure"
    REJECT = "reject"
    SOFT_BOUNCE = "soft_bounce"
    DELIVERY = "delivery"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"


_MEANS = {
    Kind.DELAY: State.SENT,
    Kind.RENDERING_FAILURE: State.FAILED,
    Kind.REJECT: State.REJECTED,
    Kind.SOFT_BOUNCE: State.BOUNCED,
    Kind.DELIVERY: State.DELIVERED,
    Kind.HARD_BOUNCE: State.BOUNCED,
    Kind.COMPLAINT: State.COMPLAINED,
}
_WEIGHTS = {kind: weight for weight, kind in enumerate(Kind)}
# The mailer's own notes that weigh less than all that SES tells. The others say that nothing was sent: they weigh more
# than a delay and less than what only an e-mail that was sent can meet with: SES had accepted one whose acceptance the
# mailer never heard of.
_ON_ITS_WAY = (State.QUEUED, State.SENT)


@dataclass(frozen=True, slots=True, order=True)
class NotificationKey:
    """The notification of one transaction to one holder. `transaction` is a transaction's id, or a statement's.

    `holder` is what the holder is `notified_as`, and `account` where the holder's record is: "" where it isn't known.
    """

    bank: str
    transaction: str
    holder: str
    account: str = field(default="", compare=False)

    def item_key(self, suffix: str = "") -> dict[str, str]:
        """Return the key of its item in the notifications table; a `suffix` names an item beside it."""
        return {"transaction_key": transaction_key(self.bank, self.transaction), "holder": f"{self.holder}{suffix}"}

    @classmethod
    def of_item(cls, values: Mapping[str, Any], suffix: str = "") -> "NotificationKey":
        """Return the key of a stored item; KeyError if it is none."""
        bank, transaction = TransactionKey.of_stored(values["transaction_key"])
        return cls(bank, transaction, values["holder"].removesuffix(suffix), values.get("account", ""))


@dataclass(frozen=True, slots=True)
class StateChange:
    """A notification's new state. `reason` is a code or the name of a preference.

    `queued_at` is when it was decided that there is something to tell. `digest` is the id of the digest that the
    notification waits for, or whose e-mail told it. `kind` is of the e-mail, and `since` is from when on its way to SES
    is measured: None where it has waited because a holder or an operator wanted so.
    """

    key: NotificationKey
    state: State
    reason: str | None = None
    message_id: str | None = None
    queued_at: datetime | None = None
    digest: str | None = None
    kind: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class Feedback:
    """One thing that SES told of an e-mail: when it happened, and when SES had accepted the e-mail."""

    at: datetime
    kind: Kind
    message_id: str
    accepted_at: datetime
    reason: str | None = None

    @property
    def state(self) -> State:
        return _MEANS[self.kind]

    @property
    def weight(self) -> int:
        return _WEIGHTS[self.kind]


def superfluous(feedback: Iterable[Feedback]) -> list[Feedback]:
    """Return what need not be kept: all but the last ten, of which one is what the state hangs on."""
    told = sorted(feedback)
    if told:
        told.remove(_heaviest(told))
    return told[: 1 - MAX_FEEDBACK]


def to_json(holder: str, note: Mapping[str, Any], feedback: Iterable[Feedback]) -> dict[str, Any]:
    """Return a notification as the API answers it, from the stored note and feedback; absent fields left out."""
    told = sorted(feedback)
    noted = State(note["state"])
    first = {"state": State.QUEUED.value, "at": note["queued_at"]} if "queued_at" in note else None
    entry = _without_none({"state": noted.value, "at": note["updated_at"], "reason": note.get("reason")})
    history = [*([first] if first else []), entry, *map(_entry, told)]
    state, reason, message_id = noted, note.get("reason"), note.get("message_id")
    if told and ((heaviest := _heaviest(told)).kind is not Kind.DELAY or noted in _ON_ITS_WAY):
        # Of the e-mail that the state is of: when a mailer died, there are two, and the note has the last one's.
        state, reason, message_id = heaviest.state, _entry(heaviest).get("reason"), heaviest.message_id
    sent_at = note["updated_at"] if noted is State.SENT else None
    if sent_at is None and told:
        sent_at = format_time(min(one.accepted_at for one in told))
    return _without_none(
        {
            "holder": holder,
            "state": state.value,
            "reason": reason,
            "queued_at": note.get("queued_at"),
            "sent_at": sent_at,
            "updated_at": max((one["at"] for one in history), key=datetime.fromisoformat),
            "message_id": message_id,
            "digest": note.get("digest"),
            "history": sorted(history, key=lambda one: datetime.fromisoformat(one["at"])),
        }
    )


def _heaviest(told: list[Feedback]) -> Feedback:
    """Return what the state hangs on: of equally heavy ones the first."""
    return max(told, key=lambda one: one.weight)


def _entry(one: Feedback) -> dict[str, str]:
    return _without_none({"state": one.state.value, "at": format_time(one.at), "reason": one.reason})


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
