"""Answers in the stream of the transactions table: each makes one event and one webhook."""

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.dynamo import to_item
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.changes.answer_teller import ALERT_ANSWERED, AnswerTeller
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.answers import Answer
from chalicelib.flags.events import SOURCE, EventBus
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.webhooks.outbox import Outbox
from chalicelib.webhooks.webhook import unpack
from infra.package import PROJECT_DIR
from openapi.__main__ import ANSWER_EVENT
from tests.change_world import Changes
from tests.fakes import FakeSqs
from tests.mail_world import NOW
from tests.samples import transaction

SCHEMA = Draft202012Validator(json.loads((PROJECT_DIR / ANSWER_EVENT).read_text()), format_checker=FormatChecker())
EVIDENCE = {"large_amount": {"amount": "1", "currency": "XAF", "threshold": "0"}}
FLAGGED = transaction(id="t1", account="A1")


class Answers(Changes):
    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        super().__init__(dynamodb, names)
        self.flags = FlagRepository(dynamodb, names["TransactionsTable"])
        self.flags.record([Flagging(FLAGGED, EVIDENCE, frozenset(), NOW)])

    def answer(self, holder: str, answer: Answer) -> dict[str, Any]:
        """Give an answer; return what the stream brings of it. The table's stream has new images only."""
        self.flags.answer("eazycard", "t1", holder, answer, self.now)
        key = to_item({"transaction_key": "eazycard#t1#flags"})
        image = self.dynamodb.get_item(TableName=self.names["TransactionsTable"], Key=key)["Item"]
        return {"eventName": "MODIFY", "dynamodb": {"Keys": key, "NewImage": image}}

    def answers(self, **clients: Any) -> AnswerTeller:
        banks, now = self.banks, lambda: self.now
        letters = DeadLetters(Queue(self.dead_letters, "url", sleep=lambda _: None), "transaction_stream")
        return AnswerTeller(
            EventBus(clients.get("events", self.events), "bus", sleep=lambda _: None),
            Outbox(
                EndpointDirectory(SettingsDirectory(banks, now), BankDirectory(banks, now), banks),
                Queue(clients.get("webhooks", self.webhooks), "url", sleep=lambda _: None),
                letters,
            ),
            letters,
            now,
            self.activity(),
        )


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> Answers:
    found = Answers(dynamodb, table_names)
    found.name_endpoint("alert.answered")
    return found


def test_each_answer_makes_one_event_and_one_webhook_and_a_correction_another(world: Answers) -> None:
    records = [world.answer("awa", Answer.NOT_RECOGNIZED), world.answer("ben", Answer.RECOGNIZED)]
    world.answers().handle(records)
    world.now += timedelta(minutes=5)
    world.answers().handle([world.answer("awa", Answer.RECOGNIZED)])
    told = [("awa", "not_recognized", "14:00"), ("ben", "recognized", "14:00"), ("awa", "recognized", "14:05")]
    details = [
        {
            "version": "1",
            "bank": "eazycard",
            "account": "A1",
            "transaction": "t1",
            "holder": holder,
            "answer": answer,
            "answered_at": f"2026-01-10T{at}:05Z",
        }
        for holder, answer, at in told
    ]
    assert world.events.details == details
    assert {(one["Source"], one["DetailType"]) for one in world.events.accepted} == {(SOURCE, ALERT_ANSWERED)}
    for detail in details:
        SCHEMA.validate({"source": SOURCE, "detail-type": ALERT_ANSWERED, "detail": detail})
    assert [body["type"] for body in world.webhook_bodies()] == ["alert.answered"] * 3
    named = [{name: value for name, value in one.items() if name not in ("version", "bank")} for one in details]
    assert [body["data"] for body in world.webhook_bodies()] == named


def test_a_batch_that_comes_again_makes_the_same_webhook(world: Answers) -> None:
    record = world.answer("awa", Answer.NOT_RECOGNIZED)
    world.answers().handle([record])
    world.now += timedelta(seconds=30)
    world.answers().handle([record])
    assert len({unpack(body).id for body in world.webhooks.bodies}) == 1
    assert world.events.details[0] == world.events.details[1]


def test_only_changed_rows_of_flags_are_answers(world: Answers) -> None:
    stored = {"dynamodb": {"NewImage": transaction_item(FLAGGED)}}
    answered = world.answer("awa", Answer.RECOGNIZED)
    world.answers().handle(
        [
            {"eventName": "INSERT", **stored},
            {"eventName": "MODIFY", **stored},
            {**answered, "eventName": "INSERT"},
            {"eventName": "REMOVE", "dynamodb": {}},
        ]
    )
    assert [*world.events.accepted, *world.webhooks.bodies, *world.dead_letters.bodies] == []


def test_a_bank_without_an_endpoint_gets_the_event_only(dynamodb: Any, table_names: dict[str, str]) -> None:
    world = Answers(dynamodb, table_names)
    world.answers().handle([world.answer("awa", Answer.RECOGNIZED)])
    assert len(world.events.details) == 1
    assert not world.webhooks.bodies


def test_an_answer_that_cannot_be_read_is_set_aside_by_itself(world: Answers) -> None:
    good = world.answer("awa", Answer.RECOGNIZED)
    spoilt = {
        "eventName": "MODIFY",
        "dynamodb": {"NewImage": {**good["dynamodb"]["NewImage"], "last_answer": {"S": "x"}}},
    }
    world.answers().handle([spoilt, good])
    assert len(world.events.details) == len(world.webhooks.bodies) == 1
    (letter,) = map(json.loads, world.dead_letters.bodies)
    assert letter["payload"] == spoilt


@pytest.mark.parametrize("fails", ["events", "webhooks"])
def test_nothing_is_lost_while_a_service_is_down(world: Answers, fails: str) -> None:
    class Down(FakeSqs):
        def send_message_batch(self, **_: Any) -> Any:
            raise TemporarilyUnavailable

        def put_events(self, **_: Any) -> Any:
            raise TemporarilyUnavailable

    record = world.answer("awa", Answer.NOT_RECOGNIZED)
    with pytest.raises(TemporarilyUnavailable):
        world.answers(**{fails: Down()}).handle([record])
    world.answers().handle([record])
    assert world.events.details[-1]["answer"] == "not_recognized"
    assert len(world.webhooks.bodies) == 1
