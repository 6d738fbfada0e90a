"""What became of webhooks, stored beside the notifications that they tell of: one item each, of its last try."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.aws.dynamo import batch_get, batch_put, queried, to_item
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.webhook import Webhook

# In the sort key, behind the holder, whose id has no "#".
MARK = "#webhook#"


class Standing(StrEnum):
    """How far a webhook has come."""

    DELIVERED = "delivered"
    WAITING = "waiting"  # for its next try
    GIVEN_UP = "given_up"
    NOT_SENT = "not_sent"  # the bank has no endpoint, or that has said that it is gone


@dataclass(frozen=True, slots=True)
class Record:
    """A webhook's last try: `answer` is the HTTP status or what kept it from one, `attempts` counts what was sent."""

    key: NotificationKey
    id: str
    type: str
    standing: Standing
    answer: str
    attempts: int
    updated_at: datetime
    next_at: datetime | None = None


class WebhookRecords:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def of(self, webhooks: Iterable[Webhook]) -> dict[str, Record]:
        """Return the records of those webhooks that have one, by the webhook's id, 100 in a call."""
        keys = {webhook.id: to_item(webhook.key.item_key(f"{MARK}{webhook.id}")) for webhook in webhooks}
        found = map(_record, batch_get(self._client, self._table, keys.values()))
        return {record.id: record for record in found}

    def of_transaction(self, key: TransactionKey) -> list[Record]:
        """Return the records of a transaction's webhooks, oldest first."""
        found = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="transaction_key = :key",
            ExpressionAttributeValues=to_item({":key": key.stored}),
            ConsistentRead=True,
        )
        records = [_record(values) for values in found if MARK in values["holder"]]
        return sorted(records, key=lambda record: record.updated_at)

    def put(self, records: Iterable[Record]) -> None:
        """Keep the records, 25 in a call, in place of what is there of their webhooks."""
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
