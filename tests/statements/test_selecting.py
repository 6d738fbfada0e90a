"""Which statements are sent now, later, or not at all, by the holders as they are when the statements are due."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.notifications.state import NotificationKey, State
from chalicelib.statements.index import Expected
from chalicelib.statements.periods import period_named
from chalicelib.statements.selecting import Selection, select

# A Monday, at 8 in the morning: the week before it is due.
DUE = datetime(2026, 6, 15, 8, tzinfo=UTC)
WEEK = Expected("eazycard", "a0", "awa", period_named("2026-W24"))
AWA = Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {"statement": "weekly"}, DUE, alias="alias-of-awa")
# What is kept of the statement has the holder's alias.
KEY = NotificationKey("eazycard", WEEK.id, "alias-of-awa")


def selected(*holders: Holder, expected: Expected = WEEK, now: datetime = DUE) -> Selection:
    return select([expected], {"eazycard#a0": list(holders)}, now)


def awa(**preferences: Any) -> Holder:
    return dataclasses.replace(AWA, preferences={**AWA.preferences, **preferences})


def test_a_statement_that_is_due_and_wanted_is_ready_with_the_period_that_follows() -> None:
    selection = selected(AWA, dataclasses.replace(AWA, id="ben"))
    ready = selection.ready[KEY]
    assert (ready.expected, ready.holder, ready.following.name) == (WEEK, AWA, "2026-W25")
    assert (selection.later, selection.dropped, selection.letters) == ([], 0, [])


@pytest.mark.parametrize(
    "holders",
    [
        (),
        (dataclasses.replace(AWA, id="ben"),),
        (awa(statement="monthly"),),
        (awa(statement="none"),),
        (awa(muted=True),),
    ],
    ids=["no holders", "erased", "monthly", "none", "muted"],
)
def test_a_statement_that_nobody_wants_any_more_is_dropped(holders: tuple[Holder, ...]) -> None:
    selection = selected(*holders)
    assert (selection.ready, selection.later, selection.dropped) == ({}, [], 1)


def test_a_holder_of_another_account_with_the_same_id_gets_nothing() -> None:
    assert select([WEEK], {"eazycard#a1": [AWA], "other-bank#a0": [AWA]}, DUE).dropped == 1


@pytest.mark.parametrize(
    ("holder", "until"),
    [
        (dataclasses.replace(AWA, timezone="America/Los_Angeles"), "2026-06-15T15:00"),
        (awa(quiet_hours={"from": "22:00", "to": "09:30"}), "2026-06-15T09:30"),
        (
            dataclasses.replace(awa(quiet_hours={"from": "07:00", "to": "09:00"}), timezone="Africa/Douala"),
            None,  # it is 9 there
        ),
    ],
    ids=["moved west", "quiet hours", "quiet hours that are over"],
)
def test_it_is_sent_by_the_time_zone_and_the_quiet_hours_that_the_holder_has_now(
    holder: Holder, until: str | None
) -> None:
    selection = selected(holder)
    later = [(WEEK, datetime.fromisoformat(f"{until}+00:00"))] if until else []
    assert selection.later == later
    assert len(selection.ready) == (0 if until else 1)


def test_quiet_hours_that_end_before_it_is_due_do_not_change_when_it_is_due() -> None:
    early = datetime(2026, 6, 15, 5, tzinfo=UTC)
    assert selected(awa(quiet_hours={"from": "22:00", "to": "06:00"}), now=early).later == [(WEEK, DUE)]


def test_after_one_that_is_sent_again_comes_the_current_period() -> None:
    again = dataclasses.replace(WEEK, again=True)
    weeks_later = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert selected(AWA, expected=again, now=weeks_later).ready[KEY].following.name == "2026-W27"
    assert selected(AWA, now=weeks_later).ready[KEY].following.name == "2026-W25"


# The week of W24 ends with Sunday, 14 June, in UTC.
@pytest.mark.parametrize(
    ("told_from", "timezone", "is_told"),
    [
        (None, "UTC", True),
        ("2026-06-01T00:00:00", "UTC", True),
        ("2026-06-10T12:00:00", "UTC", True),
        ("2026-06-14T23:59:59.999998", "UTC", True),
        ("2026-06-14T23:59:59.999999", "UTC", False),
        ("2026-06-15T07:59:59", "UTC", False),
        ("2026-06-14T23:30:00", "Africa/Douala", False),
    ],
)
def test_of_a_period_before_the_erasure_of_who_had_the_id_nothing_is_sent_and_the_next_period_comes(
    told_from: str | None, timezone: str, is_told: bool
) -> None:
    since = datetime.fromisoformat(f"{told_from}+00:00") if told_from else None
    given_up = dataclasses.replace(WEEK, put_off_since=DUE)
    for expected, next_week in ((given_up, "2026-W25"), (dataclasses.replace(given_up, again=True), "2026-W27")):
        now = DUE if not expected.again else datetime(2026, 7, 1, 12, tzinfo=UTC)
        holder = dataclasses.replace(AWA, told_from=since, timezone=timezone)
        selection = selected(holder, expected=expected, now=now)
        following = dataclasses.replace(WEEK, period=period_named(next_week))
        later = [(following, following.period.due(timezone))]
        assert (len(selection.ready), selection.later) == ((1, []) if is_told else (0, later))
        assert (selection.dropped, selection.letters) == (0, [])


def test_a_malformed_record_is_a_letter_and_holds_up_no_other_statement() -> None:
    bad = dataclasses.replace(AWA, timezone="Nowhere/Else")
    other = dataclasses.replace(WEEK, account="a1")
    selection = select([WEEK, other], {"eazycard#a0": [bad], "eazycard#a1": [AWA]}, DUE)
    assert [letter.payload for letter in selection.letters] == [WEEK.to_json()]
    assert selection.letters[0].reason == "malformed_holder: ZoneInfoNotFoundError"
    assert [ready.expected for ready in selection.ready.values()] == [other]


def test_a_change_of_state_has_the_time_at_which_the_statement_was_due() -> None:
    suppressed = dataclasses.replace(AWA, suppressed=Suppressed("complaint", DUE))
    change = selected(suppressed).ready[KEY].change(State.SUPPRESSED, "complaint")
    assert (change.key, change.state, change.reason, change.queued_at) == (KEY, State.SUPPRESSED, "complaint", DUE)
