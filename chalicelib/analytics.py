"""The analytics job: folds new transactions into daily roll-ups, each exactly once.

The job is the only writer of roll-ups. It reads each shard of the transactions' `by_recorded` index from that
shard's checkpoint up to a watermark, and commits the sums together with the new checkpoint in one DynamoDB
transaction, on condition that the checkpoint is still the one it started from. A run that dies, comes late or
runs beside another one therefore changes nothing twice: it commits a step or it does not.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.dynamo import Item, call, from_item, sortable, to_item, was_cancelled_in_passing
from chalicelib.repository import RECORDED_SHARDS
from chalicelib.telemetry import count, logger

# What is recorded later than this before now may still be on its way into the index: the writer's longest run
# (30 s), clock skew between writers and the index's lag fit inside.
SAFETY_MARGIN = timedelta(seconds=60)
# TransactWriteItems takes 100 actions, one of which moves the checkpoint.
MAX_ROLL_UPS_A_STEP = 99
PAGE = 1_000
_CHECKPOINTS = "checkpoints"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Day:
    """What a roll-up is of: a bank's settled transactions on a UTC day of their own timestamps, in a currency."""

    bank: str
    date: str
    currency: str


@dataclasses.dataclass(slots=True)
class Sums:
    credit_count: int = 0
    credit: Decimal = Decimal(0)
    debit_count: int = 0
    debit: Decimal = Decimal(0)

    def add(self, kind: str, amount: Decimal) -> None:
        if kind == "credit":
            self.credit_count += 1
            self.credit += amount
        else:
            self.debit_count += 1
            self.debit += amount


def fold(rows: Iterable[Mapping[str, Any]], max_days: int = MAX_ROLL_UPS_A_STEP) -> tuple[dict[Day, Sums], str | None]:
    """Return the sums by day of the index rows, and the key of the last row that went in (None for no rows).

    Stops before the row that would need one day more than `max_days`. Only settled transactions count. A malformed
    row, which the stream handler has dead-lettered, is passed over: it must not hold up the others for ever.
    """
    sums: dict[Day, Sums] = {}
    position = None
    for row in rows:
        if not _is_well_formed(row):
            logger.error("malformed_row", extra={"key": row["recorded_key"]})
            count("MalformedRows")
        elif row["status"] == "settled":
            day = Day(row["bank"], row["timestamp"][:10], row["currency"])
            if day not in sums and len(sums) == max_days:
                break
            sums.setdefault(day, Sums()).add(row["type"], row["amount"])
        position = row["recorded_key"]
    return sums, position


def _is_well_formed(row: Mapping[str, Any]) -> bool:
    texts = (row.get(name) for name in ("bank", "timestamp", "currency", "status", "type"))
    amount = row.get("amount")
    return all(isinstance(text, str) for text in texts) and isinstance(amount, Decimal) and amount.is_finite()


class AnalyticsJob:
    def __init__(
        self, client: Any, transactions_table: str, analytics_table: str, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._transactions_table = transactions_table
        self._analytics_table = analytics_table
        self._clock = clock

    def run(self, time_left_s: Callable[[], float]) -> int:
        """Fold what was recorded since the last run; return how many steps were committed.

        Stops at a committed step when less than 5 s are left; the next run goes on from there.
        """
        watermark = sortable(self._clock() - SAFETY_MARGIN)
        checkpoints = self._checkpoints()
        steps = 0
        # Another shard first each minute, so that a backlog in one leaves no other waiting for long.
        first = self._clock().minute % len(RECORDED_SHARDS)
        for shard in RECORDED_SHARDS[first:] + RECORDED_SHARDS[:first]:
            position = checkpoints.get(shard)
            while time_left_s() >= 5:
                sums, last = fold(self._rows(shard, position, watermark))
                if last is None or not self._commit(shard, position, last, sums):
                    break
                position = last
                steps += 1
        logger.info("analytics_run", extra={"steps": steps})
        count("AnalyticsSteps", steps)
        return steps

    def roll_ups(self, bank: str) -> dict[Day, Sums]:
        """Return all of a bank's daily roll-ups."""
        arguments: dict[str, Any] = {
            "TableName": self._analytics_table,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": to_item({":owner": f"bank#{bank}"}),
            "ConsistentRead": True,
        }
        found = {}
        for item in self._query(arguments):
            values = from_item(item)
            date, _, currency = values["entry"].removeprefix("day#").partition("#")
            found[Day(bank, date, currency)] = Sums(
                int(values["credit_count"]), values["credit"], int(values["debit_count"]), values["debit"]
            )
        return found

    def _checkpoints(self) -> dict[str, str]:
        arguments = {
            "TableName": self._analytics_table,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": to_item({":owner": _CHECKPOINTS}),
            "ConsistentRead": True,
        }
        return {item["entry"]["S"]: item["position"]["S"] for item in self._query(arguments)}

    def _query(self, arguments: dict[str, Any]) -> Iterable[Item]:
        start: dict[str, Any] = {}
        while True:
            answer = call(self._client.query, **arguments, **start)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _rows(self, shard: str, position: str | None, watermark: str) -> Iterable[dict[str, Any]]:
        """Return at most one page of the shard's rows after `position` and before the watermark, oldest first."""
        if position is not None and position >= watermark:
            return ()  # another run's clock is ahead of this one's: BETWEEN refuses bounds in the wrong order
        answer = call(
            self._client.query,
            TableName=self._transactions_table,
            IndexName="by_recorded",
            KeyConditionExpression="recorded_shard = :shard AND recorded_key BETWEEN :after AND :watermark",
            # BETWEEN includes its bounds: the NUL makes the lower one the first key after the position.
            ExpressionAttributeValues=to_item(
                {":shard": shard, ":after": f"{position}\0" if position else "0", ":watermark": watermark}
            ),
            Limit=PAGE,
        )
        return map(from_item, answer["Items"])

    def _commit(self, shard: str, position: str | None, last: str, sums: Mapping[Day, Sums]) -> bool:
        """Add the sums and move the shard's checkpoint, both or neither; False if that is for another run to do."""
        move: dict[str, Any] = {
            "TableName": self._analytics_table,
            "Key": to_item({"owner": _CHECKPOINTS, "entry": shard}),
            "UpdateExpression": "SET #position = :last",
            "ConditionExpression": "#position = :from" if position else "attribute_not_exists(#position)",
            "ExpressionAttributeNames": {"#position": "position"},
            "ExpressionAttributeValues": to_item({":last": last, ":from": position}),
        }
        adds = [
            {
                "Update": {
                    "TableName": self._analytics_table,
                    "Key": to_item({"owner": f"bank#{day.bank}", "entry": f"day#{day.date}#{day.currency}"}),
                    # ADD on DynamoDB numbers is exact to 38 digits.
                    "UpdateExpression": "ADD credit_count :cc, credit :c, debit_count :dc, debit :d",
                    "ExpressionAttributeValues": to_item(
                        {":cc": add.credit_count, ":c": add.credit, ":dc": add.debit_count, ":d": add.debit}
                    ),
                }
            }
            for day, add in sums.items()
        ]
        try:
            call(self._client.transact_write_items, TransactItems=[{"Update": move}, *adds])
        except ClientError as error:
            if not was_cancelled_in_passing(error):
                raise  # else another run has made the step, or the next one will
            logger.info("analytics_step_taken", extra={"shard": shard})
            return False
        return True
