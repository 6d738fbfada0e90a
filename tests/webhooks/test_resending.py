"""Sending a time span's webhooks again: those that are not delivered, each once, a hundred a call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.queues import Queue
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.attempt import Attempt
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.resending import MOST_A_CALL, Resender
from chalicelib.webhooks.webhook import Webhook, unpack, webhook_about
from chalicelib.webhooks.webhook import test_of as a_test_of
from tests.fakes import FakeSqs

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Post:
    def __init__(self, client: Any) -> None:
        self.now = NOW
        self.log = AttemptLog(client, "DeferralsTable")
        self.records = WebhookRecords(client, "NotificationsTable")
        self.sqs = FakeSqs()
        self.resender = Resender(self.log, self.records, Queue(self.sqs, "webhooks"), lambda: self.now)

    def tried(self, name: str, standing: Standing = Standing.WAITING, bank: str = "eazycard") -> Webhook:
        """Note an attempt at this time, a second after the last one."""
        self.now += timedelta(seconds=1)
        webhook = webhook_about(NotificationKey(bank, name, "awa"), "notification.bounced", "2026-01-10", {}, NOW)
        return self.noted(webhook, standing)

    def noted(self, webhook: Webhook, standing: Standing) -> Webhook:
        record = Record(webhook.key, webhook.id, webhook.type, standing, "500", 1, self.now)
        self.log.note([Attempt(webhook, None, Answer(500))], [record], self.now)
        self.records.put([record])
        return webhook

    def resent(self, first: datetime = NOW, last: datetime | None = None) -> list[str]:
        """Send the span again, call after call; return the transactions that are queued, in order."""
        total, position = 0, ""
        self.calls = 0
        while position is not None:
            count, position = self.resender.resend("eazycard", first, last or self.now, position)
            assert count <= MOST_A_CALL
            total += count
            self.calls += 1
        queued = [unpack(body) for body in self.sqs.bodies]
        self.sqs.bodies.clear()
        assert all(one.again and one.not_before is None and one.first_at == self.now for one in queued)
        assert len(queued) == total
        return [one.key.transaction for one in queued]


@pytest.fixture
def post(dynamodb: Any, table_names: Any) -> Post:
    return Post(dynamodb)


def test_what_is_not_delivered_is_sent_again_the_newest_first(post: Post) -> None:
    for name, standing in (
        ("waiting", Standing.WAITING),
        ("delivered", Standing.DELIVERED),
        ("given-up", Standing.GIVEN_UP),
        ("not-sent", Standing.NOT_SENT),
    ):
        post.tried(name, standing)
    post.tried("of-another-bank", bank="other-bank")
    post.noted(a_test_of("eazycard", "default", post.now), Standing.GIVEN_UP)
    post.now += HOUR
    assert post.resent() == ["not-sent", "given-up", "waiting"]


def test_only_what_was_tried_in_the_time_span_is_sent_again(post: Post) -> None:
    for name in ("before", "within", "after"):
        post.now += HOUR
        post.tried(name)
    post.now += HOUR
    within = NOW + 2 * HOUR + timedelta(seconds=2)
    assert post.resent(within, within) == ["within"]
    assert post.resent(NOW - 3 * HOUR, NOW - 2 * HOUR) == []


def test_what_was_delivered_after_the_time_span_is_not_sent_again(post: Post) -> None:
    webhook = post.tried("1")
    at = post.now
    post.now += HOUR
    post.noted(webhook, Standing.DELIVERED)
    post.now += HOUR
    assert post.resent(at, at) == []


def test_a_webhook_is_sent_once_however_often_it_was_tried_and_asked_for(post: Post) -> None:
    webhook = post.tried("1")
    for _ in range(3):
        post.now += HOUR
        post.noted(webhook, Standing.WAITING)
    post.now += HOUR
    assert post.resent() == ["1"]
    assert post.resent() == []
    post.now += HOUR
    assert post.resent() == ["1"]


def test_more_than_a_call_sends_come_with_the_next_calls(post: Post) -> None:
    names = [f"t{number}" for number in range(2 * MOST_A_CALL + 5)]
    for name in names:
        post.tried(name)
    post.now += HOUR
    assert post.resent() == names[::-1]
    assert post.calls == 3


def test_many_attempts_that_were_accepted_end_a_call_and_the_next_one_goes_on(post: Post) -> None:
    post.tried("failed")
    for number in range(1_020):
        post.tried(f"t{number}", Standing.DELIVERED)
    post.now += HOUR
    assert post.resent() == ["failed"]
    assert post.calls == 2
