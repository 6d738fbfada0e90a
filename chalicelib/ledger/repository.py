"""Transactions in DynamoDB, in the bank's language: keys and expressions stay in here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, Item, batch_get, from_item, queried, to_item
from chalicelib.aws.telemetry import all_readable
from chalicelib.errors import TransactionNotFound
from chalicelib.ledger.keys import TransactionKey, account_key, transaction_key
from chalicelib.ledger.page_size import fitting
from chalicelib.ledger.stored_form import SHARDS, transaction_from_item, transaction_item, transaction_of_values
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import Transaction

# A filter is applied after the limit. A page of a filtered listing reads this many rows at a time, and after so
# many times it ends, full or not: a type that hardly occurs must not read a whole account in one request.
_FILTERED_ROWS = 500
_FILTERED_READS = 8
_COUNTED = ("bank", "id", "account", "amount", "currency", "type", "status", "timestamp", "reversal_of", "flags")


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
    status: str | None = None
    limit: int = 50
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Transactions, newest first; `next_position` continues after the last one, None at the end."""

    transactions: list[Transaction]
    next_position: str | None


def _readable(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Transaction, str]]:
    """Yield the transactions in rows, each with its place in its account's index."""
    return all_readable(
        lambda row: (transaction_of_values(row), str(row.get("timestamp_key"))),
        rows,
        "malformed_transaction",
        "MalformedTransactions",
        "transaction_key",
    )


class TransactionRepository:
    """Transactions in a table whose index by_recorded is written in so many `shards`."""

    def __init__(self, client: Any, table: str, shards: int = SHARDS) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def add(self, transaction: Transaction) -> None:
        """Store a transaction whose id is new to its bank; raises AlreadyRecorded, TemporarilyUnavailable."""
        try:
            call(
                self._client.put_item,
                TableName=self._table,
                Item=transaction_item(transaction, self._shards),
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

    def stored(self, keys: Iterable[TransactionKey], is_consistent: bool = True) -> dict[TransactionKey, Transaction]:
        """Return those of the distinct transactions that are stored, 100 in a call.

        A record that can't be read, because it was written past the API, is logged, counted and left out.
        """
        items = (to_item({"transaction_key": key.stored}) for key in keys)
        found = batch_get(self._client, self._table, items, is_consistent=is_consistent)
        return {one.key: one for one, _ in _readable(found)}

    def newest_for_account(self, bank: str, listing: Listing) -> Page:
        """Return a page of the account's transactions, newest first by their own timestamp.

        A record that can't be read, because it was written past the API, is logged, counted and left out.
        """
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
            "Limit": listing.limit + 1,
        }
        chosen = {name: value for name in ("type", "status") if (value := getattr(listing, name))}
        if chosen:
            arguments["Limit"] = _FILTERED_ROWS
            arguments["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in chosen)
            arguments["ExpressionAttributeNames"] = {f"#{name}": name for name in chosen}
            values |= {f":{name}": value for name, value in chosen.items()}
        arguments["ExpressionAttributeValues"] = to_item(values)
        start_key = _start_key(bank, listing) if listing.before else None
        items: list[Item] = []
        for _ in range(_FILTERED_READS):
            answer = call(self._client.query, **arguments, **({"ExclusiveStartKey": start_key} if start_key else {}))
            items += answer["Items"]
            start_key = answer.get("LastEvaluatedKey")
            if not start_key or len(items) > listing.limit:
                break
        last = items[listing.limit - 1] if len(items) > listing.limit else start_key
        place = last["timestamp_key"]["S"] if last else None
        page = list(_readable(map(from_item, items[: listing.limit])))
        transactions = [one for one, _ in page]
        if (number := fitting(transactions)) < len(page):
            place = page[number - 1][1]
        return Page(transactions[:number], place)

    def recorded(
        self,
        shard: str,
        after: str | None,
        until: str,
        limit: int | None = None,
        bank: str | None = None,
        date: str | None = None,
        without: Iterable[str] = (),
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return a page of what was recorded in a shard, in order, and the place behind which more follows, if any.

        A row has `recorded_key`, its place in the shard, and what the index projects of the transaction. A stored time
        is a place too: the one before all that was recorded then. The page begins behind the place `after` and goes
        to the place `until`, over at most `limit` rows, or 1 MB; it has those of them that are of the `bank` and of
        the `date` of the transaction's own timestamp, if these are given, and of no bank in `without` (100 at most).
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
        if others := {f":bank{number}": one for number, one in enumerate(without)}:
            conditions.append(f"NOT bank IN ({', '.join(others)})")
            values |= others
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
        bounds = {":start": f"{sortable(start)}#", ":end": f"{sortable(end)}~"}
        for key in (account_key(bank, account), f"{account_key(bank, account)}#flags"):
            yield from queried(
                self._client,
                TableName=self._table,
                IndexName="by_account",
                KeyConditionExpression="account_key = :account AND timestamp_key BETWEEN :start AND :end",
                ProjectionExpression=", ".join(f"#{name}" for name in _COUNTED),
                ExpressionAttributeNames={f"#{name}": name for name in _COUNTED},
                ExpressionAttributeValues=to_item({":account": key, **bounds}),
            )


def _start_key(bank: str, listing: Listing) -> Item:
    key = {"account_key": account_key(bank, listing.account), "timestamp_key": listing.before}
    return to_item({**key, "transaction_key": transaction_key(bank, str(listing.before).partition("#")[2])})
