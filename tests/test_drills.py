"""Drills of the runbook, on the functions' own code: the cause, its sign, how to tell, what to do, and the end.

Each is of one alarm in docs/runbook.md. The sign is what the alarm looks at; telling is a saved query on the lines that
were logged; in the end everybody is told once.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.notifications.notice import from_payload, pack, to_payload
from infra.queries import QUERIES
from tests import insights
from tests.fakes import FakeSqs, Refusing, refusal
from tests.mail_world import World, many, messages
from tests.metrics import counted
from tests.stream_world import Stream, record
from tests.webhook_desk import GONE, URL, Desk

Logged = Callable[[], str]


def told_by(query: str, logged: Logged, function: str) -> list[dict[str, Any]]:
    """Return what a saved query finds in what was logged until now."""
    (found,) = [one for one in QUERIES if one.name == query]
    return insights.run(found.text, [(function, line) for line in logged().splitlines() if line.startswith('{"')])


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    return World(dynamodb, table_names)


def test_notifications_late_ses_throttles(world: World, logged: Logged) -> None:
    for one in (told := many(3)):
        world.enrol(one.account, "awa")
    world.ses.refuses_call_with = "TooManyRequestsException"
    world.tell(messages(*told))
    assert len(world.queue.bodies) > 0, "the sign: they wait in the queue"
    (row,) = told_by("why e-mails were put off or failed", logged, "mailer")
    assert "TooManyRequestsException" in row["reasons_found"]
    world.ses.refuses_call_with = None
    world.drain()
    assert [email["to"] for email in world.ses.accepted] == [f"a{number}.awa@example.com" for number in range(3)]
    assert world.queue.bodies == world.dead_letters.bodies == []


def test_dead_letters_of_mailer_ses_refuses_an_address(world: World, logged: Logged) -> None:
    for one in (told := many(2)):
        world.enrol(one.account, "awa")
    world.ses.statuses = {"a1.awa@example.com": "MESSAGE_REJECTED"}
    world.tell(messages(*told))
    (letter,) = world.letters()
    (row,) = told_by("dead letters by reason", logged, "mailer")
    assert (row["source"], row["reason"], row["letters"]) == ("mailer", "refused: MESSAGE_REJECTED", 1)
    world.ses.statuses = {}
    world.dead_letters.bodies.clear()
    redriven = pack([to_payload(from_payload(letter["payload"]))])
    for _ in range(2):  # however often that is done
        world.tell(list(redriven))
        redriven = pack([to_payload(from_payload(letter["payload"]))])
    assert sorted(email["to"] for email in world.ses.accepted) == ["a0.awa@example.com", "a1.awa@example.com"]
    assert world.letters() == []


def test_stream_errors_the_queue_can_not_be_reached(dynamodb: Any, table_names: dict[str, str], logged: Logged) -> None:
    stream = Stream(dynamodb, table_names)
    stream.store(*many(3))
    batch = [record(transaction_item(one)) for one in many(3)]
    down = Refusing(FakeSqs(), refusal("ServiceUnavailable"), "send_message_batch")
    for _ in range(2):  # Lambda brings the batch again
        with pytest.raises(TemporarilyUnavailable):
            stream.handle(batch, notifications=down)
    assert stream.notifications.bodies == []
    stream.handle(batch)
    assert sum(len(json.loads(body)["notices"]) for body in stream.notifications.bodies) == 3
    assert counted(logged(), "DeadLettered") == 0
    rows = insights.run(
        QUERIES[0].text.replace("BANK#TRANSACTION", "eazycard#t1"),
        [("transaction_stream", line) for line in logged().splitlines() if line.startswith('{"')],
    )
    assert [row["message"] for row in rows] == ["stream_batch"], "the end: it is handled"


def test_records_skipped_a_baseline_was_written_past_the_job(
    dynamodb: Any, table_names: dict[str, str], logged: Logged
) -> None:
    stream = Stream(dynamodb, table_names)
    one, other = many(2)
    stream.store(one, other)
    key = {"owner": {"S": f"account#eazycard#{one.account}"}, "entry": {"S": "baseline"}}
    dynamodb.put_item(TableName=table_names["AnalyticsTable"], Item={**key, "sums": {"S": "nonsense"}})
    stream.handle([record(transaction_item(each)) for each in (one, other)])
    assert counted(logged(), "RecordsSkipped") == 1
    (row,) = told_by("records left out", logged, "transaction_stream")
    assert (row["message"], row["bank"]) == ("malformed_baseline", "eazycard")
    assert sum(len(json.loads(body)["notices"]) for body in stream.notifications.bodies) == 2, "all else went on"
    dynamodb.delete_item(TableName=table_names["AnalyticsTable"], Key=key)
    before = counted(logged(), "RecordsSkipped")
    stream.handle([record(transaction_item(one))])
    assert counted(logged(), "RecordsSkipped") == before, "the end: no other one"


def test_webhooks_disabled_an_endpoint_answers_that_it_is_gone(
    dynamodb: Any, table_names: dict[str, str], logged: Logged
) -> None:
    desk = Desk(dynamodb, table_names)
    desk.endpoints.answers[URL] = [GONE]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert counted(logged(), "WebhooksDisabled") == 1
    (row,) = told_by("answers of banks' endpoints", logged, "webhook_sender")
    assert row["answers_found"] == '"410":1'
    desk.endpoints.answers.clear()
    desk.name_endpoint("eazycard", URL)
    desk.now += timedelta(minutes=2)
    desk.webhook_queue.bodies.append(desk.queued_anew("t1"))
    desk.send()
    assert desk.record_of("t1").standing == "delivered"
    assert len(desk.endpoints.posted) == 2
