"""A bank's cases in the order in which they are worked on, from the index by_queue. Not read consistently."""

from dataclasses import dataclass
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.cases.case import Case, State
from chalicelib.cases.stored_form import (
    RANK_OF_NOT_RECOGNIZED,
    all_readable_rows,
    case_of_values,
    claimed_by_rank,
    queue_key,
)
from chalicelib.ledger.keys import TransactionKey

# A queue that is longer is too long, by however much.
MOST_COUNTED = 1_000
# Behind all that can follow the beginning of a rank.
_LAST = "~"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many cases are open, claimed, and open because a holder doesn't recognize the payment: 1,000 at most each."""

    open: int
    claimed: int
    not_recognized: int


class CaseQueue:
    """The cases of all banks in `table`. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def page(
        self, bank: str, state: State, limit: int, position: str = "", subject: str = ""
    ) -> tuple[list[Case], str]:
        """Return the bank's cases in this state, and the position of the next page, empty at the end.

        Open ones are ordered by weight and then age, claimed ones by who has them, closed ones by time, newest first.
        They have no history. With a `subject`, of the claimed ones only those that this member of staff has. One that
        can't be read is left out, logged and counted.
        """
        begins_with = claimed_by_rank(subject) if subject else ""
        arguments = self._between(bank, state, begins_with or "0", f"{begins_with}{_LAST}")
        if position:
            case_id = position.rpartition("#")[2]
            key = {"queue": queue_key(bank, state), "rank": position}
            arguments["ExclusiveStartKey"] = to_item({**key, "case_key": TransactionKey(bank, case_id).stored})
        answer = call(self._client.query, **arguments, Limit=limit, ScanIndexForward=state is not State.CLOSED)
        cases = list(all_readable_rows(case_of_values, map(from_item, answer["Items"])))
        last = answer.get("LastEvaluatedKey")
        return cases, last["rank"]["S"] if last else ""

    def waiting(self, bank: str) -> Waiting:
        """Return how many cases wait."""
        return Waiting(
            self._count(bank, State.OPEN),
            self._count(bank, State.CLAIMED),
            self._count(bank, State.OPEN, RANK_OF_NOT_RECOGNIZED),
        )

    def _count(self, bank: str, state: State, last: str = _LAST) -> int:
        arguments = self._between(bank, state, "0", last)
        counted: int = call(self._client.query, **arguments, Select="COUNT", Limit=MOST_COUNTED)["Count"]
        return counted

    def _between(self, bank: str, state: State, first: str, last: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "IndexName": "by_queue",
            "KeyConditionExpression": "#queue = :queue AND #rank BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#queue": "queue", "#rank": "rank"},
            "ExpressionAttributeValues": to_item({":queue": queue_key(bank, state), ":first": first, ":last": last}),
        }
