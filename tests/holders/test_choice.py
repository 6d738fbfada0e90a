"""Whose preferences count: whatever the bank sends, and in whatever order, what the holder has chosen stands."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.holders.choice import amendable, amended, choose, replaced
from chalicelib.holders.holder import Holder, load_holder, to_json

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
LATER, LAST = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


def enrolled(now: datetime = NOW, email: str = "awa@example.com", **preferences: Any) -> Holder:
    return load_holder({"name": "Awa", "email": email, "preferences": preferences}, "h1", now)


def chosen_by(holder: Holder) -> tuple[str, str]:
    answer = to_json(holder)
    return answer["preferences_chosen_by"], answer["preferences_chosen_at"]


def test_a_replacement_is_the_bank_s_but_for_what_the_holder_chose() -> None:
    unsubscribed = choose(enrolled(types=["debit"], statement="weekly"), {"muted": True}, LATER)
    synced = replaced(unsubscribed, enrolled(LAST, "new@example.com", types=["credit"], muted=False))
    assert synced.preferences == {"types": ["credit"], "muted": True}
    assert (synced.email, synced.enrolled_at, synced.created_at, synced.updated_at) == (
        "new@example.com",
        LAST,
        NOW,
        LAST,
    )
    assert chosen_by(synced) == ("holder", "2026-01-10T15:00:00Z")


def test_a_first_enrolment_is_as_it_was_sent() -> None:
    assert replaced(None, enrolled(types=["debit"])) == enrolled(types=["debit"])


def test_a_preference_that_the_holder_wants_not_set_stays_so() -> None:
    chosen = choose(enrolled(min_amount={"XAF": "5000"}), {"min_amount": None}, LATER)
    assert chosen.preferences == {}
    assert replaced(chosen, enrolled(LAST, min_amount={"XAF": "7000"})).preferences == {}
    assert amended(chosen, {"preferences": {"min_amount": {"XAF": "1"}}}, LAST).preferences == {}


def test_the_bank_s_own_are_what_a_patch_is_applied_to() -> None:
    chosen = choose(enrolled(types=["debit"], muted=False), {"muted": True, "types": None}, LATER)
    assert amendable(chosen) == {
        "name": "Awa",
        "email": "awa@example.com",
        "locale": "fr",
        "timezone": "UTC",
        "preferences": {"types": ["debit"], "muted": False},
    }


def test_a_patch_keeps_what_it_does_not_name_and_a_new_address_counts_as_enrolled_again() -> None:
    before = enrolled(types=["debit"])
    renamed = amended(before, {"name": "Awa N."}, LATER)
    assert renamed == dataclasses.replace(before, name="Awa N.", updated_at=LATER)
    moved = amended(renamed, {"email": "new@example.com"}, LAST)
    assert (moved.enrolled_at, moved.created_at, moved.updated_at) == (LAST, NOW, LAST)


def test_the_bank_s_preferences_are_chosen_when_they_change_and_not_when_they_are_sent_again() -> None:
    before = enrolled(types=["debit"])
    assert chosen_by(before) == ("bank", "2026-01-10T14:00:00Z")
    assert chosen_by(replaced(before, enrolled(LATER, types=["debit"]))) == ("bank", "2026-01-10T14:00:00Z")
    assert chosen_by(replaced(before, enrolled(LATER))) == ("bank", "2026-01-10T15:00:00Z")


def test_what_was_chosen_already_is_the_same_record() -> None:
    chosen = choose(enrolled(), {"muted": True}, LATER)
    assert choose(chosen, {"muted": True}, LAST) is chosen
    assert choose(chosen, {"muted": False}, LAST).preferences == {"muted": False}


def test_the_holder_s_yes_to_what_the_bank_prefers_is_a_choice_too() -> None:
    agreed = choose(enrolled(statement="weekly"), {"statement": "weekly"}, LATER)
    assert chosen_by(agreed) == ("holder", "2026-01-10T15:00:00Z")
    assert replaced(agreed, enrolled(LAST)).preferences == {"statement": "weekly"}


@pytest.mark.parametrize("sent", [{}, {"muted": False}, {"muted": False, "types": ["credit"]}])
def test_nobody_who_was_muted_in_an_earlier_release_gets_e_mails_again_by_a_sync(sent: dict[str, Any]) -> None:
    before = Holder("h1", "Awa", "awa@example.com", "fr", "UTC", {"muted": True, "types": ["debit"]}, NOW)
    assert replaced(before, enrolled(LATER, **sent)).preferences == {**sent, "muted": True}
    assert amended(before, {"preferences": sent}, LATER).preferences == {**sent, "muted": True}
    assert choose(before, {"muted": True}, LATER).preferences == before.preferences


NAMES = st.sampled_from(["types", "min_amount", "statement", "muted", "alerts"])
FIELDS = st.dictionaries(NAMES, st.integers(0, 3))
CHOICES = st.dictionaries(NAMES, st.none() | st.just(9))
STEPS = st.lists(st.tuples(st.sampled_from(["put", "patch", "choose"]), FIELDS, CHOICES), max_size=8)


@given(STEPS)
def test_after_any_steps_each_field_is_the_holder_s_last_choice_or_else_the_bank_s_last_word(
    steps: list[tuple[str, dict[str, Any], dict[str, Any]]],
) -> None:
    holder = dataclasses.replace(enrolled(), preferences={}, bank_preferences={})
    of_bank: dict[str, Any] = {}
    of_holder: dict[str, Any] = {}
    for number, (step, fields, choices) in enumerate(steps):
        now = NOW + timedelta(minutes=number)
        if step == "choose":
            holder = choose(holder, choices, now)
            of_holder |= choices
        else:
            of_bank = fields
            asked = dataclasses.replace(enrolled(now), preferences=fields, bank_preferences=fields)
            holder = replaced(holder, asked) if step == "put" else amended(holder, {"preferences": fields}, now)
        expected = {name: value for name, value in (of_bank | of_holder).items() if value is not None}
        assert holder.preferences == expected
        assert (chosen_by(holder)[0] == "holder") == bool(of_holder)
