"""Sending to SQS: within its limits, leftovers again."""

import json

import pytest

from chalicelib.aws.queues import Queue, Unsendable, message
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


def test_messages_that_sqs_refuses_for_good_are_named_after_all_others_are_sent() -> None:
    sqs = FakeSqs()
    with pytest.raises(Unsendable) as refused:
        queue(sqs).send(["a", "\uffff", *map(str, range(15)), "\ufffe"])
    assert refused.value.bodies == ["\uffff", "\ufffe"]
    assert sorted(sqs.bodies) == sorted(["a", *map(str, range(15))])
