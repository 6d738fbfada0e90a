"""Relations: what a transaction settles, adds to, releases, refunds or reverses, and what does that to it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chalicelib.errors import TransactionNotFound
from chalicelib.ledger.purchase import Member, Role, named_by, related
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction

RELATIONS = {
    Role.REFUND: ("refunds", "refunded_by"),
    Role.REVERSAL: ("reverses", "reversed_by"),
    "authorized": ("adds_to", "added_to_by"),
    "reversed": ("releases", "released_by"),
    "settled": ("settles", "settled_by"),
}


class Relation(NamedTuple):
    """Another transaction: what this one does to it, or what it does to this one, and the role of the one that names
    the other in the story of the purchase, once all that is known of it is in order."""

    id: str
    relation: str
    role: Role


def relations_of(
    transaction: Transaction, transactions: TransactionRepository, purchases: PurchaseRepository
) -> list[Relation]:
    """Return the transaction that this one names, and at most 100 that name this one, in the order of their times.

    What names a transaction of another account, type or currency is no relation of it. What was stored less than
    seconds ago may be missing. One call, and one more if this transaction names another one.
    """
    named = named_by(transaction)
    members = purchases.of([key for key in (transaction.key, named) if key is not None])
    found: list[Relation] = []
    if named is not None:
        own = members.get(named, ())
        if all(member.id != transaction.id for member in own):
            own = (*own, Member.of(transaction))
        steps = _relations(_stored(named.bank, named.id, transactions), own, 0)
        found += [Relation(named.id, one.relation, one.role) for one in steps if one.id == transaction.id]
    return [*found, *_relations(transaction, members.get(transaction.key, ()), 1)]


def _relations(named: Transaction | None, members: Sequence[Member], direction: int) -> Iterator[Relation]:
    by_id = {member.id: member for member in members}
    for id_, step in related(named, members).items():
        if named is None or step.role is not Role.UNRELATED:
            words = RELATIONS.get(step.role) or RELATIONS[by_id[id_].status]
            yield Relation(id_, words[direction], step.role)


def _stored(bank: str, transaction_id: str, transactions: TransactionRepository) -> Transaction | None:
    try:
        return transactions.get(bank, transaction_id)
    except TransactionNotFound:
        return None
