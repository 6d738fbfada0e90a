"""Dead letters: whole, with their reason, and only for what is the value's own fault."""

import json

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside, is_fault_of_value
from chalicelib.aws.queues import Queue
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import FakeSqs, refusal


def queue(sqs: object) -> Queue:
    return Queue(sqs, "url", sleep=lambda _: None)


def test_a_dead_letter_holds_the_whole_payload_and_the_reason_and_the_log_only_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sqs = FakeSqs()
    DeadLetters(queue(sqs), "mailer").put([Letter({"amount": "250.50", "nested": {"é": 1}}, "not_rendered: KeyError")])
    (body,) = sqs.bodies
    assert json.loads(body) == {
        "source": "mailer",
        "reason": "not_rendered: KeyError",
        "payload": {"amount": "250.50", "nested": {"é": 1}},
    }
    (logged,) = caplog.records
    assert logged.__dict__["reason"] == "not_rendered: KeyError"
    assert "250.50" not in str(logged.__dict__)


def test_no_dead_letters_make_no_call() -> None:
    sqs = FakeSqs()
    DeadLetters(queue(sqs), "mailer").put([])
    assert sqs.calls == 0


def test_a_dead_letter_can_hold_what_no_message_can() -> None:
    sqs = FakeSqs()
    DeadLetters(queue(sqs), "mailer").put([Letter("x\uffff", "refused_by_queue")])
    assert json.loads(sqs.bodies[0])["payload"] == "x\uffff"


def test_a_message_that_sqs_refuses_for_good_becomes_a_dead_letter_and_the_others_are_sent() -> None:
    sqs, dead = FakeSqs(), FakeSqs()
    DeadLetters(queue(dead), "mailer").send(queue(sqs), ["a", "\uffff", "b"], lambda: 7)
    assert (sqs.bodies, sqs.delays) == (["a", "b"], [7, 7])
    (letter,) = map(json.loads, dead.bodies)
    assert letter["reason"] == "refused_by_queue"


def read_all(values: list[str]) -> tuple[list[int], list[Letter]]:
    letters: list[Letter] = []
    found = []
    for value in values:
        with SetAside(letters, value, "malformed_number"):
            found.append(int(value))
    return found, letters


def test_a_value_that_fails_is_set_aside_with_its_reason_and_the_others_go_on() -> None:
    found, letters = read_all(["1", "two", "3"])
    assert found == [1, 3]
    assert letters == [Letter("two", "malformed_number: ValueError")]


@pytest.mark.parametrize(
    "error", [OverflowError(), RecursionError(), MemoryError(), KeyError("a"), refusal("ValidationException")]
)
def test_a_value_is_set_aside_for_any_exception_that_it_causes(error: Exception) -> None:
    letters: list[Letter] = []
    with SetAside(letters, "value", "reason"):
        raise error
    assert letters == [Letter("value", f"reason: {type(error).__name__}")]


@pytest.mark.parametrize(
    "error",
    [TemporarilyUnavailable(), BotoCoreError(), refusal("AccessDeniedException"), refusal("ResourceNotFoundException")],
)
def test_an_exception_that_the_value_did_not_cause_is_raised(error: Exception) -> None:
    letters: list[Letter] = []
    with pytest.raises((TemporarilyUnavailable, BotoCoreError, ClientError)), SetAside(letters, "value", "reason"):
        raise error
    assert not letters
    assert not is_fault_of_value(error)


def test_the_end_of_the_process_makes_no_letter() -> None:
    letters: list[Letter] = []
    with pytest.raises(KeyboardInterrupt), SetAside(letters, "value", "reason"):
        raise KeyboardInterrupt
    assert not letters
