"""Activity in DynamoDB: one row for each bank and hour, in the table of due notices, whose expired rows are deleted.

A row holds some forty small numbers, so adding to it costs one write unit.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import Counts, HourOfActivity, from_values, to_increments
from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import queried, to_item
from chalicelib.aws.retention import expiry

KEPT_DAYS = 40  # a month of hours, and some days to look back at it


class ActivityRepository:
    """The hours of all banks. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, bank: str, hour: datetime, counts: Counts, latency: Histogram) -> None:
        """Add to a bank's hour, in one call; without anything to add, in none."""
        increments = to_increments(counts, latency)
        if not increments:
            return
        names = {f"#{position}": name for position, name in enumerate(increments)}
        values = {f":{position}": count for position, count in enumerate(increments.values())}
        call(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"due_hour": _partition(bank), "due": _entry(hour)}),
            UpdateExpression="SET expires_at = :expires ADD "
            + ", ".join(f"#{position} :{position}" for position in range(len(increments))),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item({**values, ":expires": expiry(hour, KEPT_DAYS)}),
        )

    def between(self, bank: str, first: datetime, last: datetime) -> Iterator[HourOfActivity]:
        """Yield the bank's hours from `first` to `last`, both inclusive, in which something happened."""
        rows = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="due_hour = :bank AND due BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {":bank": _partition(bank), ":first": _entry(first), ":last": _entry(last)}
            ),
        )
        for row in rows:
            yield from_values(datetime.strptime(row["due"], _FORMAT).replace(tzinfo=UTC), row)


_FORMAT = "%Y-%m-%dT%H"


def _partition(bank: str) -> str:
    return f"activity#{bank}"


def _entry(hour: datetime) -> str:
    return hour.astimezone(UTC).strftime(_FORMAT)
