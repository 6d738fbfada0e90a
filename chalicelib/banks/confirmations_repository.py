"""How many addresses a bank has had asked to confirm on a day, in DynamoDB: one item for each bank and day.

SNS asks anybody whose address a bank enters. So nobody may have more than a few asked, whatever happens at once. The
items are in the table of due notices, which has no stream and removes what has expired.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, to_item

CONFIRMATIONS_A_DAY = 30
_KEPT_FOR = timedelta(days=2)


class ConfirmationRepository:
    def __init__(self, client: Any, table: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def may_ask(self, bank: str) -> bool:
        """Count one more address that is asked today (UTC), and return whether the bank may. Raises
        TemporarilyUnavailable.
        """
        now = self._clock()
        values = {":one": 1, ":most": CONFIRMATIONS_A_DAY, ":expires": int((now + _KEPT_FOR).timestamp())}
        try:
            call(
                self._client.update_item,
                TableName=self._table,
                Key=to_item({"due_hour": f"confirmations#{bank}", "due": now.date().isoformat()}),
                UpdateExpression="SET expires_at = :expires ADD asked :one",
                ConditionExpression="attribute_not_exists(asked) OR asked < :most",
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise
            return False
        return True
