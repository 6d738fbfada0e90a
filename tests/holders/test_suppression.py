"""The rules of suppression: in whatever order events come, and however often, the same standing follows."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import LiftedLately, NotSuppressed
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.suppression import LAPSES_AFTER, LIFTED_AT_MOST_EACH, Standing

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LASTING = Suppressed("hard_bounce", NOW)
PASSING = Suppressed("policy_bounce", NOW, NOW + LAPSES_AFTER)

moments = st.integers(0, 40 * 24).map(lambda hours: NOW + timedelta(hours=hours))
events = st.builds(
    lambda reason, since, lapses: Suppressed(reason, since, since + LAPSES_AFTER if lapses else None),
    st.sampled_from(["complaint", "hard_bounce", "policy_bounce", "ses_suppression_list"]),
    moments,
    st.booleans(),
)


def after(*happened: Suppressed, standing: Standing | None = None) -> Standing:
    standing = standing or Standing()
    for event in happened:
        standing = standing.after(event)
    return standing


@given(st.lists(events, max_size=5), st.data())
def test_events_in_any_order_and_any_number_give_the_same_standing(
    happened: list[Suppressed], data: st.DataObject
) -> None:
    assert after(*data.draw(st.permutations(happened + happened))) == after(*happened)


@given(st.lists(events, min_size=1, max_size=5), moments)
def test_while_one_event_still_suppresses_the_address_is_suppressed(happened: list[Suppressed], now: datetime) -> None:
    found = after(*happened).suppressed
    assert found in happened
    assert found.has_lapsed(now) == all(event.has_lapsed(now) for event in happened)


@given(st.lists(events, max_size=5), st.lists(events, max_size=5), moments)
def test_what_happened_before_a_lifting_counts_no_more_whenever_it_is_heard(
    before: list[Suppressed], later: list[Suppressed], at: datetime
) -> None:
    standing = after(*before)
    if standing.suppressed is None or standing.suppressed.has_lapsed(at):
        with pytest.raises(NotSuppressed):
            standing.lifted(at)
        return
    lifted = standing.lifted(at)
    assert (lifted.suppressed, lifted.lifted_at) == (None, max(at, standing.suppressed.since))
    since = [event for event in later if event.since > (lifted.lifted_at or at)]
    assert (
        after(*before, *later, *before, standing=lifted).suppressed
        == after(*since, *(event for event in before if event.since > (lifted.lifted_at or at))).suppressed
    )


def test_a_suppression_by_a_policy_lapses_after_two_weeks_and_can_be_lifted_each_day() -> None:
    assert (LAPSES_AFTER, LIFTED_AT_MOST_EACH) == (14 * DAY, DAY)


def test_of_two_that_last_the_first_stays_and_of_two_that_lapse_the_later() -> None:
    later = Suppressed("complaint", NOW + DAY)
    assert after(LASTING, later) == after(later, LASTING) == Standing(LASTING)
    lapses_later = Suppressed("policy_bounce", NOW + DAY, NOW + DAY + LAPSES_AFTER)
    assert after(PASSING, lapses_later) == after(lapses_later, PASSING) == Standing(lapses_later)


def test_a_lasting_suppression_outweighs_one_that_lapses_and_a_lapsed_one_is_replaced() -> None:
    later = Suppressed("policy_bounce", NOW + 20 * DAY, NOW + 20 * DAY + LAPSES_AFTER)
    assert after(PASSING, LASTING) == after(LASTING, PASSING) == Standing(LASTING)
    assert after(PASSING, later).suppressed == later
    assert after(PASSING, Suppressed("complaint", NOW + 20 * DAY)).suppressed == Suppressed("complaint", NOW + 20 * DAY)


def test_a_suppression_lapses_at_its_last_moment_and_not_before() -> None:
    awa = Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, NOW, PASSING)
    last = NOW + LAPSES_AFTER
    assert awa.suppression(last - timedelta(microseconds=1)) == PASSING
    assert awa.suppression(last) is None
    assert (awa.as_of(NOW), awa.as_of(last)) == (awa, dataclasses.replace(awa, suppressed=None))
    assert dataclasses.replace(awa, suppressed=LASTING).suppression(NOW + 9999 * DAY) == LASTING


def test_a_suppression_is_lifted_once_a_day_at_most() -> None:
    lifted = Standing(LASTING).lifted(NOW + DAY, LIFTED_AT_MOST_EACH)
    again = after(Suppressed("hard_bounce", NOW + DAY + timedelta(hours=1)), standing=lifted)
    with pytest.raises(LiftedLately) as refusal:
        again.lifted(NOW + DAY + timedelta(hours=2), LIFTED_AT_MOST_EACH)
    assert refusal.value.retry_after_s == 22 * 3600
    assert again.lifted(NOW + 2 * DAY, LIFTED_AT_MOST_EACH).suppressed is None
    assert again.lifted(NOW + DAY + timedelta(hours=2)).suppressed is None  # an operator may at any time


def test_what_is_not_suppressed_or_has_lapsed_can_t_be_lifted() -> None:
    for standing in (Standing(), Standing(PASSING), Standing(LASTING).lifted(NOW)):
        with pytest.raises(NotSuppressed):
            standing.lifted(NOW + LAPSES_AFTER)


def test_an_event_by_a_clock_that_is_ahead_does_not_come_back_after_it_was_lifted() -> None:
    ahead = Suppressed("hard_bounce", NOW + timedelta(seconds=3))
    assert after(ahead, standing=after(ahead).lifted(NOW)).suppressed is None
