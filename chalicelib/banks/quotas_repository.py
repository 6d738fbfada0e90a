"""How much of its quotas a bank has used on a day, in DynamoDB: one item for each bank, day and quota.

The items are in the table of due notices, which has no stream and removes what has expired.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable

_KEPT_FOR = timedelta(days=3)
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Used:
    """How much all functions have taken of a quota, and for which percentage the bank has been warned (0: none)."""

    taken: int = 0
    warned: int = 0


class QuotaRepository:
    """`metered` says what is counted: see `plans.Metered`. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, bank: str, metered: str, day: date, count: int, limit: int) -> tuple[int, Used]:
        """Take so much of a day's quota, or what is left of it; return how much that was, and what is used then."""
        expires = int((datetime.combine(day, time(), UTC) + _KEPT_FOR).timestamp())
        count = min(count, limit)  # the first of a day meets no condition
        for _ in range(_TRIES):
            values = {":count": count, ":room": limit - count, ":expires": expires}
            answer = call_if(
                self._client.update_item,
                TableName=self._table,
                Key=_key(bank, metered, day),
                UpdateExpression="SET expires_at = :expires ADD taken :count",
                ConditionExpression="attribute_not_exists(taken) OR taken <= :room",
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_NEW",
            )
            if answer is not None:
                return count, _used(answer["Attributes"])
            used = self.used(bank, metered, day)
            count = min(count, limit - used.taken)
            if count <= 0:
                return 0, used
        raise TemporarilyUnavailable

    def used(self, bank: str, metered: str, day: date) -> Used:
        """Return how much is used."""
        answer = call(self._client.get_item, TableName=self._table, Key=_key(bank, metered, day), ConsistentRead=True)
        return _used(answer.get("Item", {}))

    def note_warning(self, bank: str, metered: str, day: date, percent: int) -> None:
        """Remember that the bank was warned that so many percent are used."""
        call(
            self._client.update_item,
            TableName=self._table,
            Key=_key(bank, metered, day),
            UpdateExpression="SET warned = :percent",
            ExpressionAttributeValues=to_item({":percent": percent}),
        )


def _key(bank: str, metered: str, day: date) -> dict[str, Any]:
    return to_item({"due_hour": f"quota#{bank}", "due": f"{day.isoformat()}#{metered}"})


def _used(item: dict[str, Any]) -> Used:
    values = from_item(item)
    return Used(int(values.get("taken", 0)), int(values.get("warned", 0)))
