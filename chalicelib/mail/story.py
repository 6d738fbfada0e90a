"""What there is to tell of a transaction: which kind of e-mail, with what else it has to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.ledger.transaction import Transaction, is_as_authorized, settles

Flags = Mapping[str, Mapping[str, Any]]

_KINDS_BY_STATUS = {"authorized": "authorization", "reversed": "reversal", "declined": "declined"}


@dataclass(frozen=True, slots=True)
class Story:
    """A transaction and what its e-mail is about.

    `flags` holds the evidence of each flag by the flag's name. `related` is the authorization of a `settlement`, or
    what a `reversal` reverses.
    """

    transaction: Transaction
    kind: str
    flags: Flags = field(default_factory=dict)
    related: Transaction | None = None


def story_of(transaction: Transaction, flags: Flags | None = None, related: Transaction | None = None) -> Story:
    """Return what to tell; `related` is the stored transaction that this one settles or reverses, when it is known.

    The first of these that applies: a flagged one is a `security_alert`; a settlement that has another amount than its
    authorization is a `settlement`; else the kind goes by the status, and of what is settled by the type.
    """
    if flags:
        return Story(transaction, "security_alert", flags, related)
    if related is not None and settles(transaction, related) and not is_as_authorized(transaction, related):
        return Story(transaction, "settlement", related=related)
    return Story(transaction, kind_of(transaction), related=related if transaction.status == "reversed" else None)


def kind_of(transaction: Transaction) -> str:
    """Return which e-mail tells of this transaction by itself: its type, unless its status says something else."""
    return _KINDS_BY_STATUS.get(transaction.status, transaction.type)
