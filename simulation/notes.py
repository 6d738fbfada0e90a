"""What is noted of notifications, as a run reads it: a claim, and what SES has accepted of the claim's call."""

from simulation.dynamodb import DynamoDB
from simulation.expressions import Item
from simulation.tables import value_at

_TABLE = "NotificationsTable"


def note_of(dynamodb: DynamoDB, key: str, holder: str) -> Item | None:
    """Return the note of a holder's notification, by its keys; None if there is none."""
    item = dynamodb.item(_TABLE, key, holder)
    if item is None or "claim_id" not in item:
        return item
    call, _, number = str(value_at(item, "claim_id")).partition("#")
    accepted = dynamodb.item(_TABLE, f"{key.partition('#')[0]}#sent#{call}", "#sent") or {}
    return {**item, "state": {"S": "sent"}, "updated_at": accepted[number]["L"][0]} if number in accepted else item
