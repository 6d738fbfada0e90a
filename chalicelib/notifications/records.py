"""What became of notifications, stored: SES's feedback beside the mailer's notes, and both read as one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import batch_get, from_item, queried, to_item
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time, sortable
from chalicelib.notifications.state import Feedback, Kind, NotificationKey, superfluous, to_json

# Feedback has an item of its own beside the note, which the mailer puts whole, whatever was there.
_FEEDBACK = "#feedback"
_ATTRIBUTE = "feedback:"


class NotificationRecords:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def note_feedback(self, key: NotificationKey, feedback: Feedback) -> None:
        """Keep what SES told of a notification's e-mail. The same again, and another order, make no difference."""
        item_key = to_item(key.item_key(_FEEDBACK))
        answer = call(
            self._client.update_item,
            TableName=self._table,
            Key=item_key,
            UpdateExpression="SET #one = :one",
            ExpressionAttributeNames={"#one": _attribute(feedback)},
            ExpressionAttributeValues=to_item({":one": _feedback_values(feedback)}),
            ReturnValues="ALL_NEW",
        )
        too_many = superfluous(_feedback_in(from_item(answer["Attributes"])))
        if too_many:
            names = {f"#old{number}": _attribute(one) for number, one in enumerate(too_many)}
            call(
                self._client.update_item,
                TableName=self._table,
                Key=item_key,
                UpdateExpression=f"REMOVE {', '.join(names)}",
                ExpressionAttributeNames=names,
            )

    def known(self, keys: Iterable[NotificationKey]) -> set[NotificationKey]:
        """Return those of the keys that are notifications, read consistently, 100 in a call."""
        items = (to_item(key.item_key()) for key in dict.fromkeys(keys))
        return {NotificationKey.of_item(values) for values in batch_get(self._client, self._table, items)}

    def of_transaction(self, key: TransactionKey) -> list[dict[str, Any]]:
        """Return a transaction's notifications as the API answers them, by holder, read consistently."""
        stored = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="transaction_key = :key",
            ExpressionAttributeValues=to_item({":key": key.stored}),
            ConsistentRead=True,
        )
        return [notification for _, notification in sorted(_merged(stored).items(), key=lambda pair: pair[0].holder)]

    def of_keys(self, keys: Iterable[NotificationKey]) -> dict[NotificationKey, dict[str, Any]]:
        """Return those of the notifications that there are, as the API answers them, 50 in a call."""
        items = (to_item(key.item_key(suffix)) for key in keys for suffix in ("", _FEEDBACK))
        return _merged(batch_get(self._client, self._table, items))


def _merged(stored: Iterable[Mapping[str, Any]]) -> dict[NotificationKey, dict[str, Any]]:
    notes: dict[NotificationKey, Mapping[str, Any]] = {}
    feedback: dict[NotificationKey, list[Feedback]] = {}
    for values in stored:
        key = NotificationKey.of_item(values, _FEEDBACK)
        if values["holder"].endswith(_FEEDBACK):
            feedback[key] = _feedback_in(values)
        elif "#" not in values["holder"]:  # all else beside a note is marked
            notes[key] = values
    return {key: to_json(key.holder, note, feedback.get(key, ())) for key, note in notes.items()}


def _attribute(feedback: Feedback) -> str:
    return f"{_ATTRIBUTE}{sortable(feedback.at)}#{feedback.kind}#{feedback.message_id}"


def _feedback_values(feedback: Feedback) -> dict[str, str]:
    reason = {"reason": feedback.reason} if feedback.reason else {}
    return {"accepted_at": format_time(feedback.accepted_at), **reason}


def _feedback_in(values: Mapping[str, Any]) -> list[Feedback]:
    found = []
    for name, value in values.items():
        if name.startswith(_ATTRIBUTE):
            at, kind, message_id = name.removeprefix(_ATTRIBUTE).split("#")
            accepted_at = datetime.fromisoformat(value["accepted_at"])
            found.append(Feedback(datetime.fromisoformat(at), Kind(kind), message_id, accepted_at, value.get("reason")))
    return found
