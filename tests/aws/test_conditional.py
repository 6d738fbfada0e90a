"""Conditional writes of several items: together or apart, refused, contended, or with a lost answer."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from chalicelib.aws.conditional import put_new, was_cancelled_in_passing, write_apart, write_together
from chalicelib.aws.dynamo import batch_put, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, OneCallAtATime, Refusing, refusal
from tests.tables import create_tables


def test_only_new_keys_are_put_and_for_the_others_what_is_stored_is_returned(each_dynamodb: Any) -> None:
    batch_put(each_dynamodb, "BanksTable", [to_item({"entry": name, "old": True}) for name in "bd"])
    items = [to_item({"entry": name, "old": False}) for name in "abcd"]
    stored = put_new(each_dynamodb, "BanksTable", "entry", items, sleep=lambda _: None)
    kept = [from_item(item) if item else None for item in stored]
    assert kept == [None, {"entry": "b", "old": True}, None, {"entry": "d", "old": True}]
    found = {item["entry"]["S"]: item["old"]["BOOL"] for item in each_dynamodb.scan(TableName="BanksTable")["Items"]}
    assert found == {"a": False, "b": True, "c": False, "d": True}


LOAD = ("ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict")


def cancelled(*codes: str | None) -> ClientError:
    error = refusal("TransactionCanceledException")
    error.response["CancellationReasons"] = [{"Code": code} if code else {} for code in codes]
    return error


def test_a_put_that_another_writer_holds_up_is_tried_again_and_a_defect_is_raised(dynamodb: Any) -> None:
    create_tables(dynamodb)
    waits: list[float] = []
    contended = Failing(dynamodb, cancelled("TransactionConflict"))
    items = [to_item({"entry": "a"})]
    assert put_new(contended, "BanksTable", "entry", items, sleep=waits.append) == [None]
    assert len(waits) == 1
    with pytest.raises(ClientError):
        put_new(Failing(dynamodb, cancelled("ValidationError")), "BanksTable", "entry", items)


def test_a_put_that_is_held_up_to_the_last_is_temporarily_unavailable_after_nine_tries(dynamodb: Any) -> None:
    waits: list[float] = []
    contended = Refusing(dynamodb, cancelled("TransactionConflict"), "transact_write_items")
    with pytest.raises(TemporarilyUnavailable):
        put_new(contended, "BanksTable", "entry", [to_item({"entry": "a"})], sleep=waits.append)
    assert len(waits) == 8
    assert all(0 <= wait <= 0.05 * 2**number for number, wait in enumerate(waits))
    assert sum(waits) < 6


@pytest.mark.parametrize(
    ("error", "is_passing"),
    [
        (cancelled("None", "ConditionalCheckFailed"), True),
        (cancelled(None, "ConditionalCheckFailed"), True),
        (cancelled(*LOAD), True),
        (cancelled(None, *LOAD, "ConditionalCheckFailed"), True),
        (cancelled("ConditionalCheckFailed", "ValidationError"), False),
        (refusal("ValidationException"), False),
    ],
    ids=["condition", "a reason without a code", "load", "all", "mixed with a defect", "no transaction"],
)
def test_a_transaction_cancelled_by_conditions_or_load_alone_is_cancelled_in_passing(
    error: ClientError, is_passing: bool
) -> None:
    assert was_cancelled_in_passing(error) is is_passing


def must_not_wait(_seconds: float) -> None:
    raise AssertionError("nothing is left to be waited for")


def test_nothing_is_put_by_no_call() -> None:
    assert put_new(None, "BanksTable", "entry", []) == []


def test_nobody_waits_for_what_is_put_or_found_to_be_there(dynamodb: Any) -> None:
    create_tables(dynamodb)
    items = [to_item({"entry": "a"})]
    assert put_new(dynamodb, "BanksTable", "entry", items, sleep=must_not_wait) == [None]
    assert put_new(dynamodb, "BanksTable", "entry", items, sleep=must_not_wait) == items
    assert put_new(None, "BanksTable", "entry", []) == []


def put_if_new(name: str) -> dict[str, Any]:
    """Return an action that puts an entry that isn't there."""
    condition = "attribute_not_exists(entry)"
    return {"Put": {"TableName": "BanksTable", "Item": to_item({"entry": name}), "ConditionExpression": condition}}


def test_actions_are_written_together_or_none_and_who_kept_them_from_it_is_said(dynamodb: Any) -> None:
    create_tables(dynamodb)
    assert write_together(dynamodb, [put_if_new("a"), put_if_new("b")]) == [{}, {}]
    reasons = write_together(dynamodb, [put_if_new("c"), put_if_new("a"), put_if_new("d")])
    assert [reason.get("Code", "None") for reason in reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert {item["entry"]["S"] for item in dynamodb.scan(TableName="BanksTable")["Items"]} == {"a", "b"}


def test_a_defect_of_actions_that_are_written_together_is_raised() -> None:
    for error in (cancelled("ConditionalCheckFailed", "ValidationError"), refusal("AccessDeniedException")):
        with pytest.raises(ClientError):
            write_together(Refusing(None, error, "transact_write_items"), [put_if_new("a")])


class Counting:
    """A client that counts the puts of each entry, and has `happens` make what it likes of each."""

    def __init__(self, client: Any, happens: Callable[[str, int], BaseException | None] = lambda *_: None) -> None:
        self.counts = Counter[str]()
        self.at_once = self.most_at_once = 0
        self._client, self._happens, self._lock = client, happens, threading.Lock()

    def put_item(self, **arguments: Any) -> Any:
        name = arguments["Item"]["entry"]["S"]
        with self._lock:
            self.counts[name] += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if (error := self._happens(name, self.counts[name])) is not None:
                raise error
            return self._client.put_item(**arguments)
        finally:
            with self._lock:
                self.at_once -= 1

    def update_item(self, **arguments: Any) -> Any:
        return self._client.update_item(**arguments)


def apart(client: Any, *names: str, waits: list[float] | None = None, tries: int = 3) -> Any:
    actions = {name: put_if_new(name) for name in names}
    return write_apart(client, actions, sleep=must_not_wait if waits is None else waits.append, tries=tries)


def entries(client: Any) -> set[str]:
    return {item["entry"]["S"] for item in client.scan(TableName="BanksTable")["Items"]}


def test_each_is_written_by_itself_and_a_refused_one_keeps_no_other_from_it(each_dynamodb: Any) -> None:
    assert apart(each_dynamodb, "a", "b") == ({}, set())
    refused, untried = apart(each_dynamodb, "c", "a", "d")
    assert (refused.keys(), untried) == ({"a"}, set())
    assert entries(each_dynamodb) == {"a", "b", "c", "d"}


def test_of_what_refused_a_write_the_item_is_returned_if_it_is_asked_for_and_dynamodb_says_it(dynamodb: Any) -> None:
    create_tables(dynamodb)
    apart(dynamodb, "a")
    action = put_if_new("a")
    action["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    actions = {"with": action, "without": put_if_new("a")}
    assert write_apart(dynamodb, actions, sleep=must_not_wait, tries=1) == (
        {"with": {"entry": {"S": "a"}}, "without": None},
        set(),
    )


def test_an_update_is_written_apart_too(each_dynamodb: Any) -> None:
    update = {
        "TableName": "BanksTable",
        "Key": to_item({"entry": "a"}),
        "UpdateExpression": "SET n = :n",
        "ConditionExpression": "attribute_not_exists(n)",
        "ExpressionAttributeValues": to_item({":n": 1}),
    }
    for refused in (set(), {"a"}):
        found, _ = write_apart(each_dynamodb, {"a": {"Update": update}}, sleep=must_not_wait, tries=1)
        assert found.keys() == refused


def test_what_could_not_be_tried_is_tried_again_and_nothing_else_is(dynamodb: Any) -> None:
    create_tables(dynamodb)
    waits: list[float] = []
    busy = refusal("TransactionConflictException")
    client = Counting(dynamodb, lambda name, time: busy if name == "b" and time < 3 else None)
    assert apart(client, "a", "b", waits=waits) == ({}, set())
    assert client.counts == {"a": 1, "b": 3}
    assert len(waits) == 2
    assert entries(dynamodb) == {"a", "b"}


def test_what_cannot_be_reached_to_the_last_is_said_and_if_it_is_all_that_is_raised(dynamodb: Any) -> None:
    create_tables(dynamodb)
    waits: list[float] = []
    client = Counting(dynamodb, lambda name, _: refusal("InternalServerError") if name != "a" else None)
    assert apart(client, "a", "b", "c", waits=waits) == ({}, {"b", "c"})
    assert client.counts == {"a": 1, "b": 3, "c": 3}
    with pytest.raises(TemporarilyUnavailable):
        apart(client, "b", "c", waits=waits)
    assert len(waits) == 2 + 2
    assert apart(None) == ({}, set())  # nothing makes no call


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "TransactionConflictException"]
)
def test_what_is_held_up_by_others_alone_is_said_and_not_raised(dynamodb: Any, code: str) -> None:
    held_up = Counting(dynamodb, lambda *_: refusal(code))
    assert apart(held_up, "a", "b", waits=[]) == ({}, {"a", "b"})
    lost = Counting(dynamodb, lambda name, _: ConnectionClosedError(endpoint_url="") if name == "a" else refusal(code))
    with pytest.raises(TemporarilyUnavailable):
        apart(lost, "a", "b", waits=[])


def test_a_defect_is_raised_when_the_others_are_written(dynamodb: Any) -> None:
    create_tables(dynamodb)
    client = Counting(dynamodb, lambda name, _: refusal("AccessDeniedException") if name == "b" else None)
    with pytest.raises(ClientError, match="AccessDenied"):
        apart(client, "a", "b", "c")
    assert entries(dynamodb) == {"a", "c"}


def test_ten_are_written_at_once_and_no_more(dynamodb: Any) -> None:
    create_tables(dynamodb)
    ten = threading.Barrier(10)

    def wait_for_nine_others(_name: str, _time: int) -> None:
        ten.wait(timeout=10)

    client = Counting(OneCallAtATime(dynamodb), wait_for_nine_others)
    assert apart(client, *(f"{number:02}" for number in range(30))) == ({}, set())
    assert client.most_at_once == 10
