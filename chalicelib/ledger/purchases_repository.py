"""Which transactions name another one: an item for each that is named, with its members in the order of collection.

The item decides the order once for everybody: who asks later finds the same members before a transaction as who asked
first. The stream handler writes it, on a condition, before anything is judged or sent; a transaction that names nothing
costs no call. It lies in the notifications table: in the transactions table, each write of it would be a record of the
stream that called the handler.
"""

import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.conditional import write_apart
from chalicelib.aws.dynamo import Item, batch_get, from_item, to_item
from chalicelib.aws.retries import each_try
from chalicelib.aws.telemetry import count, logger
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchase import Member, in_order, named_by
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction

# An item grows by about 150 bytes with each, and is written whole. What names a transaction after so many is sent by
# itself.
MAX_MEMBERS = 100
_TRIES = 6
_SUFFIX = "#purchase"
Members = tuple[Member, ...]


class PurchaseRepository:
    def __init__(self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def of(self, named: Collection[TransactionKey], *, is_consistent: bool = True) -> dict[TransactionKey, Members]:
        """Return the members of the purchases that have any, by what they name, 100 in a call."""
        keys = (to_item(_item_key(key)) for key in named)
        found = batch_get(self._client, self._table, keys, is_consistent=is_consistent, sleep=self._sleep)
        return {TransactionKey.of_stored(values["named"]): _members(values) for values in found} if named else {}

    def collect(
        self, transactions: Iterable[Transaction], stored: Container[TransactionKey]
    ) -> dict[TransactionKey, Members]:
        """Add those of the transactions that name another one; return all members so far, by what they name.

        `stored` says which of the named transactions are stored; it may be a moment behind. Collecting the same
        transactions again changes nothing. Raises TemporarilyUnavailable with some maybe collected.
        """
        naming: dict[TransactionKey, list[Transaction]] = {}
        for transaction in transactions:
            if key := named_by(transaction):
                naming.setdefault(key, []).append(transaction)
        if not naming:
            return {}
        new = {key: in_order(Member.of(one, is_early=key not in stored) for one in own) for key, own in naming.items()}
        known: dict[TransactionKey, Members] = dict.fromkeys(naming, ()) | self.of(naming.keys(), is_consistent=False)
        self._add(new, known)
        return known

    def _add(self, new: Mapping[TransactionKey, list[Member]], known: dict[TransactionKey, Members]) -> None:
        """Add to `known` what is new, there and in the table."""
        for _ in each_try(_TRIES, 0.05, self._sleep):
            grown = {key: found for key in new if (found := _grown(known[key], new[key])) != known[key]}
            if not grown:
                return
            puts = {key: self._put(key, found, len(known[key])) for key, found in grown.items()}
            refused, untried = write_apart(self._client, puts, sleep=self._sleep, tries=_TRIES)
            if untried:
                raise TemporarilyUnavailable
            known |= {key: found for key, found in grown.items() if key not in refused}
            if not refused:
                return
            known |= {key: self._now(key, item) for key, item in refused.items()}
        raise TemporarilyUnavailable

    def _now(self, key: TransactionKey, item: Item | None) -> Members:
        """Return the members that another one has collected meanwhile, or this one, whose answer was lost."""
        return _members(from_item(item)) if item else self.of([key]).get(key, ())

    def _put(self, key: TransactionKey, members: Members, size_before: int) -> dict[str, Any]:
        values = {
            **_item_key(key),
            "named": key.stored,
            "size": len(members),
            "members": [_values(member) for member in members],
        }
        return {
            "Put": {
                "TableName": self._table,
                "Item": to_item(values),
                "ConditionExpression": "#size = :before" if size_before else "attribute_not_exists(transaction_key)",
                **({"ExpressionAttributeNames": {"#size": "size"}} if size_before else {}),
                **({"ExpressionAttributeValues": to_item({":before": size_before})} if size_before else {}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }


def _grown(members: Members, new: Iterable[Member]) -> Members:
    """Return the members with those of the new ones that are not among them, as far as there is room."""
    ids = {member.id for member in members}
    added = list({member.id: member for member in new if member.id not in ids}.values())
    room = MAX_MEMBERS - len(members)
    if len(added) > room:
        logger.warning("purchase_is_full", extra={"left_out": len(added) - room})
        count("PurchaseMembersLeftOut", len(added) - room)
    return (*members, *added[:room])


def _item_key(named: TransactionKey) -> dict[str, str]:
    return {"transaction_key": f"{named.stored}{_SUFFIX}", "holder": _SUFFIX}


def _values(member: Member) -> dict[str, Any]:
    values = {name: getattr(member, name) for name in ("id", "account", "amount", "currency", "type", "status")}
    values["timestamp"] = format_time(member.timestamp)
    marks = {name: True for name in ("is_reversal", "is_early") if getattr(member, name)}
    return values | marks


def _members(values: Mapping[str, Any]) -> Members:
    return tuple(
        Member(**{**member, "timestamp": datetime.fromisoformat(member["timestamp"])}) for member in values["members"]
    )
