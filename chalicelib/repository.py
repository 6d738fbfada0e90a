"""Transactions, holders and banks in DynamoDB, in the bank's language. Keys and expressions stay in here."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.banks import ApiKey, Bank
from chalicelib.dynamo import Item, batch_get, call, error_code, from_item, sortable, to_item
from chalicelib.errors import HolderNotFound, TooManyHolders, TransactionNotFound
from chalicelib.holders import MAX_HOLDERS, Holder
from chalicelib.transactions import CONTENT, Transaction, format_time

# Each value of an index's partition key takes 1,000 writes a second: eight shards are enough for the 4,000
# that a new on-demand table takes, twice over.
RECORDED_SHARDS = tuple(f"{shard:02d}" for shard in range(8))

# A filter is applied after the limit. A page of a filtered listing reads this many rows at a time, and after so
# many times it ends, full or not: a type that hardly occurs must not read a whole account in one request.
_FILTERED_ROWS = 500
_FILTERED_READS = 8

_CONDITION_FAILED = "ConditionalCheckFailedException"


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
    return to_item(
        {
            "transaction_key": key,
            "account_key": account_key(transaction.bank, transaction.account),
            "timestamp_key": f"{sortable(transaction.timestamp)}#{transaction.id}",
            "recorded_shard": RECORDED_SHARDS[zlib.crc32(key.encode()) % len(RECORDED_SHARDS)],
            "recorded_key": f"{sortable(transaction.recorded_at)}#{key}",
            **{name: getattr(transaction, name) for name in ("bank", "id", *CONTENT)},
            "timestamp": format_time(transaction.timestamp),
            "recorded_at": format_time(transaction.recorded_at),
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
            if error_code(error) != _CONDITION_FAILED:
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


class HolderRepository:
    """Holders, one item for each account: attribute `holder:<id>` for each holder, so that all of an account's
    holders are read, and many accounts' in one batch, by key."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, bank: str, account: str, holder: Holder) -> bool:
        """Enrol or replace a holder; True if it is new to the account. Raises TooManyHolders."""
        update = {
            "TableName": self._table,
            "Key": to_item({"account_key": account_key(bank, account)}),
            "ExpressionAttributeNames": {"#holder": f"holder:{holder.id}"},
        }
        values = {":holder": _holder_values(holder)}
        enrol = "attribute_not_exists(#holder) AND (attribute_not_exists(holder_count) OR holder_count < :max)"
        # Replacing and enrolling are different conditions; which one holds may change between two calls, so
        # both are tried again before the account counts as full.
        for _ in range(2):
            if self._update_if(
                "attribute_exists(#holder)",
                **update,
                UpdateExpression="SET #holder = :holder",
                ExpressionAttributeValues=to_item(values),
            ):
                return False
            if self._update_if(
                enrol,
                **update,
                UpdateExpression="SET #holder = :holder ADD holder_count :one",
                ExpressionAttributeValues=to_item({**values, ":one": 1, ":max": MAX_HOLDERS}),
            ):
                return True
        raise TooManyHolders(MAX_HOLDERS)

    def delete(self, bank: str, account: str, holder_id: str) -> None:
        """Erase a holder's data; raises HolderNotFound."""
        if not self._update_if(
            "attribute_exists(#holder)",
            TableName=self._table,
            Key=to_item({"account_key": account_key(bank, account)}),
            UpdateExpression="REMOVE #holder ADD holder_count :minus_one",
            ExpressionAttributeNames={"#holder": f"holder:{holder_id}"},
            ExpressionAttributeValues=to_item({":minus_one": -1}),
        ):
            raise HolderNotFound

    def of_account(self, bank: str, account: str) -> list[Holder]:
        """Return the account's holders by id, read consistently; none for an account that has none."""
        key = account_key(bank, account)
        return self.of_accounts([key]).get(key, [])

    def of_accounts(self, account_keys: Iterable[str]) -> dict[str, list[Holder]]:
        """Return the holders of each account that has any, in one call for every 100 accounts.

        Consistent, because a holder who was enrolled a moment before a transaction must be told of it.
        """
        keys = [to_item({"account_key": key}) for key in dict.fromkeys(account_keys)]
        found = {}
        for values in batch_get(self._client, self._table, keys):
            found[values["account_key"]] = [
                _holder(name.removeprefix("holder:"), value)
                for name, value in sorted(values.items())
                if name.startswith("holder:")
            ]
        return found

    def _update_if(self, condition: str, **arguments: Any) -> bool:
        try:
            call(self._client.update_item, ConditionExpression=condition, **arguments)
        except ClientError as error:
            if error_code(error) != _CONDITION_FAILED:
                raise
            return False
        return True


def _holder_values(holder: Holder) -> dict[str, Any]:
    return {
        "name": holder.name,
        "email": holder.email,
        "locale": holder.locale,
        "timezone": holder.timezone,
        "preferences": dict(holder.preferences),
        "enrolled_at": format_time(holder.enrolled_at),
    }


def _holder(holder_id: str, values: Mapping[str, Any]) -> Holder:
    # By name: the record may have been written by a release that knew another field.
    known = {name: values[name] for name in ("name", "email", "locale", "timezone", "preferences")}
    return Holder(id=holder_id, enrolled_at=datetime.fromisoformat(values["enrolled_at"]), **known)


class BankRepository:
    """Banks and their keys' hashes, as `bank#<id>` and `key#<hash>` entries of one table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def api_key(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, None if there is none."""
        values = self._get(f"key#{key_hash}")
        if values is None:
            return None
        expires_at = values.get("expires_at")
        return ApiKey(
            hash=values["hash"],
            bank=values["bank"],
            gateway_key_id=values["gateway_key_id"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        )

    def bank(self, bank_id: str) -> Bank | None:
        """Return the bank with this id, None if there is none."""
        values = self._get(f"bank#{bank_id}")
        if values is None:
            return None
        return Bank(**{name: values[name] for name in Bank.__dataclass_fields__})

    def put_bank(self, bank: Bank) -> None:
        """Store a bank, replacing what has its id."""
        self._put(f"bank#{bank.id}", {name: getattr(bank, name) for name in Bank.__dataclass_fields__})

    def put_api_key(self, api_key: ApiKey) -> None:
        """Store a key's hash, replacing what is stored under it."""
        self._put(
            f"key#{api_key.hash}",
            {
                "hash": api_key.hash,
                "bank": api_key.bank,
                "gateway_key_id": api_key.gateway_key_id,
                "expires_at": format_time(api_key.expires_at) if api_key.expires_at else None,
            },
        )

    def delete_api_key(self, key_hash: str) -> None:
        """Forget a key; nothing happens if it isn't stored."""
        call(self._client.delete_item, TableName=self._table, Key=to_item({"entry": f"key#{key_hash}"}))

    def _get(self, entry: str) -> dict[str, Any] | None:
        answer = call(self._client.get_item, TableName=self._table, Key=to_item({"entry": entry}))
        return from_item(answer["Item"]) if "Item" in answer else None

    def _put(self, entry: str, values: dict[str, Any]) -> None:
        call(self._client.put_item, TableName=self._table, Item=to_item({"entry": entry, **values}))
