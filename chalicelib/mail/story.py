"""What there is to tell of a transaction: which kind of e-mail, with what else it has to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.ledger.purchase import Role, Step
from chalicelib.ledger.transaction import Transaction

Flags = Mapping[str, Mapping[str, Any]]

_KINDS_BY_STATUS = {"authorized": "authorization", "reversed": "reversal", "declined": "declined"}
_KINDS_BY_ROLE = {
    Role.INCREMENT: "increment",
    Role.RELEASE: "release",
    Role.PART: "part",
    Role.LAST_PART: "last_part",
    Role.FINAL: "settlement",
    Role.REVERSAL: "money_back",
}


@dataclass(frozen=True, slots=True)
class Story:
    """A transaction and what its e-mail is about.

    `flags` holds the evidence of each flag by the flag's name. `related` is the stored transaction that this one is
    told with: the authorization of a purchase, or what is reversed. `step` says how the purchase stands after it; its
    amounts mean nothing without `related`.
    """

    transaction: Transaction
    kind: str
    flags: Flags = field(default_factory=dict)
    related: Transaction | None = None
    step: Step | None = None


def story_of(
    transaction: Transaction,
    flags: Flags | None = None,
    named: Transaction | None = None,
    step: Step | None = None,
) -> Story:
    """Return what to tell; `named` is the stored transaction that this one names, `step` what it is in its story.

    The first of these that applies: a flagged one is a `security_alert`; what is a step of a purchase is told as that;
    else the kind goes by the status, and of what is settled by the type.
    """
    own_kind = _KINDS_BY_ROLE.get(step.role) if step else None
    is_told_with_it = own_kind or transaction.status == "reversed"
    related = named if named and is_told_with_it and named.account == transaction.account else None
    kind = "security_alert" if flags else own_kind or kind_of(transaction)
    return Story(transaction, kind, flags or {}, related, step)


def kind_of(transaction: Transaction) -> str:
    """Return which e-mail tells of this transaction by itself: its type, unless its status says something else."""
    return _KINDS_BY_STATUS.get(transaction.status, transaction.type)
