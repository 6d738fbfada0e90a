"""What is known of a bank's flagged transactions of some days, from the index by_day. Not read consistently."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.cases.case import Outcome, State
from chalicelib.cases.precision import Labelled
from chalicelib.cases.stored_form import all_readable_rows, answers_of_values, day_key, is_case

# Rows of 200 bytes to 1 KB: a request reads at most some MB.
MOST_READ = 20_000


class Labels:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def between(self, bank: str, first: date, last: date, most: float = MOST_READ) -> tuple[dict[str, Labelled], bool]:
        """Return what is known of flagged transactions by id, and whether that is all of them.

        The days are those of the transactions' own time (UTC), both inclusive, the newest first: about `most`
        transactions are read at most. Raises TemporarilyUnavailable.
        """
        found: dict[str, Labelled] = {}
        day = last
        while day >= first:
            start: dict[str, Any] = {}
            while True:
                answer = call(
                    self._client.query,
                    TableName=self._table,
                    IndexName="by_day",
                    KeyConditionExpression="#day = :day",
                    ExpressionAttributeNames={"#day": "day"},
                    ExpressionAttributeValues=to_item({":day": day_key(bank, day)}),
                    **start,
                )
                found |= all_readable_rows(_labelled, map(from_item, answer["Items"]))
                has_more = "LastEvaluatedKey" in answer
                if len(found) >= most and (has_more or day > first):
                    return found, False
                if not has_more:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            day -= timedelta(days=1)
        return found, True


def _labelled(row: Mapping[str, Any]) -> tuple[str, Labelled]:
    shadow = tuple(row["shadow"])
    if not is_case(row):
        return row["id"], Labelled((), shadow, None, False, ())
    work = row["work"]
    answers = tuple(given.answer for given in answers_of_values(row).values())
    outcome = Outcome(work["outcome"]) if "outcome" in work else None
    return row["id"], Labelled(tuple(row["flags"]), shadow, outcome, work["state"] == State.CLOSED, answers)
