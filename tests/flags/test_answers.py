"""Holders' answers to security alerts: one each, corrected within an hour, kept beside the flags."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import from_item
from chalicelib.flags.answers import (
    CORRECTABLE_FOR,
    Answer,
    AnswerIsFinal,
    HolderAnswer,
    answered,
    answers_in,
    last_answer_in,
)
from chalicelib.flags.repository import Flagging, FlagRepository, NotFlagged
from tests.samples import transaction

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
YES, NO = Answer.RECOGNIZED, Answer.NOT_RECOGNIZED
EVIDENCE = {"large_amount": {"amount": "1", "currency": "XAF", "threshold": "0"}}
WITHIN = NOW + CORRECTABLE_FOR
AFTER = WITHIN + timedelta(microseconds=1)


@pytest.fixture
def flags(each_dynamodb: Any) -> FlagRepository:
    repository = FlagRepository(each_dynamodb, "TransactionsTable", sleep=lambda _: None)
    for id_, shadow in (("t1", frozenset[str]()), ("t2", frozenset({"large_amount"}))):
        repository.record([Flagging(transaction(id=id_), EVIDENCE, shadow, NOW)])
    return repository


def test_an_answer_can_be_corrected_for_an_hour_after_the_first_one() -> None:
    first = answered(None, "awa", YES, NOW)
    assert answered(first, "awa", YES, AFTER) is first
    corrected = answered(first, "awa", NO, WITHIN)
    assert corrected == HolderAnswer("awa", NO, WITHIN, NOW)
    # The hour doesn't begin anew with a correction.
    with pytest.raises(AnswerIsFinal) as refused:
        answered(corrected, "awa", YES, AFTER)
    assert refused.value.given is corrected


@given(st.lists(st.tuples(st.sampled_from(Answer), st.integers(0, 7200)), min_size=1))
def test_whatever_is_answered_when_the_answer_is_the_last_of_the_first_hour(given: list[tuple[Answer, int]]) -> None:
    in_order = sorted(given, key=lambda one: one[1])
    now: HolderAnswer | None = None
    for answer, second in in_order:
        try:
            now = answered(now, "awa", answer, NOW + timedelta(seconds=second))
        except AnswerIsFinal as final:
            now = final.given
    begun = in_order[0][1]
    assert now is not None
    assert now.answer == [answer for answer, second in in_order if second - begun <= 3600][-1]


@given(st.lists(st.tuples(st.sampled_from(Answer), st.integers(-2_000_000, 2_000_000)), min_size=1))
def test_a_correction_is_later_than_what_it_corrects_whatever_the_clocks_say(given: list[tuple[Answer, int]]) -> None:
    stored = [HolderAnswer("awa", given[0][0], NOW, NOW)]
    for answer, ahead in given:
        stored.append(answered(stored[-1], "awa", answer, NOW + timedelta(microseconds=ahead)))

    # The case takes the latest of what it has seen, in whatever order.
    assert max(reversed(stored), key=lambda one: one.at) == stored[-1]


def test_each_holder_answers_alone_and_the_row_names_who_answered_last(
    each_dynamodb: Any, flags: FlagRepository
) -> None:
    flags.answer("eazycard", "t1", "awa", YES, NOW)
    flags.answer("eazycard", "t1", "ben", NO, NOW)
    found, answers = flags.with_answers("eazycard", "t1")
    assert found.keys() == {"large_amount"}
    assert answers == [HolderAnswer("awa", YES, NOW, NOW), HolderAnswer("ben", NO, NOW, NOW)]
    key = {"transaction_key": {"S": "eazycard#t1#flags"}}
    row = from_item(each_dynamodb.get_item(TableName="TransactionsTable", Key=key)["Item"])
    assert last_answer_in(row) == answers[1]
    # A clock that is behind makes no other answer the last one.
    flags.answer("eazycard", "t1", "awa", NO, NOW - timedelta(minutes=1))
    row = from_item(each_dynamodb.get_item(TableName="TransactionsTable", Key=key)["Item"])
    assert last_answer_in(row).holder == "awa"


def test_an_answer_given_again_later_is_final_and_nothing_is_written(flags: FlagRepository) -> None:
    flags.answer("eazycard", "t1", "awa", YES, NOW)
    with pytest.raises(AnswerIsFinal):
        flags.answer("eazycard", "t1", "awa", NO, AFTER)
    assert flags.with_answers("eazycard", "t1")[1] == [HolderAnswer("awa", YES, NOW, NOW)]


@pytest.mark.parametrize(("bank", "transaction_id"), [("eazycard", "t2"), ("eazycard", "t3"), ("other-bank", "t1")])
def test_what_nobody_was_alerted_of_is_not_answered(flags: FlagRepository, bank: str, transaction_id: str) -> None:
    with pytest.raises(NotFlagged):
        flags.answer(bank, transaction_id, "awa", YES, NOW)
    assert flags.with_answers(bank, transaction_id)[1] == []


def test_of_answers_given_at_once_one_is_recorded(flags: FlagRepository) -> None:
    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(lambda answer: flags.answer("eazycard", "t1", "awa", answer, NOW), [YES, NO, YES] * 2))
    (recorded,) = flags.with_answers("eazycard", "t1")[1]
    assert recorded in given


@pytest.mark.parametrize("value", ["yes", {}, {"answer": "maybe", "at": "2026-01-10", "first_at": "2026-01-10"}])
def test_a_malformed_answer_raises(value: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        list(answers_in({"answer#awa": value}))
