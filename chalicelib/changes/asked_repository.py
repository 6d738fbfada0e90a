"""When an address was last asked to confirm, in DynamoDB: one item for each bank and address, by the address's hash.

The items are in the table of due notices, which has no stream and removes what has expired. They outlive the holder's
record, so that a bank can't have an address asked again by erasing the holder and enrolling the holder again.
"""

from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.holders.address import Address
from chalicelib.holders.confirmation import ASKED_AT_MOST_EACH
from chalicelib.ledger.times import sortable


class Turn(Enum):
    """Whether a notice may ask an address now: as the first one, again because it asked before, or not."""

    FIRST = "first"
    AGAIN = "again"
    TAKEN = "taken"


class AskedRepository:
    """Of all notices that ask one address, one has its turn at a time. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, address: Address, notice: str, now: datetime) -> Turn:
        """Take the turn for the notice with this name, and return whether it has it.

        A notice that has it keeps it, whatever became of its e-mail; no other one gets it for `ASKED_AT_MOST_EACH`.
        """
        values = {
            ":now": sortable(now),
            ":notice": notice,
            ":over": sortable(now - ASKED_AT_MOST_EACH),
            ":expires": int((now + ASKED_AT_MOST_EACH).timestamp()),
        }
        answer = call_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(address),
            UpdateExpression="SET asked_at = :now, asked_by = :notice, expires_at = :expires",
            ConditionExpression="attribute_not_exists(asked_at) OR asked_at <= :over OR asked_by = :notice",
            ExpressionAttributeValues=to_item(values),
            ReturnValues="ALL_OLD",
        )
        if answer is None:
            return Turn.TAKEN
        return Turn.AGAIN if from_item(answer.get("Attributes", {})).get("asked_by") == notice else Turn.FIRST

    def give_back(self, address: Address, notice: str) -> None:
        """Give the notice's turn back, because no e-mail goes out: another notice may have it."""
        call_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(address),
            UpdateExpression="REMOVE asked_at, asked_by",
            ConditionExpression="asked_by = :notice",
            ExpressionAttributeValues=to_item({":notice": notice}),
        )


def _key(address: Address) -> dict[str, Any]:
    return to_item({"due_hour": f"asked#{address.key}", "due": "confirmation"})
