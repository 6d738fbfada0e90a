"""Sending to SQS: within its limits, leftovers again."""

import json
from datetime import timedelta

import pytest

from chalicelib.aws.queues import MAX_DELAY_S, GroupedBody, Queue, Unsendable, message
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, FakeSqs, refusal


def queue(sqs: object) -> Queue:
    return Queue(sqs, "url", sleep=lambda _: None)


def test_100_messages_are_sent_in_10_calls() -> None:
    sqs = FakeSqs()
    queue(sqs).send([str(number) for number in range(100)], delay_s=lambda: 7)
    assert sqs.calls == 10
    assert sorted(sqs.bodies, key=int) == [str(number) for number in range(100)]
    assert set(sqs.delays) == {7}


def test_a_message_without_a_delay_comes_at_once() -> None:
    sqs = FakeSqs()
    queue(sqs).send(["a", "b"])
    assert sqs.delays == [0, 0]


def test_the_longest_delay_is_sqs_s_quarter_of_an_hour() -> None:
    assert timedelta(seconds=MAX_DELAY_S) == timedelta(minutes=15)


def test_messages_are_cut_by_bytes() -> None:
    sqs = FakeSqs()
    queue(sqs).send(["é" * 50_000] * 5)
    assert len(sqs.bodies) == 5
    assert sqs.calls == 3


def test_entries_that_failed_are_sent_again_and_only_they() -> None:
    sqs = FakeSqs(fails_first=3)
    queue(sqs).send([str(number) for number in range(10)])
    assert sorted(sqs.bodies, key=int) == [str(number) for number in range(10)]
    assert sqs.calls == 2


def test_entries_that_keep_failing_raise_so_that_the_source_is_tried_again() -> None:
    with pytest.raises(TemporarilyUnavailable):
        queue(FakeSqs(fails_first=1_000)).send(["a"])


def test_a_throttled_queue_raises() -> None:
    with pytest.raises(TemporarilyUnavailable):
        queue(Failing(FakeSqs(), refusal("ThrottlingException"))).send(["a"])


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "é", "😀", "\u2028"])
def test_a_message_holds_any_character_and_sqs_takes_it(character: str) -> None:
    sqs = FakeSqs()
    queue(sqs).send([message({"name": f"a{character}b"})])
    (body,) = sqs.bodies
    assert json.loads(body) == {"name": f"a{character}b"}


def test_a_message_costs_no_more_bytes_than_its_text() -> None:
    assert message({"name": "Marché 😀"}) == '{"name": "Marché 😀"}'


def test_messages_that_sqs_refuses_for_good_are_named_after_all_others_are_sent() -> None:
    sqs = FakeSqs()
    with pytest.raises(Unsendable) as refused:
        queue(sqs).send(["a", "\uffff", *map(str, range(15)), "\ufffe"])
    assert refused.value.bodies == ["\uffff", "\ufffe"]
    assert str(refused.value) == "2 messages"  # and nothing of them
    assert sorted(sqs.bodies) == sorted(["a", *map(str, range(15))])


def test_nobody_waits_when_all_were_taken_and_once_before_each_other_try() -> None:
    waits: list[float] = []
    Queue(FakeSqs(), "url", sleep=waits.append).send(["a"])
    assert waits == []
    with pytest.raises(TemporarilyUnavailable):
        Queue(FakeSqs(fails_first=1_000), "url", sleep=waits.append).send(["a"])
    # Each wait is random, up to a bound that doubles.
    assert all(0 <= wait_s <= bound_s for wait_s, bound_s in zip(waits, [0.1, 0.2, 0.4], strict=True))


def test_the_first_wait_for_a_queue_is_a_tenth_of_a_second_at_most() -> None:
    waits: list[float] = []
    for _ in range(20):
        Queue(FakeSqs(fails_first=1), "url", sleep=waits.append).send(["a"])
    assert len(waits) == 20
    assert max(waits) <= 0.1


@pytest.mark.parametrize(("longer", "calls"), [(0, 1), (1, 2)])
def test_a_call_is_filled_to_its_last_byte(longer: int, calls: int) -> None:
    sqs = FakeSqs()
    queue(sqs).send(["x" * 131_072, "y" * (131_072 + longer)])  # 256 KB together
    assert (sqs.calls, len(sqs.bodies)) == (calls, 2)


@pytest.mark.parametrize("group", ["a", "x" * 128, "bank-1!~"])
def test_a_bank_s_message_has_its_group(group: str) -> None:
    assert GroupedBody.of("body", group) == "body"
    assert GroupedBody.group_of(GroupedBody.of("body", group)) == {"MessageGroupId": group}


@pytest.mark.parametrize("group", ["", "x" * 129, "a b", "é", None, 7])
def test_what_sqs_takes_for_no_group_is_left_out(group: object) -> None:
    assert GroupedBody.of("body", group) == "body"
    assert GroupedBody.group_of(GroupedBody.of("body", group)) == {}
    assert GroupedBody.group_of("body") == {}
