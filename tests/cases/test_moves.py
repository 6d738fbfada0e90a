"""The state machine of cases: by example, and by property over any order of moves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cases.case import HOLDER, Actor, Case, Outcome, State, What
from chalicelib.cases.moves import (
    MAX_EVENTS,
    MAX_NOTE,
    MAX_NOTES,
    MAX_NOTES_BYTES,
    answered,
    claim,
    close,
    note,
    release,
    reopen,
)
from chalicelib.cases.refusals import CaseClaimed, CaseClosed, CaseFull, CaseNotYours
from chalicelib.cases.weight import NOT_RECOGNIZED
from chalicelib.errors import DomainError
from chalicelib.flags.answers import Answer, HolderAnswer
from tests.case_world import ANA, BEN, NOW, answer, case

CLAIMED = claim(case(), ANA, NOW)
CLOSED = close(CLAIMED, ANA, NOW, Outcome.LEGITIMATE)


def test_a_claimed_case_has_one_member_and_refuses_every_other() -> None:
    with pytest.raises(CaseClaimed) as refused:
        claim(CLAIMED, BEN, NOW + timedelta(hours=1))
    assert (refused.value.name, refused.value.since) == ("Ana", NOW)
    assert claim(CLAIMED, ANA, NOW + timedelta(hours=1)) is CLAIMED


def test_the_member_is_the_same_under_another_name() -> None:
    renamed = Actor("staff", ANA.id, "Ana B.")
    assert claim(CLAIMED, renamed, NOW) is CLAIMED
    assert release(CLAIMED, renamed, NOW).claimed_by is None


def test_only_who_has_a_case_gives_it_back_or_an_admin() -> None:
    with pytest.raises(CaseNotYours):
        release(CLAIMED, BEN, NOW)
    for released in (release(CLAIMED, ANA, NOW), release(CLAIMED, BEN, NOW, is_admin=True)):
        assert (released.state, released.claimed_by, released.claimed_at) == (State.OPEN, None, None)
    assert release(case(), BEN, NOW) == case()


def test_only_who_has_a_case_closes_it() -> None:
    for unclosable in (case(), claim(case(), BEN, NOW)):
        with pytest.raises(CaseNotYours):
            close(unclosable, ANA, NOW, Outcome.FRAUD)
    assert (CLOSED.state, CLOSED.outcome, CLOSED.closed_at) == (State.CLOSED, Outcome.LEGITIMATE, NOW)
    assert CLOSED.claimed_by is None


def test_closing_again_the_same_way_is_a_replay_and_any_other_way_is_refused() -> None:
    assert close(CLOSED, ANA, NOW, Outcome.LEGITIMATE) is CLOSED
    with pytest.raises(CaseClosed):
        close(CLOSED, ANA, NOW, Outcome.FRAUD)
    with pytest.raises(CaseClosed):
        close(CLOSED, BEN, NOW, Outcome.LEGITIMATE)


def test_a_closed_case_is_claimed_and_released_only_after_it_is_reopened() -> None:
    for move in (claim, release):
        with pytest.raises(CaseClosed):
            move(CLOSED, ANA, NOW)
    again = reopen(CLOSED, BEN, NOW)
    assert (again.state, again.outcome, again.closed_at) == (State.OPEN, None, None)
    assert claim(again, BEN, NOW).claimed_by == BEN
    assert reopen(again, BEN, NOW) is again


def test_a_note_can_be_added_in_every_state() -> None:
    for one in (case(), CLAIMED, CLOSED):
        noted = note(one, BEN, NOW, "Called the holder.")
        assert (noted.state, noted.history[-1].note) == (one.state, "Called the holder.")


def test_an_answer_is_added_once_in_whatever_order_answers_come() -> None:
    first, corrected = answer("awa", Answer.NOT_RECOGNIZED, 1), answer("awa", Answer.RECOGNIZED, 2)
    in_order = answered(answered(case(), [first], NOW), [corrected], NOW)
    assert in_order.answers == {"awa": corrected}
    assert [event.detail for event in in_order.history] == ["", "not_recognized", "recognized"]
    assert answered(in_order, [first, corrected], NOW) is in_order
    assert answered(answered(case(), [corrected], NOW), [first], NOW).answers == {"awa": corrected}


def test_a_holder_who_was_not_it_puts_the_case_on_top_and_one_who_was_puts_it_down() -> None:
    assert answered(case(), [answer("awa", Answer.NOT_RECOGNIZED)], NOW).weight == case().weight + NOT_RECOGNIZED
    assert answered(case(), [answer("awa", Answer.RECOGNIZED)], NOW).weight == case().weight // 4


@pytest.mark.parametrize("outcome", Outcome)
def test_it_was_not_me_reopens_a_case_that_was_closed_as_anything_but_fraud(outcome: Outcome) -> None:
    closed = close(CLAIMED, ANA, NOW, outcome)
    later = NOW + timedelta(hours=5)
    after = answered(closed, [answer("awa", Answer.NOT_RECOGNIZED)], later)
    assert after.state is (State.CLOSED if outcome is Outcome.FRAUD else State.OPEN)
    assert after.outcome is (Outcome.FRAUD if outcome is Outcome.FRAUD else None)
    if outcome is not Outcome.FRAUD:
        assert (after.history[-1].what, after.history[-1].by.kind) == (What.REOPENED, "system")
    assert answered(closed, [answer("awa", Answer.RECOGNIZED)], later).state is State.CLOSED


def test_an_answer_does_not_take_a_case_from_who_has_it() -> None:
    assert answered(CLAIMED, [answer("awa", Answer.NOT_RECOGNIZED)], NOW).claimed_by == ANA


def test_a_case_holds_so_many_notes_and_closes_without_one_all_the_same() -> None:
    full = CLAIMED
    for number in range(MAX_NOTES):
        full = note(full, ANA, NOW + timedelta(minutes=number), "x")
    with pytest.raises(CaseFull):
        note(full, ANA, NOW, "one more")
    with pytest.raises(CaseFull):
        close(full, ANA, NOW, Outcome.FRAUD, "one more")
    assert close(full, ANA, NOW, Outcome.FRAUD).state is State.CLOSED


def test_notes_are_counted_in_bytes_too() -> None:
    found = CLAIMED
    longest = "\N{GRINNING FACE}" * MAX_NOTE
    for _ in range(MAX_NOTES_BYTES // len(longest.encode())):
        found = note(found, ANA, NOW, longest)
    with pytest.raises(CaseFull):
        note(found, ANA, NOW, longest)


def test_the_oldest_events_without_a_note_make_room_for_new_ones() -> None:
    found = note(case(), ANA, NOW, "kept")
    for minute in range(MAX_EVENTS):
        found = claim(found, ANA, NOW + timedelta(minutes=minute))
        found = release(found, ANA, NOW + timedelta(minutes=minute, seconds=30))
    assert len(found.history) == MAX_EVENTS
    assert [event.what for event in found.history[:2]] == [What.OPENED, What.NOTED]
    assert found.history[-1].what is What.RELEASED


Move = Callable[[Case, int], Case]


def _answers(holder: str, given: Answer) -> Move:
    return lambda one, minute: answered(
        one, [HolderAnswer(holder, given, NOW + timedelta(minutes=minute), NOW)], NOW + timedelta(minutes=minute)
    )


def _by(by: Actor) -> list[Move]:
    return [
        lambda one, minute: claim(one, by, NOW + timedelta(minutes=minute)),
        lambda one, minute: release(one, by, NOW + timedelta(minutes=minute)),
        lambda one, minute: note(one, by, NOW + timedelta(minutes=minute), f"note {minute}"),
        lambda one, minute: reopen(one, by, NOW + timedelta(minutes=minute)),
        *(
            lambda one, minute, outcome=outcome: close(one, by, NOW + timedelta(minutes=minute), outcome)
            for outcome in Outcome
        ),
    ]


MOVES: list[Move] = [
    *_by(ANA),
    *_by(BEN),
    *(_answers(holder, given) for holder in ("awa", "ben") for given in Answer),
]


@given(st.lists(st.sampled_from(MOVES), max_size=30))
def test_whatever_is_done_a_case_is_in_one_state_and_says_who_brought_it_there(moves: list[Move]) -> None:
    found = case()
    for minute, move in enumerate(moves, start=1):
        before = found
        try:
            found = move(before, minute)
        except DomainError:
            continue
        assert found.version > before.version or found == before
        assert (found.state is State.CLAIMED) == (found.claimed_by is not None) == (found.claimed_at is not None)
        assert (found.state is State.CLOSED) == (found.outcome is not None) == (found.closed_at is not None)
        assert found.history[0].what is What.OPENED
        assert list(found.history[1:]) == sorted(found.history[1:], key=lambda event: event.at)
        assert {event.by.id for event in found.history if event.by.kind == HOLDER} == set(found.answers)
        moved = [event.what for event in found.history if event.what not in (What.NOTED, What.ANSWERED)]
        last = {State.OPEN: {What.OPENED, What.RELEASED, What.REOPENED}, State.CLAIMED: {What.CLAIMED}}
        assert moved[-1] in last.get(found.state, {What.CLOSED})


@given(st.permutations([answer(holder, given, minute) for holder in ("a", "b") for minute, given in enumerate(Answer)]))
def test_answers_end_the_same_in_any_order_and_twice(answers: list[HolderAnswer]) -> None:
    found = case()
    for given_answer in [*answers, *answers]:
        found = answered(found, [given_answer], NOW)
    assert {given_answer.answer for given_answer in found.answers.values()} == {list(Answer)[-1]}
    assert found.weight == case().weight + NOT_RECOGNIZED
