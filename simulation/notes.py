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
    accepted, number = _of_its_call(dynamodb, key, item, "#sent")
    return {**item, "state": {"S": "sent"}, "updated_at": accepted[number]["L"][0]} if number in accepted else item


def is_delivered(dynamodb: DynamoDB, key: str, holder: str) -> bool:
    """Return whether the delivery of an e-mail that was sent with others is noted."""
    item = dynamodb.item(_TABLE, key, holder)
    if item is None or "claim_id" not in item:
        return False
    delivered, number = _of_its_call(dynamodb, key, item, "#delivered")
    return any(name.startswith(f"{number}#") for name in delivered)


def _of_its_call(dynamodb: DynamoDB, key: str, claim: Item, mark: str) -> tuple[Item, str]:
    """Return the item with this mark of a claim's call, and the claim's number in it."""
    call, _, number = str(value_at(claim, "claim_id")).partition("#")
    return dynamodb.item(_TABLE, f"{key.partition('#')[0]}#sent#{call}", mark) or {}, number
