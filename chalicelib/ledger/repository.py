"""Transactions in DynamoDB, in the bank's language: keys and expressions stay in here."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, Item, batch_get, from_item, queried, to_item
from chalicelib.errors import TransactionNotFound
from chalicelib.ledger.keys import TransactionKey, account_key, transaction_key
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import CONTENT, Transaction

# Each value of an index's partition key takes 1,000 writes a second: four shards take the 4,000 that a new on-demand
# table does. More would cost every reader of the index as many calls more.
RECORDED_SHARDS = tuple(f"{shard:02d}" for shard in range(4))

# A filter is applied after the limit. A page of a filtered listing reads this many rows at a time, and after so
# many times it ends, full or not: a type that hardly occurs must not read a whole account in one request.
_FILTERED_ROWS = 500
_FILTERED_READS = 8
_COUNTED = ("bank", "id", "account", "amount", "currency", "type", "status", "timestamp", "flags")


class AlreadyRecorded(Exception):
    """The id is taken; `stored` is the transaction that has it."""

    def __init__(self, stored: Transaction) -> None:
        super().__init__(stored.id)
        self.stored = stored


@dataclass(frozen=True, slots=True)
class Listing:
    """What part of an account's transactions to list: bounds are inclusive; `before` is a position from a Page."""

    account: str
    start: datetime | None = None
    end: datetime | None = None
    type: str | None = None
    limit: int = 50
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Transactions, newest first; `next_position` continues after the last one, None at the end."""

    transactions: list[Transaction]
    next_position: str | None


def place_of(transaction: Transaction) -> tuple[str, str]:
    """Return the transaction's shard of the index by_recorded and its place in it."""
    key = transaction_key(transaction.bank, transaction.id)
    shard = RECORDED_SHARDS[zlib.crc32(key.encode()) % len(RECORDED_SHARDS)]
    return shard, f"{sortable(transaction.recorded_at)}#{key}"


def transaction_item(transaction: Transaction) -> Item:
    """Return the stored form of a transaction, its index keys included."""
    shard, place = place_of(transaction)
    timestamp, (recorded_at, _, key) = sortable(transaction.timestamp), place.partition("#")
    return to_item(
        {
            "transaction_key": key,
            "account_key": account_key(transaction.bank, transaction.account),
            "timestamp_key": f"{timestamp}#{transaction.id}",
            "recorded_shard": shard,
            "recorded_key": place,
            **{name: getattr(transaction, name) for name in ("bank", "id", *CONTENT)},
            # As `format_time` has them: writing a time is among the dearest steps of storing a transaction.
            "timestamp": timestamp.replace(".000000", ""),
            "recorded_at": recorded_at.replace(".000000", ""),
        }
    )


def transaction_from_item(item: Item) -> Transaction:
    """Return the transaction of a stored item or stream image; KeyError, ValueError or TypeError if malformed."""
    return _transaction(from_item(item))


def _transaction(values: Mapping[str, Any]) -> Transaction:
    if not (isinstance(values["amount"], Decimal) and values["amount"].is_finite()):
        raise TypeError("amount is no number")
    return Transaction(
        **{name: values[name] for name in ("bank", "id", *CONTENT) if name in values and name != "timestamp"},
        timestamp=datetime.fromisoformat(values["timestamp"]),
        recorded_at=datetime.fromisoformat(values["recorded_at"]),
    )


def transaction_of_row(row: Mapping[str, Any]) -> Transaction:
    """Return the transaction of a row of the index by_recorded, without what the index doesn't hold of it."""
    return _transaction({**row, "recorded_at": row["recorded_key"].partition("#")[0]})


class TransactionRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, transaction: Transaction) -> None:
        """Store a transaction whose id is new to its bank; raises AlreadyRecorded, TemporarilyUnavailable."""
        try:
            call(
                self._client.put_item,
                TableName=self._table,
                Item=transaction_item(transaction),
                ConditionExpression="attribute_not_exists(transaction_key)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise
            item = error.response.get("Item")
            # DynamoDB Local, as it is packaged today, doesn't return the item.
            stored = transaction_from_item(item) if item else self.get(transaction.bank, transaction.id)
            raise AlreadyRecorded(stored) from None

    def get(self, bank: str, transaction_id: str) -> Transaction:
        """Return the bank's transaction with this id, read consistently; raises TransactionNotFound."""
        answer = call(
            self._client.get_item,
            TableName=self._table,
            Key=to_item({"transaction_key": transaction_key(bank, transaction_id)}),
            ConsistentRead=True,
        )
        if "Item" not in answer:
            raise TransactionNotFound
        return transaction_from_item(answer["Item"])

    def stored(self, keys: Iterable[TransactionKey]) -> dict[TransactionKey, Transaction]:
        """Return those of the distinct transactions that are stored, read consistently, 100 in a call."""
        found = batch_get(self._client, self._table, (to_item({"transaction_key": key.stored}) for key in keys))
        return {TransactionKey.of_stored(values["transaction_key"]): _transaction(values) for values in found}

    def newest_for_account(self, bank: str, listing: Listing) -> Page:
        """Return a page of the account's transactions, newest first by their own timestamp."""
        values = {
            ":account": account_key(bank, listing.account),
            # "#" and "~" sort before and after everything that may follow the time in the key.
            ":start": f"{sortable(listing.start)}#" if listing.start else "0",
            ":end": f"{sortable(listing.end)}~" if listing.end else "~",
        }
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "by_account",
            "KeyConditionExpression": "account_key = :account AND timestamp_key BETWEEN :start AND :end",
            "ScanIndexForward": False,
            "Limit": _FILTERED_ROWS if listing.type else listing.limit + 1,
        }
        if listing.type:
            arguments |= {"FilterExpression": "#type = :type", "ExpressionAttributeNames": {"#type": "type"}}
            values[":type"] = listing.type
        arguments["ExpressionAttributeValues"] = to_item(values)
        start_key = self._start_key(bank, listing)
        items: list[Item] = []
        for _ in range(_FILTERED_READS):
            answer = call(self._client.query, **arguments, **({"ExclusiveStartKey": start_key} if start_key else {}))
            items += answer["Items"]
            start_key = answer.get("LastEvaluatedKey")
            if not start_key or len(items) > listing.limit:
                break
        last = items[listing.limit - 1] if len(items) > listing.limit else start_key
        page = [transaction_from_item(item) for item in items[: listing.limit]]
        return Page(page, last["timestamp_key"]["S"] if last else None)

    def recorded(
        self,
        shard: str,
        after: str | None,
        until: str,
        limit: int | None = None,
        bank: str | None = None,
        date: str | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return a page of what was recorded in a shard, in order, and the place behind which more follows, if any.

        A row has `recorded_key`, its place in the shard, and what the index projects of the transaction. A stored time
        is a place too: the one before all that was recorded then. The page begins behind the place `after` and goes
        to the place `until`, over at most `limit` rows, or 1 MB; it has those of them that are of the `bank` and of
        the `date` of the transaction's own timestamp, if these are given.
        """
        if after is not None and after >= until:
            return [], None  # BETWEEN refuses bounds in the wrong order
        # BETWEEN includes its bounds: the NUL makes the lower one the first key behind the place.
        values = {":shard": shard, ":after": f"{after}\0" if after else "0", ":until": until}
        arguments: dict[str, Any] = {"Limit": limit} if limit else {}
        conditions = []
        if bank is not None:
            conditions.append("bank = :bank")
            values[":bank"] = bank
        if date is not None:
            conditions.append("begins_with(#timestamp, :date)")
            values[":date"] = date
            arguments["ExpressionAttributeNames"] = {"#timestamp": "timestamp"}
        if conditions:
            arguments["FilterExpression"] = " AND ".join(conditions)
        answer = call(
            self._client.query,
            TableName=self._table,
            IndexName="by_recorded",
            KeyConditionExpression="recorded_shard = :shard AND recorded_key BETWEEN :after AND :until",
            ExpressionAttributeValues=to_item(values),
            **arguments,
        )
        last = answer.get("LastEvaluatedKey")
        return [from_item(item) for item in answer["Items"]], last["recorded_key"]["S"] if last else None

    def of_account_between(self, bank: str, account: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        """Yield what counts of an account's transactions and flags, by the transaction's time, both bounds included."""
        for key in (account_key(bank, account), f"{account_key(bank, account)}#flags"):
            yield from queried(
                self._client,
                TableName=self._table,
                IndexName="by_account",
                KeyConditionExpression="account_key = :account AND timestamp_key BETWEEN :start AND :end",
                ProjectionExpression=", ".join(f"#{name}" for name in _COUNTED),
                ExpressionAttributeNames={f"#{name}": name for name in _COUNTED},
                ExpressionAttributeValues=to_item(
                    {":account": key, ":start": f"{sortable(start)}#", ":end": f"{sortable(end)}~"}
                ),
            )

    def _start_key(self, bank: str, listing: Listing) -> Item | None:
        if listing.before is None:
            return None
        return to_item(
            {
                "account_key": account_key(bank, listing.account),
                "timestamp_key": listing.before,
                "transaction_key": transaction_key(bank, listing.before.partition("#")[2]),
            }
        )


def is_flag_row(values: Mapping[str, Any]) -> bool:
    """Whether an item, image or index row of the transactions table is of flags, and no transaction."""
    return "flags" in values
