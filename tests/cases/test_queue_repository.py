"""The queue on all engines: what comes first, whose cases, and how many wait."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.cases import queue_repository
from chalicelib.cases.case import Case, Outcome, State, opened
from chalicelib.cases.moves import answered, claim, close
from chalicelib.cases.queue_repository import CaseQueue, Waiting
from chalicelib.cases.repository import CaseRepository
from chalicelib.cases.stored_form import case_item, sighting_item
from chalicelib.flags.answers import Answer
from tests.case_world import ANA, BEN, NOW, answer, case, flagging
from tests.metrics import counted


@pytest.fixture
def queue(each_dynamodb: Any) -> CaseQueue:
    return CaseQueue(each_dynamodb, "CasesTable")


def put(client: Any, *cases: Case) -> None:
    CaseRepository(client, "CasesTable", "TransactionsTable").put_new([case_item(one) for one in cases])


def ids(queue: CaseQueue, state: State, limit: int = 50, subject: str = "") -> list[str]:
    """Return the ids of all pages, each of `limit`."""
    found, position = [], ""
    while True:
        cases, position = queue.page("eazycard", state, limit, position, subject)
        found += [one.id for one in cases]
        if not position:
            return found


def test_open_cases_come_by_weight_and_then_by_age(each_dynamodb: Any, queue: CaseQueue) -> None:
    denied = answered(case("denied", "duplicate_suspect"), [answer("awa", Answer.NOT_RECOGNIZED)], NOW)
    put(
        each_dynamodb,
        case("a-light", "duplicate_suspect"),
        case("later", "velocity"),
        case("heavy", "velocity", "new_country"),
        denied,
        case("of-other", bank="other-bank"),
        claim(case("claimed"), ANA, NOW),
    )
    older = flagging("older", "velocity")
    put(each_dynamodb, opened(replace(older, decided_at=NOW - timedelta(hours=1))))
    for limit in (1, 2, 50):
        assert ids(queue, State.OPEN, limit) == ["denied", "heavy", "older", "later", "a-light"]


def test_a_page_has_cases_as_they_are_but_for_their_history(each_dynamodb: Any, queue: CaseQueue) -> None:
    stored = claim(answered(case("t1", "velocity"), [answer("awa", Answer.RECOGNIZED)], NOW), ANA, NOW)
    put(each_dynamodb, stored)
    (listed,), _ = queue.page("eazycard", State.CLAIMED, 50)
    assert listed.to_json() == stored.to_json()
    assert listed.history == ()


def test_claimed_cases_are_listed_by_who_has_them_and_of_one_member_alone(each_dynamodb: Any, queue: CaseQueue) -> None:
    put(
        each_dynamodb,
        claim(case("b2"), BEN, NOW + timedelta(minutes=1)),
        claim(case("b1"), BEN, NOW),
        claim(case("a1"), ANA, NOW + timedelta(minutes=2)),
    )
    assert ids(queue, State.CLAIMED, 1) == ["a1", "b1", "b2"]
    assert ids(queue, State.CLAIMED, 1, BEN.id) == ["b1", "b2"]
    assert ids(queue, State.CLAIMED, 50, "sub") == []


def test_closed_cases_are_listed_newest_first(each_dynamodb: Any, queue: CaseQueue) -> None:
    for number in range(3):
        at = NOW + timedelta(minutes=number)
        put(each_dynamodb, close(claim(case(f"t{number}"), ANA, at), ANA, at, Outcome.FRAUD))
    assert ids(queue, State.CLOSED, 2) == ["t2", "t1", "t0"]


def test_how_many_wait_is_counted_up_to_a_limit(
    each_dynamodb: Any, queue: CaseQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queue.waiting("eazycard") == Waiting(0, 0, 0)
    denied = answered(case("denied", "duplicate_suspect"), [answer("awa", Answer.NOT_RECOGNIZED)], NOW)
    everything = case("most", "velocity", "unusual_amount", "new_country", "large_amount", "duplicate_suspect")
    put(each_dynamodb, denied, everything, case("t3"), claim(case("t4"), ANA, NOW))
    CaseRepository(each_dynamodb, "CasesTable", "TransactionsTable").put_new(
        [sighting_item(flagging("t5", shadow=("velocity",)))]
    )
    assert queue.waiting("eazycard") == Waiting(open=3, claimed=1, not_recognized=1)
    monkeypatch.setattr(queue_repository, "MOST_COUNTED", 2)
    assert queue.waiting("eazycard") == Waiting(open=2, claimed=1, not_recognized=1)


def test_a_case_that_can_t_be_read_keeps_no_other_from_being_worked_on(
    each_dynamodb: Any, queue: CaseQueue, logged: Any
) -> None:
    put(each_dynamodb, case("t1"), case("t2"), case("t3"))
    each_dynamodb.put_item(TableName="CasesTable", Item={**case_item(case("t2")), "facts": {"S": "no facts"}})
    for limit in (1, 2, 50):
        assert ids(queue, State.OPEN, limit) == ["t1", "t3"]
    assert counted(logged(), "MalformedCases") == 3
