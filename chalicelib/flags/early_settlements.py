"""A settlement that comes before its authorization is judged by itself: what it is flagged for makes no second case."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchase import Member
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.transaction import Transaction


def without_known(found: Sequence[Flagging], purchases: PurchaseRepository, flags: FlagRepository) -> list[Flagging]:
    """Return the flaggings without those flags of an authorization that people have heard of by its settlement.

    Two calls for all of them, one if nothing has settled an authorization yet, none if no authorization is flagged. Not
    read consistently: what was flagged in the last second may be flagged again.
    """
    authorized = {one.transaction.key: one.transaction for one in found if one.transaction.status == "authorized"}
    settled_by = {
        key: [TransactionKey(key.bank, member.id) for member in members if _settles_all(authorized[key], member)]
        for key, members in purchases.of(authorized, is_consistent=False).items()
    }
    known = flags.of_transactions(key for keys in settled_by.values() for key in keys)
    kept = []
    for one in found:
        told = {name for key in settled_by.get(one.transaction.key, ()) for name in known.get(key, ())}
        new = {name: evidence for name, evidence in one.flags.items() if name not in told}
        if new:
            kept.append(replace(one, flags=new))
    return kept


def _settles_all(authorization: Transaction, member: Member) -> bool:
    return (
        member.status == "settled"
        and (member.account, member.type) == (authorization.account, authorization.type)
        and member.currency == authorization.currency
        and member.amount >= authorization.amount
    )
