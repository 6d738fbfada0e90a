"""The stored form of a transaction: the items of the table, and the rows of its indexes."""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.dynamo import Item, from_item, to_item
from chalicelib.ledger.keys import account_key, transaction_key
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import CONTENT, Transaction, well_formed, with_dates

# Each value of an index's partition key takes 1,000 writes a second: four shards take the 4,000 that a new on-demand
# table does. More cost every reader of the index as many calls more: a stage has more when it needs them
# (`RecordedShards` of the data stack), and never fewer again, because its rows stay where they are.
SHARDS = 4
_DATES = ("booking_date", "value_date")


def shards_of(number: int) -> tuple[str, ...]:
    """Return the names of the first so many shards of the index by_recorded."""
    return tuple(f"{shard:02d}" for shard in range(number))


def shard_of(key: str, shards: int) -> str:
    """Return the shard of the index by_recorded into which the item with this key is written, of so many shards."""
    return f"{zlib.crc32(key.encode()) % shards:02d}"


def bank_shard(bank: str, shard: str) -> str:
    """Return the partition of the index by_bank that has a bank's transactions of this shard, by their own time."""
    return f"{bank}#{shard}"


def flags_shard(bank: str, shard: str) -> str:
    """Return the partition of the index by_bank that has the flags of a bank's transactions, of this shard."""
    return f"{bank}#flags#{shard}"


def place_of(transaction: Transaction) -> tuple[str, str]:
    """Return a stored transaction's shard of the index by_recorded and its place in it."""
    key = transaction_key(transaction.bank, transaction.id)
    return transaction.recorded_shard or shard_of(key, SHARDS), f"{sortable(transaction.recorded_at)}#{key}"


def transaction_item(transaction: Transaction, shards: int = SHARDS) -> Item:
    """Return the stored form of a transaction, its index keys included; two of the indexes have so many `shards`."""
    key = transaction_key(transaction.bank, transaction.id)
    timestamp, recorded_at = sortable(transaction.timestamp), sortable(transaction.recorded_at)
    shard = shard_of(key, shards)
    return to_item(
        {
            "transaction_key": key,
            "account_key": account_key(transaction.bank, transaction.account),
            "timestamp_key": f"{timestamp}#{transaction.id}",
            "bank_shard": bank_shard(transaction.bank, shard),
            "recorded_shard": shard,
            "recorded_key": f"{recorded_at}#{key}",
            **{name: getattr(transaction, name) for name in ("bank", "id", *CONTENT)},
            "notify": None if transaction.notify else False,
            **{name: str(day) for name in _DATES if (day := getattr(transaction, name))},
            # As `format_time` has them: writing a time is among the dearest steps of storing a transaction.
            "timestamp": timestamp.replace(".000000", ""),
            "recorded_at": recorded_at.replace(".000000", ""),
        }
    )


def transaction_from_item(item: Item) -> Transaction:
    """Return the transaction of a stored item or stream image; raises what `transaction_of_values` raises."""
    return transaction_of_values(from_item(item))


def transaction_of_values(values: Mapping[str, Any]) -> Transaction:
    """Return the transaction of plain stored values.

    Raises KeyError, TypeError, ValueError or ArithmeticError if they are malformed.
    """
    known = {name: values[name] for name in ("bank", "id", *CONTENT) if name in values and name != "timestamp"}
    return well_formed(
        Transaction(
            **with_dates(known),
            timestamp=datetime.fromisoformat(values["timestamp"]),
            recorded_at=datetime.fromisoformat(values["recorded_at"]),
            recorded_shard=values.get("recorded_shard"),
        )
    )


def transaction_of_row(row: Mapping[str, Any]) -> Transaction:
    """Return the transaction of a row of the index by_recorded, without what the index doesn't hold of it."""
    return transaction_of_values({**row, "recorded_at": row["recorded_key"].partition("#")[0]})


def is_flag_row(values: Mapping[str, Any]) -> bool:
    """Whether an item, image or index row of the transactions table is of flags, and no transaction."""
    return "flags" in values
