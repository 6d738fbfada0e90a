"""Transactions in DynamoDB, in the bank's language: keys and expressions stay in here."""

import zlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.dynamo import CONDITION_FAILED, Item, call, error_code, from_item, sortable, to_item
from chalicelib.errors import TransactionNotFound
from chalicelib.transactions import CONTENT, Transaction

# Each value of an index's partition key takes 1,000 writes a second: eight shards are enough for the 4,000
# that a new on-demand table takes, twice over.
RECORDED_SHARDS = tuple(f"{shard:02d}" for shard in range(8))

# A filter is applied after the limit. A page of a filtered listing reads this many rows at a time, and after so
# many times it ends, full or not: a type that hardly occurs must not read a whole account in one request.
_FILTERED_ROWS = 500
_FILTERED_READS = 8


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


def transaction_key(bank: str, transaction_id: str) -> str:
    return f"{bank}#{transaction_id}"  # '#' is in neither, so that no two pairs share a key


def account_key(bank: str, account: str) -> str:
    return f"{bank}#{account}"


def transaction_item(transaction: Transaction) -> Item:
    """Return the stored form of a transaction, its index keys included."""
    key = transaction_key(transaction.bank, transaction.id)
    timestamp, recorded_at = sortable(transaction.timestamp), sortable(transaction.recorded_at)
    return to_item(
        {
            "transaction_key": key,
            "account_key": account_key(transaction.bank, transaction.account),
            "timestamp_key": f"{timestamp}#{transaction.id}",
            "recorded_shard": RECORDED_SHARDS[zlib.crc32(key.encode()) % len(RECORDED_SHARDS)],
            "recorded_key": f"{recorded_at}#{key}",
            **{name: getattr(transaction, name) for name in ("bank", "id", *CONTENT)},
            # As `format_time` has them: writing a time is among the dearest steps of storing a transaction.
            "timestamp": timestamp.replace(".000000", ""),
            "recorded_at": recorded_at.replace(".000000", ""),
        }
    )


def transaction_from_item(item: Item) -> Transaction:
    """Return the transaction of a stored item or stream image; KeyError, ValueError or TypeError if malformed."""
    values = from_item(item)
    if not (isinstance(values["amount"], Decimal) and values["amount"].is_finite()):
        raise TypeError("amount is no number")
    return Transaction(
        **{name: values[name] for name in ("bank", "id", *CONTENT) if name in values and name != "timestamp"},
        timestamp=datetime.fromisoformat(values["timestamp"]),
        recorded_at=datetime.fromisoformat(values["recorded_at"]),
    )


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
