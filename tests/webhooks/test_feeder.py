"""The feeder: each changed notification of a bank with an endpoint makes one webhook, about its state as it is now."""

import json
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, refusal
from tests.mail_world import messages, ses_event
from tests.samples import transaction
from tests.webhook_desk import Desk

DELIVERED_1 = ("notification.delivered", "t1", "awa")


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


def test_delivered_bounced_and_failed_notifications_each_make_a_webhook(desk: Desk) -> None:
    desk.change("t1")
    desk.change("t2", event="bounce", account="a2")
    desk.change("t3", event="reject", account="a3")
    desk.feed_webhooks()
    desk.send()
    assert desk.told() == {
        DELIVERED_1: 1,
        ("notification.bounced", "t2", "awa"): 1,
        ("notification.failed", "t3", "awa"): 1,
    }
    assert desk.webhook_queue.bodies == []


def test_a_notification_that_is_sent_or_complained_of_makes_no_webhook(desk: Desk) -> None:
    desk.enrol("a0", "awa")
    desk.tell(messages(transaction(id="t1", account="a0")))
    desk.feed_webhooks()
    desk.change("t2", event="complaint")
    desk.feed_webhooks()
    assert desk.webhook_queue.bodies == []


def test_a_notification_that_changed_twice_makes_one_webhook_about_its_last_state(desk: Desk) -> None:
    desk.change("t1")
    desk.hear([ses_event("bounce", transaction="t1", address="a0.awa@example.com")])
    desk.feed_webhooks()
    desk.send()
    assert desk.told() == {("notification.bounced", "t1", "awa"): 1}


def test_a_batch_of_the_stream_that_comes_again_sends_nothing_again(desk: Desk) -> None:
    desk.change("t1", "t2")
    for _ in range(3):
        desk.feed_webhooks()
        desk.send()
    assert set(desk.told().values()) == {1}
    assert len(desk.told()) == 2


@pytest.mark.parametrize("lack", ["url", "bank", "gone"])
def test_a_bank_without_an_endpoint_gets_no_webhooks(desk: Desk, lack: str) -> None:
    if lack == "url":
        desk.name_endpoint("eazycard", None)
    elif lack == "gone":
        desk.disable()
    else:
        desk.dynamodb.delete_item(TableName=desk.names["BanksTable"], Key={"entry": {"S": "bank#eazycard"}})
    desk.change("t1")
    desk.restart()
    desk.feed_webhooks()
    assert desk.webhook_queue.bodies == []


def test_only_new_pages_of_the_feed_make_webhooks(desk: Desk) -> None:
    desk.change("t1")
    records = desk.pages()
    desk.feeder.handle([{**record, "eventName": "MODIFY"} for record in records])
    desk.feeder.handle([{"eventName": "REMOVE", "dynamodb": {"Keys": {}}}])
    notes = [one for one in records if "changed" not in one["dynamodb"]["NewImage"]]
    assert 0 < len(notes) < len(records)
    desk.feeder.handle(notes)
    assert desk.webhook_queue.bodies == []


def test_a_page_that_cannot_be_read_is_a_dead_letter_and_holds_up_no_other(desk: Desk) -> None:
    desk.change("t1")
    spoiled = {"transaction_key": {"S": "no feed"}, "holder": {"S": "x"}, "changed": {"N": "5"}}
    desk.feeder.handle([{"eventName": "INSERT", "dynamodb": {"NewImage": spoiled}}, {}, *desk.pages()])
    letters = [json.loads(body) for body in desk.webhook_letters.bodies]
    assert [letter["reason"] for letter in letters] == ["malformed_record: ValueError", "malformed_record: KeyError"]
    desk.send()
    assert desk.told() == {DELIVERED_1: 1}


@pytest.mark.parametrize("operation", ["get_item", "batch_get_item"])
def test_a_table_that_throttles_the_feeder_makes_the_stream_bring_the_batch_again(desk: Desk, operation: str) -> None:
    desk.change("t1")
    throttled = refusal("ProvisionedThroughputExceededException")
    desk.restart(Failing(desk.dynamodb, throttled, operation=operation))
    with pytest.raises(TemporarilyUnavailable):
        desk.feed_webhooks()
    desk.feed_webhooks()
    desk.send()
    assert desk.told() == {DELIVERED_1: 1}


def test_a_notification_that_cannot_be_read_is_a_dead_letter_and_holds_up_no_other(desk: Desk) -> None:
    desk.change("t1", "t2")
    spoilt = {"transaction_key": {"S": "eazycard#t1"}, "holder": {"S": "awa"}, "state": {"S": "lost"}}
    desk.dynamodb.put_item(TableName=desk.names["NotificationsTable"], Item=spoilt)
    desk.feed_webhooks()
    desk.send()
    assert desk.told() == {("notification.delivered", "t2", "awa"): 1}
    (letter,) = [json.loads(body) for body in desk.webhook_letters.bodies]
    assert letter["payload"] == {"transaction_key": "eazycard#t1", "holder": "awa"}


def test_a_closing_of_a_bank_named_feed_is_not_taken_for_a_page_of_the_feed(desk: Desk) -> None:
    closing = {"transaction_key": {"S": "feed#t1#closing"}, "holder": {"S": "awa"}, "closed_by": {"S": "t2"}}
    desk.feeder.handle([{"eventName": "INSERT", "dynamodb": {"NewImage": closing}}])
    assert desk.webhook_letters.bodies == desk.webhook_queue.bodies == []


def test_one_notification_on_two_pages_of_a_batch_makes_one_webhook(desk: Desk) -> None:
    desk.change("t1")
    pages = desk.pages()
    desk.feeder.handle([*pages, *pages])
    assert len(desk.webhook_queue.bodies) == 1


def test_webhooks_of_a_batch_are_counted_and_dead_letters_are_put_after_the_queue_has_them(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.change("t1", "t2")
    capsys.readouterr()
    desk.restart(queue=Failing(desk.webhook_queue, refusal("ThrottlingException")))
    with pytest.raises(TemporarilyUnavailable):
        desk.feeder.handle([{}, *desk.pages()])
    assert desk.webhook_letters.bodies == []
    assert "WebhooksQueued" not in capsys.readouterr().out
    desk.feeder.handle([{}, *desk.pages()])
    assert (len(desk.webhook_queue.bodies), len(desk.webhook_letters.bodies)) == (2, 1)
    assert '"WebhooksQueued":[2.0]' in capsys.readouterr().out.replace(" ", "")
