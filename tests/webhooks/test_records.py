"""The webhooks' records, on both engines: one for each webhook, beside the notification that it is about."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import from_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey, State, StateChange
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.webhook import Webhook
from tests.fakes import Refusing, refusal

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
KEY = NotificationKey("eazycard", "t1", "awa")
WAITING = Record(
    KEY, "msg_1", "notification.delivered", Standing.WAITING, "500", 1, NOW, next_at=NOW + timedelta(seconds=5)
)
DELIVERED = dataclasses.replace(
    WAITING, standing=Standing.DELIVERED, answer="204", attempts=2, updated_at=NOW + timedelta(seconds=5), next_at=None
)


@pytest.fixture
def records(each_dynamodb: Any) -> WebhookRecords:
    return WebhookRecords(each_dynamodb, "NotificationsTable")


def webhook(webhook_id: str, key: NotificationKey = KEY) -> Webhook:
    return Webhook(webhook_id, key, "notification.delivered", "{}", NOW)


def of_t1(records: WebhookRecords, bank: str = "eazycard") -> list[Record]:
    return records.of_transaction(TransactionKey(bank, "t1"))


@pytest.mark.parametrize("record", [WAITING, DELIVERED], ids=["waiting", "delivered"])
def test_a_record_is_read_as_it_was_stored(records: WebhookRecords, record: Record) -> None:
    records.put([record])
    assert records.of([webhook("msg_1"), webhook("msg_2")]) == {"msg_1": record}
    assert of_t1(records) == [record]


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_is_read_as_it_was_stored(records: WebhookRecords, standing: Standing) -> None:
    records.put([dataclasses.replace(DELIVERED, standing=standing)])
    assert [record.standing for record in of_t1(records)] == [standing]


def test_a_later_record_takes_the_place_of_the_earlier_one(records: WebhookRecords) -> None:
    records.put([WAITING])
    records.put([DELIVERED])
    assert of_t1(records) == [DELIVERED]


def test_a_transaction_s_records_are_ordered_by_their_last_attempt(records: WebhookRecords) -> None:
    later = [
        dataclasses.replace(DELIVERED, id=webhook_id, updated_at=NOW + timedelta(seconds=seconds))
        for webhook_id, seconds in (("msg_c", 1), ("msg_a", 3), ("msg_b", 2))
    ]
    records.put(later)
    assert [record.id for record in of_t1(records)] == ["msg_c", "msg_b", "msg_a"]


def test_no_record_is_another_bank_s_or_another_holder_s(records: WebhookRecords) -> None:
    other_bank = dataclasses.replace(WAITING, key=NotificationKey("other-bank", "t1", "awa"))
    other_holder = dataclasses.replace(WAITING, key=NotificationKey("eazycard", "t1", "ben"), id="msg_2")
    records.put([WAITING, other_bank, other_holder])
    assert of_t1(records, "other-bank") == [other_bank]
    assert {record.key.holder: record.id for record in of_t1(records)} == {"awa": "msg_1", "ben": "msg_2"}
    assert records.of([webhook("msg_1", other_bank.key)]) == {"msg_1": other_bank}


def test_records_of_many_webhooks_are_put_and_read_in_batches(records: WebhookRecords) -> None:
    many = [dataclasses.replace(WAITING, id=f"msg_{number}") for number in range(120)]
    records.put(many)
    assert records.of(webhook(f"msg_{number}") for number in range(130)) == {record.id: record for record in many}


def test_a_record_and_the_notification_beside_it_are_not_taken_for_each_other(
    records: WebhookRecords, each_dynamodb: Any
) -> None:
    feed = NotificationFeed(each_dynamodb, "NotificationsTable", lambda: NOW, sleep=lambda _: None)
    NotificationLog(each_dynamodb, "NotificationsTable", feed, sleep=lambda _: None).record(
        [StateChange(KEY, State.SENT, message_id="m")], NOW
    )
    records.put([WAITING])
    assert of_t1(records) == [WAITING]
    notifications = NotificationRecords(each_dynamodb, "NotificationsTable").of_transaction(
        TransactionKey("eazycard", "t1")
    )
    assert [notification["state"] for notification in notifications] == ["sent"]


def test_a_table_that_throttles_is_temporarily_unavailable(each_dynamodb: Any) -> None:
    throttled = refusal("ThrottlingException")
    records = WebhookRecords(Refusing(each_dynamodb, throttled, "query", "batch_get_item"), "NotificationsTable")
    with pytest.raises(TemporarilyUnavailable):
        records.of([webhook("msg_1")])
    with pytest.raises(TemporarilyUnavailable):
        of_t1(records)


def test_no_webhooks_make_no_call(each_dynamodb: Any) -> None:
    refused = Refusing(each_dynamodb, refusal("ValidationException"), "batch_get_item", "batch_write_item")
    records = WebhookRecords(refused, "NotificationsTable")
    assert records.of([]) == {}
    records.put([])


def test_a_record_holds_no_body_and_no_url(records: WebhookRecords, each_dynamodb: Any) -> None:
    records.put([WAITING])
    (item,) = each_dynamodb.scan(TableName="NotificationsTable")["Items"]
    assert from_item(item).keys() == {
        "transaction_key",
        "holder",
        "type",
        "state",
        "expires_at",
        "answer",
        "attempts",
        "updated_at",
        "next_at",
    }
