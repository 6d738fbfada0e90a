"""How far ahead of now a bank has used its transactions a second, in DynamoDB: one item for each bank.

The item says until when the bank's rate is used: each transaction moves that on by its part of a second. The items are
beside those of the day's quotas.
"""

import math
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable

BURST_S = 10
_TRIES = 4
_IDLE = "SET until_ms = :now + :cost, expires_at = :expires"
_IDLE_IF = "attribute_not_exists(until_ms) OR until_ms <= :now"
_BUSY = "SET until_ms = until_ms + :cost, expires_at = :expires"
_BUSY_IF = "until_ms > :now AND until_ms <= :latest"


class PaceRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, bank: str, count: int, rate: int, now: datetime, known_ms: int = 0) -> tuple[int, int]:
        """Take so many transactions, or as many as fit, and return how many, and until when the rate is used (ms).

        At most what `BURST_S` seconds allow is used ahead of now. `known_ms` is what was returned last: with it, most
        calls are one update. Raises TemporarilyUnavailable.
        """
        now_ms = math.floor(now.timestamp() * 1000)
        expires = int((now + timedelta(hours=1)).timestamp())
        count = min(count, rate * BURST_S)
        for _ in range(_TRIES):
            cost = math.ceil(count * 1000 / rate)
            common = {":now": now_ms, ":cost": cost, ":expires": expires}
            idle = (_IDLE, _IDLE_IF, common)
            busy = (_BUSY, _BUSY_IF, common | {":latest": now_ms + BURST_S * 1000 - cost})
            for way in (busy, idle) if known_ms > now_ms else (idle, busy):
                until_ms = self._update(bank, *way)
                if until_ms is not None:
                    return count, until_ms
            answer = call(self._client.get_item, TableName=self._table, Key=_key(bank), ConsistentRead=True)
            known_ms = int(from_item(answer.get("Item", {})).get("until_ms", 0))
            room_ms = now_ms + BURST_S * 1000 - known_ms
            count = min(count, max(0, room_ms * rate // 1000))
            if count == 0:
                return 0, known_ms
        raise TemporarilyUnavailable

    def _update(self, bank: str, update: str, condition: str, values: dict[str, Any]) -> int | None:
        answer = call_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(bank),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ReturnValues="ALL_NEW",
        )
        return None if answer is None else int(from_item(answer["Attributes"])["until_ms"])


def _key(bank: str) -> dict[str, Any]:
    return to_item({"due_hour": f"quota#{bank}", "due": "pace#transactions"})
