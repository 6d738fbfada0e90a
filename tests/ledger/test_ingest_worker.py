"""The ingest queue: what is queued is recorded once, what can't be is brought again or dead-lettered, whole."""

import dataclasses
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app as app_module
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.ingest_queue import IngestQueue, pack, unpack
from chalicelib.ledger.ingest_worker import IngestWorker
from chalicelib.ledger.intake import Intake
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction
from tests.app_bench import CLIENT, SMALLEST, Bench
from tests.fakes import Failing, FakeSqs, OneCallAtATime, Refusing, refusal
from tests.metrics import counted, lines_saying
from tests.samples import TRANSACTION, transaction
from tests.sizes import size

NOW = TRANSACTION.recorded_at + timedelta(hours=1)


class World:
    """The worker on emulated DynamoDB, with queues in memory."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self.dynamodb = OneCallAtATime(dynamodb)
        self.table = table
        self.dead = FakeSqs()

    def worker(self, dynamodb: Any = None, is_partial: bool = True) -> IngestWorker:
        repository = TransactionRepository(dynamodb or self.dynamodb, self.table)
        letters = DeadLetters(Queue(self.dead, "url", sleep=lambda _: None), "ingest_worker")
        return IngestWorker(Intake(repository, refuse_to_queue), letters, lambda: NOW, is_partial)

    def get(self, transaction_id: str) -> Transaction:
        return TransactionRepository(self.dynamodb, self.table).get(TRANSACTION.bank, transaction_id)

    def stored(self) -> set[str]:
        return {item["id"]["S"] for item in self.dynamodb.scan(TableName=self.table)["Items"]}

    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.dead.bodies]


def refuse_to_queue() -> IngestQueue:
    raise AssertionError("the worker queues nothing")


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    return World(dynamodb, table_names["TransactionsTable"])


def messages(*groups: list[Transaction]) -> list[tuple[str, str]]:
    """Return a message with the id m0, m1, ... for each group of transactions."""
    return [(f"m{number}", next(pack(group))) for number, group in enumerate(groups)]


def many(count: int) -> list[Transaction]:
    return [transaction(id=f"t{number}") for number in range(count)]


def plenty() -> float:
    return 30.0


def test_what_was_queued_is_recorded_whole_at_the_time_of_its_recording(world: World) -> None:
    queued = transaction(metadata={"channel": "pos"}, description="<b>é")
    assert world.worker().handle(messages([queued]), plenty) == {"batchItemFailures": []}
    # The analytics job goes by the time of recording, and has passed the time of queueing long ago.
    assert world.get(queued.id) == dataclasses.replace(queued, recorded_at=NOW)


def test_a_message_that_comes_twice_is_recorded_once(world: World) -> None:
    for _ in range(2):
        assert world.worker().handle(messages(many(5)), plenty) == {"batchItemFailures": []}
    assert world.stored() == {"t0", "t1", "t2", "t3", "t4"}
    assert world.letters() == []


def test_only_messages_with_a_throttled_transaction_are_brought_again(world: World, logged: Any) -> None:
    failing = Failing(world.dynamodb, refusal("ThrottlingException"), at=0, operation="put_item")
    batch = messages([transaction(id="a")], [transaction(id="b")], [transaction(id="c")])
    report = world.worker(failing).handle(batch, plenty)
    (failed,) = [failure["itemIdentifier"] for failure in report["batchItemFailures"]]
    assert len(world.stored()) == 2
    again = [message for message in batch if message[0] == failed]
    assert world.worker().handle(again, plenty) == {"batchItemFailures": []}
    assert world.stored() == {"a", "b", "c"}
    assert counted(logged(), "MessagesPutBack") == 1


def test_where_a_part_cannot_be_reported_the_whole_batch_fails_and_loses_nothing(world: World) -> None:
    failing = Failing(world.dynamodb, refusal("ThrottlingException"), at=1, operation="put_item")
    batch = messages([transaction(id="a")], [transaction(id="b")])
    with pytest.raises(TemporarilyUnavailable):
        world.worker(failing, is_partial=False).handle(batch, plenty)
    assert world.worker(is_partial=False).handle(batch, plenty) == {"batchItemFailures": []}
    assert world.stored() == {"a", "b"}


def test_a_batch_that_fails_as_a_whole_dead_letters_nothing_until_it_succeeds(world: World) -> None:
    batch = [("bad", "{"), *messages([transaction(id="y")])]
    for _ in range(3):
        with pytest.raises(TemporarilyUnavailable):
            world.worker(Throttled(world.dynamodb, "y"), is_partial=False).handle(batch, plenty)
    assert world.letters() == []
    world.worker(is_partial=False).handle(batch, plenty)
    assert len(world.letters()) == 1


def test_what_there_is_no_time_for_is_brought_again_and_not_begun(world: World) -> None:
    report = world.worker(Refusing(None, AssertionError("written"), "put_item")).handle(messages(many(3)), lambda: 1.0)
    assert report == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_late_conflict_is_dead_lettered_whole_with_its_reason_and_logged_and_counted(
    world: World, logged: Any
) -> None:
    world.worker().handle(messages([transaction(id="x")]), plenty)
    conflicting = transaction(id="x", amount=TRANSACTION.amount + 1, description="other")
    logged()
    assert world.worker().handle(messages([conflicting, transaction(id="y")]), plenty) == {"batchItemFailures": []}
    (letter,) = world.letters()
    assert letter["reason"] == "transaction_conflict: amount, description"
    assert letter["source"] == "ingest_worker"
    ((_, kept),) = unpack(json.dumps({"transactions": [letter["payload"]]}), [])
    assert kept == conflicting
    assert world.get("x").amount == TRANSACTION.amount
    assert "y" in world.stored()
    said = logged()
    assert '"message":"late_conflict"' in said
    assert '"bank":"eazycard","transaction":"x"' in said
    assert '"TransactionsConflicting":[1.0]' in said
    assert not any(private in said for private in (TRANSACTION.account, str(TRANSACTION.amount), "other"))


def test_a_conflict_in_a_message_that_comes_again_is_dead_lettered_once(world: World) -> None:
    world.worker().handle(messages([transaction(id="x")]), plenty)
    batch = messages([transaction(id="x", description="other"), transaction(id="y")])
    throttled = Throttled(world.dynamodb, "y")
    assert world.worker(throttled).handle(batch, plenty)["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    assert world.letters() == []
    world.worker().handle(batch, plenty)
    assert len(world.letters()) == 1


def test_a_batch_is_one_line_with_its_counts_and_its_transactions(world: World, logged: Any) -> None:
    world.worker(Throttled(world.dynamodb, "t3")).handle(messages(many(3), [transaction(id="t3")]), plenty)
    (line,) = lines_saying(logged(), "ingest_batch")
    assert (line["recorded"], line["failed_messages"]) == (4, 1)
    assert line["transactions"] == [f"eazycard#t{number}" for number in range(4)]


class Throttled:
    """A client that refuses to put the transaction with this id."""

    def __init__(self, client: Any, transaction_id: str) -> None:
        self._client = client
        self._id = transaction_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **arguments: Any) -> Any:
        if arguments["Item"]["id"]["S"] == self._id:
            raise refusal("ThrottlingException")
        return self._client.put_item(**arguments)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "malformed_message: JSONDecodeError"),
        ("[]", "malformed_message: TypeError"),
        ('{"notices": []}', "malformed_message: KeyError"),
        ('{"transactions": 7}', "malformed_message: TypeError"),
        ("[" * 100_000, "malformed_message: RecursionError"),
        ('{"transactions": [{"bank": "b", "transaction": {"id": "1"}}]}', "malformed_transaction: KeyError"),
        ('{"transactions": [null]}', "malformed_transaction: TypeError"),
    ],
)
def test_what_cannot_be_read_is_dead_lettered_whole_and_harms_no_other(world: World, body: str, reason: str) -> None:
    report = world.worker().handle([("bad", body), *messages(many(2))], plenty)
    assert report == {"batchItemFailures": []}
    (letter,) = world.letters()
    assert letter["reason"] == reason
    assert letter["payload"] == (
        body if reason.startswith("malformed_message") else json.loads(body)["transactions"][0]
    )
    assert world.stored() == {"t0", "t1"}


def test_when_the_dead_letter_queue_refuses_the_batch_comes_again(world: World) -> None:
    worker = IngestWorker(
        Intake(TransactionRepository(world.dynamodb, world.table), refuse_to_queue),
        DeadLetters(Queue(Failing(world.dead, refusal("ThrottlingException")), "url"), "ingest_worker"),
        lambda: NOW,
        is_partial=True,
    )
    with pytest.raises(TemporarilyUnavailable):
        worker.handle([("bad", "{")], plenty)


def test_500_small_transactions_are_ten_messages_of_one_call() -> None:
    sqs = FakeSqs()
    IngestQueue(Queue(sqs, "url")).put(many(500))
    assert (len(sqs.bodies), sqs.calls) == (10, 1)


def test_the_largest_transactions_are_packed_by_their_bytes() -> None:
    largest = {f"{number:02d}" + "😀" * 254: "😀" * 256 for number in range(20)}
    sqs = FakeSqs()
    IngestQueue(Queue(sqs, "url")).put([transaction(id=f"t{number}", metadata=largest) for number in range(20)])
    assert [one.id for body in sqs.bodies for _, one in unpack(body, [])] == [f"t{number}" for number in range(20)]


@given(counts=st.lists(st.integers(0, 120), max_size=4))
@settings(max_examples=size(20, 400))
def test_packed_and_unpacked_every_transaction_is_there_in_order(counts: list[int]) -> None:
    for count in counts:
        found = [one for body in pack(many(count)) for _, one in unpack(body, [])]
        assert found == many(count)


def test_a_queued_transaction_is_recorded_by_the_function_behind_the_queue(bench: Bench) -> None:
    bench.restart(dynamodb=Refusing(bench.dynamodb, refusal("ThrottlingException"), "put_item"))
    assert bench.post(SMALLEST).status_code == 202
    bench.restart()
    bench.now += timedelta(minutes=5)
    event = CLIENT.events.generate_sqs_event(bench.queued(), queue_name="ingest")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)
    assert app_module.ingest_worker(event, context) == {"batchItemFailures": []}
    assert bench.get("/transactions/1").json_body["recorded_at"] == "2026-01-10T14:05:00Z"
    bench.now += timedelta(minutes=5)
    assert bench.post(SMALLEST).status_code == 200
