"""How much of its quotas a bank has used on a day, in DynamoDB: one item for each bank, day and quota.

The items are in the table of due notices, which has no stream and removes what has expired.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable

_KEPT_FOR = timedelta(days=3)
_TRIES = 4
_WARNED = "warned_of_"  # and the limit


@dataclass(frozen=True, slots=True)
class Used:
    """How much all functions have taken of a quota, and of what percentage of which limit the bank has been warned."""

    taken: int = 0
    warned: Mapping[int, int] = field(default_factory=dict)  # percent by limit


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

    def note_warning(self, bank: str, metered: str, day: date, limit: int, percent: int) -> None:
        """Remember that the bank was warned that so many percent of the limit are used, unless more are noted.

        Functions warn side by side, so that of the lower percentage may be noted last. Each limit has its own
        attribute: for a minute after a change, functions go by either.
        """
        call_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(bank, metered, day),
            UpdateExpression="SET #warned = :percent",
            ConditionExpression="attribute_not_exists(#warned) OR #warned < :percent",
            ExpressionAttributeNames={"#warned": f"{_WARNED}{limit}"},
            ExpressionAttributeValues=to_item({":percent": percent}),
        )


def _key(bank: str, metered: str, day: date) -> dict[str, Any]:
    return to_item({"due_hour": f"quota#{bank}", "due": f"{day.isoformat()}#{metered}"})


def _used(item: dict[str, Any]) -> Used:
    values = from_item(item)
    warned = {int(name.removeprefix(_WARNED)): int(values[name]) for name in values if name.startswith(_WARNED)}
    return Used(int(values.get("taken", 0)), warned)
