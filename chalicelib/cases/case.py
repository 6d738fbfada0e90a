"""A case: a flagged transaction that staff looks at, what they find, and who did what and when. Pure."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from chalicelib.cases.weight import weight_of_flags, weight_with_answers
from chalicelib.flags.answers import MAX_ANSWERS, HolderAnswer
from chalicelib.flags.repository import Flagging
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.money import format_amount
from chalicelib.ledger.times import format_time


class State(StrEnum):
    """Where a case stands. Staff claims an open one, and closes what they have claimed."""

    OPEN = "open"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What a closed case was found to be."""

    FRAUD = "fraud"
    LEGITIMATE = "legitimate"
    UNCLEAR = "unclear"


class What(StrEnum):
    """What happened to a case."""

    OPENED = "opened"
    ANSWERED = "answered"
    CLAIMED = "claimed"
    RELEASED = "released"
    NOTED = "noted"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: a member of staff (with a name), a holder, or the service itself."""

    kind: str
    id: str
    name: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the actor as the API answers it."""
        return {"kind": self.kind, "id": self.id, **({"name": self.name} if self.name else {})}


STAFF, HOLDER = "staff", "holder"
SYSTEM = Actor("system", "flags")


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a case. `detail` is the outcome it was closed with, or a holder's answer."""

    at: datetime
    by: Actor
    what: What
    note: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the event as the API answers it."""
        name = "answer" if self.what is What.ANSWERED else "outcome"
        return {
            "at": format_time(self.at),
            "by": self.by.to_json(),
            "what": str(self.what),
            **({"note": self.note} if self.note else {}),
            **({name: self.detail} if self.detail else {}),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case of a bank. Its id is the transaction's. `flags` are those that people hear of, `shadow` the others.

    `flags_weight` is its weight before anybody answers. `history` is in the order of time. `version` grows with each
    change that is stored. What a listing leaves out, the history and the shadow flags, is empty there.
    """

    bank: str
    id: str
    account: str
    amount: Decimal
    currency: str
    type: str
    merchant: str
    timestamp: datetime
    flags: tuple[str, ...]
    shadow: tuple[str, ...] = ()
    flags_weight: int
    opened_at: datetime
    state: State = State.OPEN
    claimed_by: Actor | None = None
    claimed_at: datetime | None = None
    outcome: Outcome | None = None
    closed_by: Actor | None = None
    closed_at: datetime | None = None
    answers: Mapping[str, HolderAnswer] = dataclasses.field(default_factory=dict)
    history: tuple[Event, ...] = ()
    version: int = 1

    @property
    def key(self) -> TransactionKey:
        return TransactionKey(self.bank, self.id)

    @property
    def weight(self) -> int:
        """How soon somebody should look at it: the highest first."""
        return weight_with_answers(self.flags_weight, (given.answer for given in self.answers.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the case as the API answers it, without its history."""
        claimed_by = {"subject": self.claimed_by.id, "name": self.claimed_by.name} if self.claimed_by else None
        return {
            "id": self.id,
            "transaction": self.id,
            "account": self.account,
            "amount": format_amount(self.amount, self.currency),
            "currency": self.currency,
            "type": self.type,
            **({"merchant": self.merchant} if self.merchant else {}),
            "timestamp": format_time(self.timestamp),
            "flags": list(self.flags),
            "state": str(self.state),
            "weight": self.weight,
            "opened_at": format_time(self.opened_at),
            **({"claimed_by": claimed_by} if claimed_by else {}),
            "claimed_at": format_time(self.claimed_at) if self.claimed_at else None,
            "outcome": str(self.outcome) if self.outcome else None,
            "closed_at": format_time(self.closed_at) if self.closed_at else None,
            "answers": [given.to_json() for _, given in sorted(self.answers.items())[:MAX_ANSWERS]],
        }

    def to_json_with_history(self) -> dict[str, Any]:
        """Return the case as the API answers it by itself."""
        return {**self.to_json(), "history": [event.to_json() for event in self.history]}


def opened(flagging: Flagging) -> Case:
    """Return the new case of a flagged transaction that people hear of."""
    transaction, told = flagging.transaction, flagging.told
    return Case(
        bank=transaction.bank,
        id=transaction.id,
        account=transaction.account,
        amount=transaction.amount,
        currency=transaction.currency,
        type=transaction.type,
        merchant=(transaction.merchant or {}).get("name", ""),
        timestamp=transaction.timestamp,
        flags=tuple(sorted(told)),
        shadow=tuple(sorted(flagging.flags.keys() - told.keys())),
        flags_weight=weight_of_flags(told, transaction.type),
        opened_at=flagging.decided_at,
        history=(Event(flagging.decided_at, SYSTEM, What.OPENED),),
    )
