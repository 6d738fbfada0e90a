"""Recording: the one way in, for one and for many."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable, TransactionConflict
from chalicelib.ledger.ingest_queue import IngestQueue
from chalicelib.ledger.intake import WRITERS, Intake, Queued, Recorded
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Failing, Refusing, refusal
from tests.metrics import counted
from tests.samples import TRANSACTION, transaction


def no_queue() -> IngestQueue:
    raise AssertionError("nothing is to be queued here")


class AnswerLost:
    """A client whose first PutItem is carried out although its answer is lost, and is tried again, as botocore does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **arguments: Any) -> Any:
        self._client.put_item(**arguments)
        return self._client.put_item(**arguments)


def test_a_transaction_whose_first_answer_was_lost_is_created_and_not_replayed(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    intake = Intake(TransactionRepository(AnswerLost(dynamodb), table_names["TransactionsTable"]), no_queue)
    assert not intake.record(TRANSACTION).replayed


def test_another_request_with_the_same_content_is_a_replay_of_what_is_stored(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    intake.record(TRANSACTION)
    later = transaction(recorded_at=TRANSACTION.recorded_at.replace(second=59))
    recorded = intake.record(later)
    assert recorded.replayed
    assert recorded.transaction == TRANSACTION


def test_another_content_is_a_conflict_that_names_the_fields(dynamodb: Any, table_names: dict[str, str]) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    intake.record(TRANSACTION)
    with pytest.raises(TransactionConflict) as conflict:
        intake.record(transaction(type="credit", description="other"))
    assert conflict.value.differing == ["description", "type"]


def each(count: int, **changes: Any) -> list[Any]:
    return [transaction(id=f"t{number}", **changes) for number in range(count)]


def test_many_are_recorded_once_whatever_engine_and_however_often(each_dynamodb: Any) -> None:
    intake = Intake(TransactionRepository(each_dynamodb, "TransactionsTable"), no_queue)
    assert all(isinstance(one, Recorded) and not one.replayed for one in intake.record_all(each(60), lambda: 30))
    later = TRANSACTION.recorded_at + timedelta(seconds=1)
    again = intake.record_all(each(60, recorded_at=later), lambda: 30)
    assert all(isinstance(one, Recorded) and one.replayed for one in again)
    conflicts = intake.record_all(each(60, description="other", recorded_at=later), lambda: 30)
    assert {one.differing[0] for one in conflicts if isinstance(one, TransactionConflict)} == {"description"}
    assert [one.transaction_id for one in conflicts if isinstance(one, TransactionConflict)] == [
        one.id for one in each(60)
    ]


def test_two_batches_at_once_record_each_transaction_once(each_dynamodb: Any) -> None:
    intake = Intake(TransactionRepository(each_dynamodb, "TransactionsTable"), no_queue)
    found: list[Any] = []

    def run(number: int) -> None:
        recorded_at = TRANSACTION.recorded_at + timedelta(seconds=number)
        found.extend(intake.record_all(each(40, recorded_at=recorded_at), lambda: 30))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(one.status for one in found) == {"created": 40, "replayed": 80}


def test_a_transaction_without_time_left_is_not_begun(dynamodb: Any, table_names: dict[str, str]) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    assert all(isinstance(one, TemporarilyUnavailable) for one in intake.record_all(each(3), lambda: 11.9))
    assert dynamodb.scan(TableName=table_names["TransactionsTable"])["Count"] == 0


def test_a_transaction_with_just_enough_time_left_is_stored(dynamodb: Any, table_names: dict[str, str]) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    assert [one.status for one in intake.record_all(each(2), lambda: 12.0) if isinstance(one, Recorded)] == [
        "created",
        "created",
    ]


def test_a_repeat_within_a_batch_is_a_replay_and_no_second_try(dynamodb: Any, table_names: dict[str, str]) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    results = intake.record_all([TRANSACTION, *each(2), TRANSACTION, TRANSACTION], lambda: 30)
    assert [one.replayed for one in results if isinstance(one, Recorded)] == [False, False, False, True, True]


class Kept(IngestQueue):
    """An ingest queue that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Transaction] = []

    def put(self, transactions: Sequence[Transaction]) -> None:
        self.taken += transactions


def test_what_the_table_can_not_take_now_is_queued_and_a_conflict_is_not(
    dynamodb: Any, table_names: dict[str, str], logged: Callable[[], str]
) -> None:
    table, queue = table_names["TransactionsTable"], Kept()
    throttled = Refusing(dynamodb, refusal("ThrottlingException"), "put_item")
    queued = Intake(TransactionRepository(throttled, table), lambda: queue).record_or_queue(TRANSACTION)
    assert queued == Queued(TRANSACTION)
    assert queued.status == "queued"
    assert queue.taken == [TRANSACTION]
    assert counted(logged(), "TransactionsQueued") == 1

    intake = Intake(TransactionRepository(dynamodb, table), no_queue)
    assert intake.record_or_queue(TRANSACTION) == Recorded(TRANSACTION, replayed=False)
    with pytest.raises(TransactionConflict):
        intake.record_or_queue(transaction(description="other"))


def test_many_are_queued_in_one_go_and_counted(logged: Callable[[], str]) -> None:
    queue = Kept()
    Intake(TransactionRepository(None, "TransactionsTable"), lambda: queue).queue(each(3))
    assert queue.taken == each(3)
    assert counted(logged(), "TransactionsQueued") == 3


@pytest.mark.parametrize("is_batch", [True, False], ids=["a batch", "one by one"])
def test_what_is_created_replayed_and_conflicting_is_counted(
    dynamodb: Any, table_names: dict[str, str], logged: Callable[[], str], is_batch: bool
) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    later = TRANSACTION.recorded_at + timedelta(seconds=1)
    batches = [
        each(5),
        each(3, recorded_at=later),
        each(2, description="other", recorded_at=later),
    ]
    for batch in batches:
        if is_batch:
            intake.record_all(batch, lambda: 30)
            continue
        for one in batch:
            try:
                intake.record(one)
            except TransactionConflict:
                assert one.description == "other"
    names = ("TransactionsCreated", "TransactionsReplayed", "TransactionsConflicting")
    text = logged()
    assert [counted(text, name) for name in names] == [5, 3, 2]


def test_an_unexpected_error_is_raised_when_all_others_are_done(dynamodb: Any, table_names: dict[str, str]) -> None:
    failing = Failing(dynamodb, refusal("AccessDeniedException"), at=0, operation="put_item")
    intake = Intake(TransactionRepository(failing, table_names["TransactionsTable"]), no_queue)
    with pytest.raises(Exception, match="AccessDenied"):
        intake.record_all(each(2), lambda: 30)
    assert dynamodb.scan(TableName=table_names["TransactionsTable"])["Count"] == 1


def test_what_would_happen_is_foreseen_and_nothing_is_written(dynamodb: Any, table_names: dict[str, str]) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]), no_queue)
    assert not intake.foresee(TRANSACTION).replayed
    assert not intake.record(TRANSACTION).replayed
    assert intake.foresee(TRANSACTION).replayed
    with pytest.raises(TransactionConflict):
        intake.foresee(transaction(description="other"))


@pytest.mark.parametrize("error", ["ThrottlingException", "AccessDeniedException"])
def test_a_repeat_does_not_take_the_place_of_an_original_that_was_not_stored(
    dynamodb: Any, table_names: dict[str, str], error: str
) -> None:
    intake = Intake(
        TransactionRepository(
            Failing(dynamodb, refusal(error), operation="put_item"), table_names["TransactionsTable"]
        ),
        no_queue,
    )
    original, repeat = transaction(id="x"), transaction(id="x", description="other")
    if error == "ThrottlingException":
        assert all(
            isinstance(one, TemporarilyUnavailable) for one in intake.record_all([original, repeat, repeat], lambda: 30)
        )
    else:
        with pytest.raises(Exception, match=error):
            intake.record_all([original, repeat, repeat], lambda: 30)
    assert dynamodb.scan(TableName=table_names["TransactionsTable"])["Count"] == 0
    created, conflict, _ = intake.record_all([original, repeat, repeat], lambda: 30)
    assert isinstance(created, Recorded)
    assert isinstance(conflict, TransactionConflict)


def test_a_batch_is_written_side_by_side(dynamodb: Any, table_names: dict[str, str]) -> None:
    meeting = threading.Barrier(WRITERS, timeout=20)  # nobody goes on before all writers are there

    class Meeting(TransactionRepository):
        def add(self, transaction: Transaction) -> None:
            meeting.wait()

    intake = Intake(Meeting(dynamodb, table_names["TransactionsTable"]), no_queue)
    many = [transaction(id=f"t{number}") for number in range(2 * WRITERS)]
    results = intake.record_all(many, lambda: 60.0)
    assert results == [Recorded(one, replayed=False) for one in many]


@pytest.mark.parametrize("count", [1, 3, WRITERS])
def test_a_batch_has_no_more_writers_than_transactions(dynamodb: Any, table_names: dict[str, str], count: int) -> None:
    meeting = threading.Barrier(count, timeout=20)

    class Meeting(TransactionRepository):
        def add(self, transaction: Transaction) -> None:
            meeting.wait()

    before = set(threading.enumerate())
    intake = Intake(Meeting(dynamodb, table_names["TransactionsTable"]), no_queue)
    intake.record_all(each(count), lambda: 60.0)
    begun = set(threading.enumerate()) - before
    assert len(begun) == count - 1  # and the thread that asks
    assert all(thread.name.startswith("writer") for thread in begun)


def test_no_answer_is_given_before_the_slowest_writer_is_done(dynamodb: Any, table_names: dict[str, str]) -> None:
    asking, is_done = threading.current_thread(), threading.Event()
    meeting = threading.Barrier(2, timeout=20)

    class Slow(TransactionRepository):
        def add(self, transaction: Transaction) -> None:
            meeting.wait()
            if threading.current_thread() is asking:
                is_done.set()
            else:
                is_done.wait(20)
                time.sleep(0.1)

    intake = Intake(Slow(dynamodb, table_names["TransactionsTable"]), no_queue)
    assert intake.record_all(each(2), lambda: 60.0) == [Recorded(one, replayed=False) for one in each(2)]
