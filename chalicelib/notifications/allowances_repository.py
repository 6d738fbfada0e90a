"""How many e-mails a holder has got lately, in DynamoDB: one item for each holder who gets several in an hour.

The items are in the table of due notices, which has no stream and removes what has expired.
"""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.times import sortable

_TRIES = 4


class AllowanceRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def count(
        self, holder: str, emails: int, since: datetime, now: datetime, within: timedelta
    ) -> tuple[datetime, int]:
        """Count so many e-mails more, and return when the holder's time began and how many there are in it.

        A time is `within` long, and begins at `since` if there is none. Raises TemporarilyUnavailable.
        """
        over = sortable(now - within)
        for _ in range(_TRIES):
            # Two ways, by whether a time is going on. Another mailer may change that between the two.
            values = {":since": sortable(since), ":emails": emails, ":over": over}
            values[":expires"] = int((now + 2 * within).timestamp())
            counted = self._update(
                holder,
                "SET began = if_not_exists(began, :since), expires_at = :expires ADD emails :emails",
                "attribute_not_exists(began) OR began > :over",
                values,
            ) or self._update(
                holder,
                "SET began = :since, expires_at = :expires, emails = :emails",
                "began <= :over",
                values,
            )
            if counted is not None:
                return counted
        raise TemporarilyUnavailable

    def _update(self, holder: str, update: str, condition: str, values: dict[str, Any]) -> tuple[datetime, int] | None:
        """Return what there is afterwards; None, with nothing changed, if the condition isn't met."""
        answer = call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"due_hour": f"allowance#{holder}", "due": "allowance"}),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ReturnValues="ALL_NEW",
        )
        if answer is None:
            return None
        stored = from_item(answer["Attributes"])
        return datetime.fromisoformat(stored["began"]), int(stored["emails"])
