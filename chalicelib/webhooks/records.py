"""The webhooks' records: each webhook's last attempt, stored beside the notification that the webhook is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.aws.dynamo import batch_get, batch_put, queried, to_item
from chalicelib.aws.retention import KEPT, Clock, expiry, is_kept
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.webhook import Webhook

# In the sort key, between the holder's id, which has no "#", and the webhook's id.
MARK = "#webhook#"


class Standing(StrEnum):
    """The delivery status of a webhook."""

    DELIVERED = "delivered"
    WAITING = "waiting"  # for its next try
    GIVEN_UP = "given_up"
    NOT_SENT = "not_sent"  # the bank has no endpoint, or the endpoint answered that it is gone (410)


@dataclass(frozen=True, slots=True)
class Record:
    """A webhook's last attempt. `answer` is the HTTP status, or a code that says why there was none, like `timeout`.

    `attempts` counts how often the webhook was posted. `next_at` is when it is tried next, None if it isn't.
    """

    key: NotificationKey
    id: str
    type: str
    standing: Standing
    answer: str
    attempts: int
    updated_at: datetime
    next_at: datetime | None = None


class WebhookRecords:
    """Records in a table, each kept for so many days. With a `clock`, an expired one is gone, deleted or not."""

    def __init__(self, client: Any, table: str, clock: Clock | None = None, kept_days: int = KEPT.webhooks) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._kept_days = kept_days

    def of(self, webhooks: Iterable[Webhook]) -> dict[str, Record]:
        """Return the webhooks' records, by the webhook's id, reading 100 in a call; a new webhook has none."""
        keys = {webhook.id: to_item(webhook.key.item_key(f"{MARK}{webhook.id}")) for webhook in webhooks}
        found = batch_get(self._client, self._table, keys.values())
        records = (_record(values) for values in found if is_kept(values, self._clock))
        return {record.id: record for record in records}

    def of_transaction(self, key: TransactionKey) -> list[Record]:
        """Return the records of a transaction's webhooks, ordered by the time of the last attempt."""
        found = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="transaction_key = :key",
            ExpressionAttributeValues=to_item({":key": key.stored}),
            ConsistentRead=True,
        )
        records = [_record(values) for values in found if MARK in values["holder"] and is_kept(values, self._clock)]
        return sorted(records, key=lambda record: record.updated_at)

    def put(self, records: Iterable[Record]) -> None:
        """Store the records, 25 in a call, each in place of its webhook's earlier record.

        Raises TemporarilyUnavailable; some of the records may be stored then.
        """
        batch_put(
            self._client,
            self._table,
            (
                to_item(
                    {
                        **record.key.item_key(f"{MARK}{record.id}"),
                        "type": record.type,
                        "state": record.standing.value,
                        "answer": record.answer,
                        "attempts": record.attempts,
                        "updated_at": format_time(record.updated_at),
                        "expires_at": expiry(record.updated_at, self._kept_days),
                        "next_at": format_time(record.next_at) if record.next_at else None,
                    }
                )
                for record in records
            ),
        )


def _record(values: dict[str, Any]) -> Record:
    _, _, webhook_id = values["holder"].partition(MARK)
    next_at = values.get("next_at")
    return Record(
        key=NotificationKey.of_item(values, f"{MARK}{webhook_id}"),
        id=webhook_id,
        type=values["type"],
        standing=Standing(values["state"]),
        answer=values["answer"],
        attempts=int(values["attempts"]),
        updated_at=datetime.fromisoformat(values["updated_at"]),
        next_at=datetime.fromisoformat(next_at) if next_at else None,
    )
