"""Endpoints prove themselves: nothing but tests is posted to one that has not answered a test with 2xx."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.banks.webhook_endpoints import Status
from chalicelib.errors import NoEndpoint, TriedLately
from chalicelib.webhooks.webhook import TESTED_FOR
from chalicelib.webhooks.webhook import test_of as endpoint_test
from tests.webhook_desk import ALL, BROKEN, FLAGS, GONE, TAKEN, Desk, messages_of, name, statuses, urls


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


def test_an_endpoint_that_answers_its_queued_test_is_in_use(desk: Desk) -> None:
    name(desk, ALL)
    assert statuses(desk) == {ALL.url: Status.UNPROVED}
    desk.send()
    assert statuses(desk) == {ALL.url: Status.IN_USE}
    desk.now += timedelta(minutes=1)
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert urls(desk) == [(ALL.url, "webhook.test"), (ALL.url, "notification.delivered")]


@pytest.mark.parametrize("answer", [BROKEN, GONE], ids=str)
def test_an_endpoint_that_does_not_accept_its_test_gets_nothing_else(desk: Desk, answer: Any) -> None:
    desk.endpoints.answers[ALL.url] = [answer]
    name(desk, ALL)
    desk.send_for(TESTED_FOR + timedelta(hours=1))
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert {type_ for _, type_ in urls(desk)} == {"webhook.test"}
    assert statuses(desk) == {ALL.url: Status.GONE if answer is GONE else Status.UNPROVED}
    assert desk.webhook_letters.bodies == []  # a bank's wrong URL is no operator's concern
    assert desk.webhook_queue.bodies == []


def test_what_was_queued_for_an_endpoint_that_is_unproved_again_waits_for_its_proof(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    waiting = list(desk.webhook_queue.bodies)
    desk.webhook_queue.bodies, desk.endpoints.answers[ALL.url] = [], [BROKEN, TAKEN]
    name(desk, ALL)  # instead of the short form, to which the webhook was addressed
    desk.webhook_queue.bodies = waiting
    desk.send()
    record = desk.record_of("t1")
    assert (record.answer, record.attempts) == ("unproved", 0)
    desk.endpoints.answers[ALL.url] = [TAKEN]
    desk.tester.test("eazycard")
    desk.send_for(timedelta(minutes=20))
    assert urls(desk) == [(ALL.url, "webhook.test"), (ALL.url, "notification.delivered")]


# Tests on demand


def test_a_test_on_demand_tells_each_answer_and_proves_what_accepts_it(desk: Desk) -> None:
    desk.endpoints.answers[FLAGS.url] = [BROKEN]
    name(desk, ALL, FLAGS)
    attempts = desk.tester.test("eazycard")
    assert [(one.webhook.endpoint, str(one.answer)) for one in attempts] == [(ALL.id, "204"), (FLAGS.id, "500")]
    assert statuses(desk) == {ALL.url: Status.IN_USE, FLAGS.url: Status.UNPROVED}
    for posted in desk.endpoints.posted:
        assert json.loads(posted.body)["data"].keys() == {"endpoint"}


def test_endpoints_are_tested_once_in_ten_seconds(desk: Desk) -> None:
    desk.tester.test("eazycard")
    with pytest.raises(TriedLately) as refusal:
        desk.tester.test("eazycard")
    assert refusal.value.retry_after_s == 10
    desk.now += timedelta(seconds=10)
    assert len(desk.tester.test("eazycard")) == 1


def test_without_an_endpoint_there_is_nothing_to_test(desk: Desk) -> None:
    desk.name_endpoint("eazycard", None)
    with pytest.raises(NoEndpoint):
        desk.tester.test("eazycard")


def test_a_test_goes_to_the_endpoint_that_it_names(desk: Desk) -> None:
    name(desk, ALL)
    desk.webhook_queue.bodies = messages_of(endpoint_test("eazycard", "ep_0000000000000000", desk.now))
    desk.send()
    assert desk.endpoints.posted == []
