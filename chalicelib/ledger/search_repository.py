"""Searching a bank's transactions in DynamoDB: from an index, newest first, with a bounded number of reads.

What is looked for lies in partitions of an index, each of them in the order of time: those of the bank, of its flags,
or of the accounts that are asked for. They are merged: always the partition is read on that is least far back, because
nothing older than that may be shown yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import Item, to_item
from chalicelib.ledger.keys import TransactionKey, account_key
from chalicelib.ledger.page_size import fitting
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.search import Found, Search
from chalicelib.ledger.stored_form import SHARDS, bank_shard, flags_shard, shards_of
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import Transaction

# A request reads so many pages of the index, and then ends, its page full or not. A page that didn't bring enough is
# followed by one four times as long: what is common is found with few rows, and what is rare in few calls.
READS = 16
MOST_ROWS = 1_000
_GROWTH = 4
# The transactions of rows of flags are read to look at them, a hundred in a call.
_MOST_FLAG_ROWS = 100
MOST_ACCOUNTS = 20
_UNREAD = "~"  # behind every place


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    key: TransactionKey
    transaction: Transaction | None = None  # where it had to be read already


@dataclass(slots=True)
class _Partition:
    """A partition of an index: how far back it is read (`place`), and what was found in it."""

    index: str
    key: dict[str, str]
    place: str = _UNREAD
    start_key: Item | None = None
    is_over: bool = False
    limit: int = 0
    rows: list[_Row] = field(default_factory=list)


class SearchRepository:
    """Searches in a table whose indexes are written in so many `shards`, each with about so many `reads`.

    All methods raise TemporarilyUnavailable.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        transactions: TransactionRepository,
        shards: int = SHARDS,
        reads: int = READS,
    ) -> None:
        self._client = client
        self._table = table
        self._transactions = transactions
        self._shards = shards
        self._reads = reads

    def find(self, bank: str, search: Search) -> Found:
        """Return a page of the bank's transactions that are looked for, newest first by their own timestamp.

        What was recorded in the last second may be missing. A record that can't be read is logged, counted and left
        out. At most 20 accounts can be looked in at once.
        """
        partitions = self._partitions(bank, search)
        for _ in range(max(self._reads, 2 * len(partitions))):
            frontier = _frontier(partitions)
            if frontier is None or len(_shown(partitions, frontier.place)) > search.limit:
                break
            self._read_on(frontier, search)
        frontier = _frontier(partitions)
        rows = _shown(partitions, frontier.place if frontier else "")
        page = self._whole(rows[: search.limit])
        if (number := fitting(page)) < len(page):
            last = page[number - 1].key
            return Found(page[:number], next(row.place for row in rows if row.key == last))
        if len(rows) > search.limit:
            return Found(page, rows[search.limit - 1].place)
        if frontier is None:
            return Found(page)
        return Found(page, frontier.place, datetime.fromisoformat(frontier.place.partition("#")[0]))

    def _partitions(self, bank: str, search: Search) -> list[_Partition]:
        if search.accounts is not None:
            if len(search.accounts) > MOST_ACCOUNTS:
                raise ValueError("too many accounts")
            suffix = "#flags" if search.flag else ""
            keys = (f"{account_key(bank, account)}{suffix}" for account in sorted(set(search.accounts)))
            return [_Partition("by_account", {"account_key": key}) for key in keys]
        partition_of = flags_shard if search.flag else bank_shard
        return [_Partition("by_bank", {"bank_shard": partition_of(bank, shard)}) for shard in shards_of(self._shards)]

    def _read_on(self, partition: _Partition, search: Search) -> None:
        most = _MOST_FLAG_ROWS if search.flag else MOST_ROWS
        # One row more says whether anything follows, and one may be the position itself.
        partition.limit = min(most, _GROWTH * partition.limit or search.limit + 2)
        ((name, value),) = partition.key.items()
        filtered, names, values = _filter(search)
        upper = f"{sortable(search.end)}~" if search.end else _UNREAD
        values |= {
            ":partition": value,
            ":lower": f"{sortable(search.start)}#" if search.start else "0",
            ":upper": min(upper, search.before or _UNREAD),
        }
        answer = call(
            self._client.query,
            TableName=self._table,
            IndexName=partition.index,
            KeyConditionExpression=f"{name} = :partition AND timestamp_key BETWEEN :lower AND :upper",
            ProjectionExpression="transaction_key, timestamp_key",
            ExpressionAttributeValues=to_item(values),
            ScanIndexForward=False,
            Limit=partition.limit,
            **({"FilterExpression": filtered} if filtered else {}),
            **({"ExpressionAttributeNames": names} if names else {}),
            **({"ExclusiveStartKey": partition.start_key} if partition.start_key else {}),
        )
        rows = [_row(item) for item in answer["Items"] if item["timestamp_key"]["S"] != search.before]
        partition.rows += self._matching(rows, search) if search.flag else rows
        partition.start_key = answer.get("LastEvaluatedKey")
        partition.is_over = partition.start_key is None
        if partition.start_key:
            partition.place = partition.start_key["timestamp_key"]["S"]

    def _matching(self, rows: Sequence[_Row], search: Search) -> list[_Row]:
        """Return those rows of flags whose transactions are looked for: the rows say little of them."""
        stored = self._transactions.stored(row.key for row in rows)
        found = ((row, stored.get(row.key)) for row in rows)
        return [_Row(row.place, row.key, one) for row, one in found if one is not None and search.matches(one)]

    def _whole(self, rows: Sequence[_Row]) -> list[Transaction]:
        stored = {row.key: row.transaction for row in rows if row.transaction}
        stored |= self._transactions.stored(row.key for row in rows if row.transaction is None)
        return [stored[row.key] for row in rows if row.key in stored]


def _frontier(partitions: Sequence[_Partition]) -> _Partition | None:
    """Return the partition that is read least far back, None if all are read to their ends."""
    return max((one for one in partitions if not one.is_over), key=lambda one: one.place, default=None)


def _shown(partitions: Sequence[_Partition], back_to: str) -> list[_Row]:
    """Return what was found down to this place, newest first: no partition has anything more there."""
    rows = [row for partition in partitions for row in partition.rows if row.place >= back_to]
    return sorted(rows, key=lambda row: row.place, reverse=True)


def _filter(search: Search) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the filter of an index's rows, with its names and values; a row of flags has only the flags' names."""
    if search.flag:
        names = {"#flags": "flags", "#flag": search.flag}
        return "attribute_exists(#flags.#flag) AND NOT contains(shadow, :flag)", names, {":flag": search.flag}
    names, values, parts = {}, {}, []
    for number, (name, how, value) in enumerate(search.conditions):
        names[f"#{name}"] = name
        values[f":value{number}"] = value
        parts.append(f"#{name} {how} :value{number}")
    return " AND ".join(parts), names, values


def _row(item: Item) -> _Row:
    key = item["transaction_key"]["S"].removesuffix("#flags")
    return _Row(item["timestamp_key"]["S"], TransactionKey.of_stored(key))
