"""What is due at a time, in DynamoDB: notices that wait for quiet hours to end, and statements.

Each hour has a partition for each shard, with the entries in the order in which they are due.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import batch_delete, batch_put, from_item, to_item
from chalicelib.ledger.times import sortable

# Quiet hours end for all at once: eight shards take 8,000 writes a second.
SHARDS = 8
_PAGE = 250
_OF_EACH = 50
_BEFORE_ALL = "0"  # every time's place
_CHECKPOINT = {"due_hour": "checkpoint", "due": "checkpoint"}
# DynamoDB's own broom, for what a release could never read: long after it was due.
_KEPT_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class DueEntry:
    """A payload (JSON) that is due at `until` (UTC). `name` tells it from others that are due then."""

    until: datetime
    name: str
    payload: str

    @property
    def key(self) -> dict[str, str]:
        shard = zlib.crc32(self.name.encode()) % SHARDS
        return {"due_hour": _partition(self.until, shard), "due": f"{sortable(self.until)}#{self.name}"}


class DueRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, entries: Iterable[DueEntry]) -> None:
        """Put the entries, 25 in a call; raises TemporarilyUnavailable with some maybe put."""
        items = (
            to_item({**one.key, "notice": one.payload, "expires_at": int((one.until + _KEPT_FOR).timestamp())})
            for one in entries
        )
        batch_put(self._client, self._table, items)

    def due(self, hour: datetime, now: datetime) -> Iterator[list[DueEntry]]:
        """Yield the hour's entries that are due by now, a page at a time, each of one shard, soonest first.

        The next page is what is there when it is asked for: who doesn't remove what there was gets it again.
        """
        for shard in range(SHARDS):
            while True:
                found, _ = self._page(_partition(hour, shard), now, _PAGE)
                if not found:
                    break
                yield [_entry(values) for values in found]

    def first_of_each(self, hour: datetime, now: datetime, first_shard: int = 0) -> Iterator[list[DueEntry]]:
        """Yield some of the hour's entries that are due by now, a page at a time: of each bank some, if it has any.

        Names begin with the bank and a "#". Where a page is full of one bank's entries of one moment, the next page
        begins behind all of these: however many a bank has, the others' are found in a few calls.
        """
        for number in range(SHARDS):
            partition, after = _partition(hour, (first_shard + number) % SHARDS), _BEFORE_ALL
            while True:
                found, has_more = self._page(partition, now, _OF_EACH, after)
                if found:
                    yield [_entry(values) for values in found]
                if not (found and has_more):
                    break
                first, last = (values["due"].split("#")[:2] for values in (found[0], found[-1]))
                # "$" follows "#", and "!" comes before all that names have in them.
                after = f"{'#'.join(last)}$" if first == last else f"{found[-1]['due']}!"

    def _page(
        self, partition: str, now: datetime, limit: int, after: str = _BEFORE_ALL
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the values of a partition's first entries behind a place that are due by now, and if more may be."""
        answer = call(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="due_hour = :hour AND due BETWEEN :after AND :upto",
            # The very moment is due too, whatever follows it in the key.
            ExpressionAttributeValues=to_item({":hour": partition, ":after": after, ":upto": f"{sortable(now)}$"}),
            ConsistentRead=True,
            Limit=limit,
        )
        return [from_item(item) for item in answer["Items"]], "LastEvaluatedKey" in answer

    def remove(self, entries: Iterable[DueEntry]) -> None:
        """Remove the entries; raises TemporarilyUnavailable with some maybe removed."""
        batch_delete(self._client, self._table, (to_item(one.key) for one in entries))

    def checkpoint(self) -> datetime | None:
        """Return the first hour that a release isn't done with, None before there has been one."""
        answer = call(self._client.get_item, TableName=self._table, Key=to_item(_CHECKPOINT), ConsistentRead=True)
        return datetime.fromisoformat(from_item(answer["Item"])["hour"]) if "Item" in answer else None

    def move_checkpoint(self, hour: datetime) -> None:
        """Note that releases are done with all before this hour."""
        call(self._client.put_item, TableName=self._table, Item=to_item({**_CHECKPOINT, "hour": hour.isoformat()}))


def _partition(moment: datetime, shard: int) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}#{shard}"


def _entry(values: dict[str, Any]) -> DueEntry:
    moment, _, name = values["due"].partition("#")
    return DueEntry(datetime.fromisoformat(moment), name, values.get("notice", ""))
