"""Telling banks' operators: one message for each bank, with nothing in it that an e-mail must not have."""

import json
from typing import Any

import pytest

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.alert_topic import OperatorTopics
from chalicelib.flags.events import SOURCE, TRANSACTION_FLAGGED, flagged_detail
from chalicelib.flags.operator_alerts import MAX_LISTED, OperatorAlerts
from chalicelib.flags.repository import Flagging
from tests.fakes import Failing, FakeSqs, refusal
from tests.samples import transaction
from tests.stream_world import NOW


class FakeSns:
    """An SNS that keeps what is published, within SNS's limits."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> dict[str, str]:
        assert message["Subject"].isascii()
        assert len(message["Subject"]) <= 100
        assert len(message["Message"].encode()) <= 256 * 1024
        self.published.append(message)
        return {"MessageId": str(len(self.published))}

    def banks(self) -> list[str]:
        return [message["TopicArn"].removeprefix("topic-") for message in self.published]


def event(transaction_id: str = "t1", bank: str = "eazycard", *flags: str) -> str:
    evidence = {name: {"amount": "250500", "currency": "XAF", "threshold": "1"} for name in flags or ["large_amount"]}
    flagging = Flagging(transaction(id=transaction_id, bank=bank), evidence, frozenset(), NOW)
    return json.dumps({"source": SOURCE, "detail-type": TRANSACTION_FLAGGED, "detail": flagged_detail(flagging)})


def alerts(sns: Any, dead_letters: FakeSqs | None = None) -> OperatorAlerts:
    queue = Queue(dead_letters or FakeSqs(), "url", sleep=lambda _: None)
    return OperatorAlerts(OperatorTopics(sns, "topic", lambda _: False), DeadLetters(queue, "operator_alerts"))


def test_many_events_are_one_message_for_each_bank() -> None:
    sns = FakeSns()
    alerts(sns).handle([event("t1"), event("t2"), event("t1", "other-bank")])
    assert sns.banks() == ["eazycard", "other-bank"]
    first, second = sns.published
    assert first["Subject"] == "2 transactions flagged"
    assert second["Subject"] == "1 transaction flagged"
    assert "t1" in first["Message"]
    assert "t2" in first["Message"]
    assert "t2" not in second["Message"]
    assert "2026-01-10T14:00:00Z  t2  …4567  large_amount" in first["Message"].splitlines()


def test_an_event_that_comes_twice_in_a_batch_is_listed_once() -> None:
    sns = FakeSns()
    alerts(sns).handle([event("t1"), event("t1")])
    assert sns.published[0]["Subject"] == "1 transaction flagged"


def test_neither_amount_nor_whole_account_nor_merchant_leaves_by_email() -> None:
    sns = FakeSns()
    alerts(sns).handle([event()])
    for secret in ("250500", "CM21-1000-4567", "Mokolo", "4242"):
        assert secret not in sns.published[0]["Message"]


def test_a_storm_is_listed_in_part_and_counted_whole() -> None:
    sns = FakeSns()
    alerts(sns).handle([event(f"t{number}") for number in range(MAX_LISTED + 23)])
    (message,) = sns.published
    assert message["Subject"] == "73 transactions flagged"
    assert "and 23 more" in message["Message"]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "7", json.dumps({"detail-type": TRANSACTION_FLAGGED}), event().replace("Flagged", "Other", 1)],
)
def test_what_is_no_such_event_is_dead_lettered_and_the_others_are_told(body: str) -> None:
    sns, dead_letters = FakeSns(), FakeSqs()
    alerts(sns, dead_letters).handle([body, event()])
    assert sns.banks() == ["eazycard"]
    (letter,) = map(json.loads, dead_letters.bodies)
    assert letter["payload"] == body
    assert letter["reason"].startswith("malformed_event: ")


def test_when_sns_is_down_the_events_come_again() -> None:
    sns = FakeSns()
    broken = Failing(sns, refusal("ThrottlingException"))
    with pytest.raises(TemporarilyUnavailable):
        alerts(broken).handle([event()])
    alerts(broken).handle([event()])
    assert sns.banks() == ["eazycard"]
