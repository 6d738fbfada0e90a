"""The story of a purchase: what is authorized, released and settled of it, and what each transaction is in it.

A purchase is an authorization and all transactions that name it. A settled transaction and its reversals are told by
the same functions. Pure: the same transactions in the same order always give the same answer.

| transaction that names the authorization | role |
|---|---|
| authorized, same type and currency | an increment; `covered` if its money was settled before it came |
| reversed, same currency, something is left | a release |
| settled, the first, as much as is left | settled as authorized |
| settled, the first, more than is left or another currency | the final amount, which differs |
| settled, less than is left | a part |
| settled, a later one, as much as is left | the last part |
| settled, a later one, more than is left | beyond |
| settled or reversed, nothing is left | after the end |
| settled, the other type | a refund |
| of another account, or what names no authorization | unrelated |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.transaction import Transaction

# Of one moment, what adds comes before what settles, and that before what releases.
_STATUSES = ("authorized", "settled", "reversed")
_NOTHING = Decimal(0)


class Role(StrEnum):
    """What a transaction is in the story of a purchase."""

    NAMED = "named"  # the authorization itself, or the settled transaction that is reversed
    INCREMENT = "increment"
    COVERED = "covered_increment"
    RELEASE = "release"
    AS_AUTHORIZED = "settled_as_authorized"
    PART = "part"
    LAST_PART = "last_part"
    FINAL = "final_amount"
    BEYOND = "beyond"
    AFTER_END = "after_the_end"
    REVERSAL = "reversal"
    REFUND = "refund"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Member:
    """What counts of a transaction that names another one.

    `is_reversal` tells `reversal_of` from `authorization_id`. `is_early` says that it was stored before the transaction
    that it names.
    """

    id: str
    account: str
    amount: Decimal
    currency: str
    type: str
    status: str
    timestamp: datetime
    is_reversal: bool = False
    is_early: bool = False

    @classmethod
    def of(cls, transaction: Transaction, is_early: bool = False) -> "Member":
        return cls(
            transaction.id,
            transaction.account,
            transaction.amount,
            transaction.currency,
            transaction.type,
            transaction.status,
            transaction.timestamp,
            transaction.reversal_of is not None,
            is_early,
        )


# What is named counts by the same fields.
Named = Transaction | Member


@dataclass(frozen=True, slots=True)
class Step:
    """A transaction's role, and how the purchase stands after it. Amounts are in the authorization's currency.

    `released` may be more than `authorized`: what it releases may come later. `beyond` was settled when less was left,
    and no increment has come for it. `parts` counts settlements. `is_closed`: one in another currency has ended it.
    """

    role: Role
    authorized: Decimal = _NOTHING
    released: Decimal = _NOTHING
    settled: Decimal = _NOTHING
    beyond: Decimal = _NOTHING
    parts: int = 0
    is_closed: bool = False

    @property
    def total(self) -> Decimal:
        """What is authorized, less what is released. A release takes nothing of what was settled as authorized."""
        return self.settled - self.beyond + self.unsettled

    @property
    def left(self) -> Decimal:
        return _NOTHING if self.is_closed else self.unsettled

    @property
    def unsettled(self) -> Decimal:
        """What is neither settled nor released, even if nothing more will be settled."""
        return max(self.authorized - self.released - self.settled, _NOTHING)

    @property
    def is_over(self) -> bool:
        return self.left == 0


def named_by(transaction: Transaction) -> TransactionKey | None:
    """Return the transaction that this one settles, adds to, releases or reverses, None if it names none."""
    named = transaction.reversal_of or transaction.authorization_id
    if named is None or named == transaction.id or transaction.status not in _STATUSES:
        return None
    return TransactionKey(transaction.bank, named)


def in_order(members: Iterable[Member]) -> list[Member]:
    """Return the members in the order of their own times, whatever the order in which they came."""
    return sorted(members, key=lambda member: (member.timestamp, _STATUSES.index(member.status), member.id))


def steps(named: Named | None, members: Iterable[Member]) -> dict[str, Step]:
    """Return each member's step, by id, as they follow each other; later members change no earlier step.

    `named` is the transaction that they name, None where it isn't stored: roles are then what the member says of
    itself, and amounts are 0. A member that is repeated counts once.
    """
    found: dict[str, Step] = {}
    before = start(named)
    for member in members:
        if member.id not in found:
            found[member.id] = before = step_after(named, before, member)
    return found


def start(named: Named | None) -> Step:
    """Return how things stand before anything names the transaction."""
    if named is None:
        return Step(Role.NAMED)
    # Of a settled transaction, what is reversed is counted as released.
    return Step(Role.NAMED, authorized=named.amount)


def stands_for(transaction: Transaction) -> frozenset[str]:
    """Return which authorizations need not be told after this transaction, which came before them: see `subject`.

    A payment stands for the authorization that it settles, whatever that one's amount is. A release stands for the
    authorization of which nothing is left. Nothing else does.
    """
    if transaction.status == "settled":
        return frozenset({subject(transaction)[0]})
    if transaction.status == "reversed" and transaction.reversal_of is None:
        # Banks differ in which type they give a release.
        return frozenset(subject(replace(transaction, type=type_))[1] for type_ in ("credit", "debit"))
    return frozenset()


def subject(authorization: Transaction) -> tuple[str, str]:
    """Return by which subjects an authorization can have been told before it came: its own, and with its amount."""
    about = f"{authorization.account}#{authorization.type}"
    return about, f"{about}#{authorization.amount.normalize():f}#{authorization.currency}"


def step_after(named: Named | None, before: Step, member: Member) -> Step:
    """Return the step of a member that comes next, after the step `before`."""
    if named is None:
        return replace(before, role=_role_alone(member))
    if member.account == named.account:
        if member.is_reversal:
            return _reversed(named, before, member)
        if named.status == "authorized":
            match member.status:
                case "authorized":
                    return _added(named, before, member)
                case "reversed":
                    return _released(named, before, member)
                case "settled":
                    return _settled(named, before, member)
    return replace(before, role=Role.UNRELATED)


def _role_alone(member: Member) -> Role:
    if member.is_reversal:
        return Role.REVERSAL
    return {"authorized": Role.INCREMENT, "reversed": Role.RELEASE}.get(member.status, Role.UNRELATED)


def _reversed(named: Named, before: Step, member: Member) -> Step:
    if named.status != "settled" or (member.type, member.currency) != (named.type, named.currency):
        return replace(before, role=Role.UNRELATED)
    return replace(before, role=Role.REVERSAL, released=before.released + member.amount)


def _added(named: Named, before: Step, member: Member) -> Step:
    if (member.type, member.currency) != (named.type, named.currency) or before.is_closed:
        return replace(before, role=Role.UNRELATED)
    role = Role.COVERED if before.beyond >= member.amount else Role.INCREMENT
    beyond = max(before.beyond - member.amount, _NOTHING)
    return replace(before, role=role, authorized=before.authorized + member.amount, beyond=beyond)


def _released(named: Named, before: Step, member: Member) -> Step:
    # Banks differ in which type they give a release.
    if member.currency != named.currency:
        return replace(before, role=Role.UNRELATED)
    role = Role.AFTER_END if before.is_over else Role.RELEASE
    return replace(before, role=role, released=before.released + member.amount)


def _settled(named: Named, before: Step, member: Member) -> Step:
    if member.type != named.type:
        return replace(before, role=Role.REFUND)
    if member.currency != named.currency:
        if before.is_over or before.parts:
            return replace(before, role=Role.AFTER_END if before.is_over else Role.BEYOND)
        return replace(before, role=Role.FINAL, parts=1, is_closed=True)
    role = _settled_role(before, member.amount)
    settled = before.settled + member.amount
    beyond = before.beyond + max(member.amount - before.unsettled, _NOTHING)
    return replace(before, role=role, settled=settled, beyond=beyond, parts=before.parts + 1)


def _settled_role(before: Step, amount: Decimal) -> Role:
    if before.is_over:
        return Role.AFTER_END
    if amount < before.left:
        return Role.PART
    if amount == before.left:
        return Role.LAST_PART if before.parts else Role.AS_AUTHORIZED
    return Role.BEYOND if before.parts else Role.FINAL


def related(named: Named | None, members: Iterable[Member]) -> Mapping[str, Step]:
    """Return each member's step in the order of the transactions' own times: what all of them, once known, come to."""
    return steps(named, in_order(members))
