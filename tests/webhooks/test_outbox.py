"""The outbox: each endpoint gets the types that it wants, each webhook with an id of the endpoint's own."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.banks.webhook_endpoints import NamedEndpoint
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.outbox import Outbox
from chalicelib.webhooks.webhook import Webhook
from tests.webhook_desk import ALL, BROKEN, FLAGS, TAKEN, Desk, name, urls

DELIVERED_AND_FLAGGED = ("notification.delivered", "transaction.flagged")


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


def test_each_endpoint_gets_what_it_wants_each_with_an_id_of_its_own(desk: Desk) -> None:
    other = NamedEndpoint("https://other.bank.example/", ("notification.delivered",))
    name(desk, ALL, other, FLAGS)
    desk.send()
    desk.now += timedelta(minutes=1)
    desk.endpoints.posted.clear()
    desk.change("t1")
    for _ in range(2):  # the stream brings it twice
        desk.feed_webhooks()
        desk.send()
    assert sorted(urls(desk)) == [(ALL.url, "notification.delivered"), (other.url, "notification.delivered")]
    assert len({posted.id for posted in desk.endpoints.posted}) == 2


def test_one_endpoint_that_fails_does_not_repeat_what_the_other_has_accepted(desk: Desk) -> None:
    other = NamedEndpoint("https://other.bank.example/", ALL.types)
    name(desk, ALL, other)
    desk.send()
    desk.now += timedelta(minutes=1)
    desk.endpoints.posted.clear()
    desk.endpoints.answers[ALL.url] = [BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(minutes=1))
    assert [url for url, _ in urls(desk)].count(other.url) == 1
    assert [url for url, _ in urls(desk)].count(ALL.url) == 2


def test_it_says_how_many_it_has_queued_and_whether_a_bank_has_endpoints(desk: Desk) -> None:
    other = NamedEndpoint("https://other.bank.example/", ("notification.delivered",))
    name(desk, ALL, other)
    desk.send()
    desk.now += timedelta(minutes=1)
    outbox = Outbox(desk.directory, desk.webhooks, DeadLetters(desk.webhooks, "test"))
    key = NotificationKey("eazycard", "t1", "awa")
    webhooks = [Webhook(f"msg_{type_}", key, type_, "{}", desk.now) for type_ in DELIVERED_AND_FLAGGED]
    assert outbox.put(webhooks) == len(desk.webhook_queue.bodies) == 3
    assert [outbox.has_endpoints(bank) for bank in ("eazycard", "nobody")] == [True, False]
