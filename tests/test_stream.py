"""The stream handler: what was stored becomes notices; one bad record harms no other."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.notices import unpack
from chalicelib.queues import DeadLetters, Queue
from chalicelib.repository import transaction_item
from chalicelib.stream import StreamHandler
from tests.fakes import Failing, refusal
from tests.test_mails import TRANSACTION, transaction
from tests.test_queues import FakeSqs

EVENT = Path(__file__).parent / "events" / "transactions_stream.json"


def record(item: dict[str, Any], name: str = "INSERT") -> dict[str, Any]:
    return {"eventName": name, "eventID": "1", "dynamodb": {"NewImage": item, "SequenceNumber": "1"}}


def handler(notifications: object, dead_letters: object) -> StreamHandler:
    def queue(sqs: object) -> Queue:
        return Queue(sqs, "url", sleep=lambda _: None)

    return StreamHandler(queue(notifications), DeadLetters(queue(dead_letters), "transaction_stream"))


def told(sqs: FakeSqs) -> list[str]:
    return [notice.transaction.id for body in sqs.bodies for notice in unpack(body)[0]]


def test_a_batch_of_100_is_handed_on_in_one_call() -> None:
    notifications, dead_letters = FakeSqs(), FakeSqs()
    records = [record(transaction_item(transaction(id=f"t{number}"))) for number in range(100)]
    handler(notifications, dead_letters).handle(records)
    assert told(notifications) == [f"t{number}" for number in range(100)]
    assert (notifications.calls, dead_letters.calls) == (1, 0)


def test_the_event_that_lambda_gets_is_understood() -> None:
    notifications, dead_letters = FakeSqs(), FakeSqs()
    handler(notifications, dead_letters).handle(json.loads(EVENT.read_text())["Records"])
    (notice,) = [notice for body in notifications.bodies for notice in unpack(body)[0]]
    assert notice.transaction == TRANSACTION
    assert notice.holders is None


def test_changes_and_removals_are_no_news() -> None:
    notifications, dead_letters = FakeSqs(), FakeSqs()
    item = transaction_item(TRANSACTION)
    handler(notifications, dead_letters).handle([record(item, "MODIFY"), {"eventName": "REMOVE", "dynamodb": {}}])
    assert (notifications.calls, dead_letters.calls) == (0, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda item: item.pop("amount"),
        lambda item: item.update(amount={"S": "12"}),
        lambda item: item.update(amount={"N": "twelve"}),
        lambda item: item.update(timestamp={"S": "yesterday"}),
        lambda item: item.update(timestamp={"N": "1"}),
        lambda item: item.pop("bank"),
        lambda item: item.clear(),
        lambda item: item.update(merchant={"X": "?"}),
        lambda item: item.update(currency={"S": "ZZZ"}),
    ],
)
def test_a_malformed_record_is_dead_lettered_whole_and_the_others_are_told(spoil: Any) -> None:
    notifications, dead_letters = FakeSqs(), FakeSqs()
    bad = transaction_item(transaction(id="bad"))
    spoil(bad)
    records = [
        record(transaction_item(transaction(id="a"))),
        record(bad),
        record(transaction_item(transaction(id="b"))),
    ]
    handler(notifications, dead_letters).handle(records)
    assert told(notifications) == ["a", "b"]
    (letter,) = map(json.loads, dead_letters.bodies)
    assert letter["payload"] == record(bad)
    assert letter["reason"].startswith("malformed_record: ")


def test_when_the_queue_is_down_the_batch_raises_and_comes_again() -> None:
    notifications, dead_letters = FakeSqs(), FakeSqs()
    records = [record(transaction_item(TRANSACTION))]
    broken = Failing(notifications, refusal("ThrottlingException"))
    with pytest.raises(TemporarilyUnavailable):
        handler(broken, dead_letters).handle(records)
    handler(broken, dead_letters).handle(records)
    assert told(notifications) == [TRANSACTION.id]


def test_nothing_of_the_transaction_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    handler(FakeSqs(), FakeSqs()).handle([record(transaction_item(TRANSACTION)), record({"amount": {"N": "250500"}})])
    logged = " ".join(str(line.__dict__) for line in caplog.records)
    assert "stream_batch" in logged
    for secret in ("250500", "Mokolo", TRANSACTION.account, "4242"):
        assert secret not in logged


def test_a_stored_character_that_sqs_refuses_holds_up_nobody() -> None:
    notifications, dead_letters = FakeSqs(), FakeSqs()
    hostile = transaction(id="t1", description="x\uffff\ufffe", merchant={"name": "\uffff"})
    handler(notifications, dead_letters).handle(
        [record(transaction_item(one)) for one in (transaction(id="t0"), hostile, transaction(id="t2"))]
    )
    assert told(notifications) == ["t0", "t1", "t2"]
    assert dead_letters.bodies == []


def test_a_message_that_sqs_refuses_for_good_is_dead_lettered_and_the_shard_goes_on() -> None:
    class Refusing(FakeSqs):
        """A queue that refuses the first message for good."""

        def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            super().send_message_batch(QueueUrl, Entries[1:])
            return {"Failed": [{"Id": Entries[0]["Id"], "Code": "InvalidParameterValue", "SenderFault": True}]}

    notifications, dead_letters = Refusing(), FakeSqs()
    handler(notifications, dead_letters).handle(
        [record(transaction_item(transaction(id=f"t{number}"))) for number in range(25)]
    )
    assert told(notifications) == [f"t{number}" for number in range(10, 25)]
    (letter,) = map(json.loads, dead_letters.bodies)
    assert letter["reason"] == "refused_by_queue"
    assert [notice.transaction.id for notice in unpack(letter["payload"])[0]] == [f"t{n}" for n in range(10)]
