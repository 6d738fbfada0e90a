"""Statements' periods: weeks and months as the holder's wall shows them, whatever the clock does meanwhile."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.holders.holder import TIMEZONES
from chalicelib.statements.periods import Period, period_at, period_named, wanted_kind

SINCE = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 14 * 365 * 24 * 60).map(lambda minutes: SINCE + timedelta(minutes=minutes))
ZONES = st.sampled_from(sorted(TIMEZONES))
KINDS = st.sampled_from(["weekly", "monthly"])


@pytest.mark.parametrize(
    ("kind", "moment", "zone", "first", "last", "due"),
    [
        # A Wednesday.
        ("weekly", "2026-06-03T12:00", "Africa/Douala", "2026-06-01", "2026-06-07", "2026-06-08T07:00"),
        ("monthly", "2026-06-03T12:00", "Africa/Douala", "2026-06-01", "2026-06-30", "2026-07-01T07:00"),
        # Sunday evening in UTC is Monday in Tokyo, and Sunday in Los Angeles.
        ("weekly", "2026-06-07T20:00", "Asia/Tokyo", "2026-06-08", "2026-06-14", "2026-06-14T23:00"),
        ("weekly", "2026-06-07T20:00", "America/Los_Angeles", "2026-06-01", "2026-06-07", "2026-06-08T15:00"),
        ("monthly", "2025-12-31T23:30", "Europe/Paris", "2026-01-01", "2026-01-31", "2026-02-01T07:00"),
        ("monthly", "2028-02-10T00:00", "UTC", "2028-02-01", "2028-02-29", "2028-03-01T08:00"),
        ("monthly", "2026-12-31T12:00", "UTC", "2026-12-01", "2026-12-31", "2027-01-01T08:00"),
        # Paris goes over to summer time on the Sunday, and back.
        ("weekly", "2026-03-29T00:30", "Europe/Paris", "2026-03-23", "2026-03-29", "2026-03-30T06:00"),
        ("weekly", "2026-10-25T00:30", "Europe/Paris", "2026-10-19", "2026-10-25", "2026-10-26T07:00"),
    ],
)
def test_a_period_is_due_at_eight_on_the_holder_s_clock_on_the_day_after_it(
    kind: str, moment: str, zone: str, first: str, last: str, due: str
) -> None:
    period = period_at(kind, datetime.fromisoformat(f"{moment}+00:00"), zone)
    assert (f"{period.first}", f"{period.last}") == (first, last)
    assert period.due(zone) == datetime.fromisoformat(f"{due}+00:00")


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 3, 23), 7 * 24 - 1), (date(2026, 10, 19), 7 * 24 + 1), (date(2026, 6, 1), 7 * 24)]
)
def test_a_week_is_as_long_as_the_clock_makes_it(first: date, hours: int) -> None:
    start, end = Period("weekly", first).bounds("Europe/Paris")
    assert end + timedelta(microseconds=1) - start == timedelta(hours=hours)


def test_where_the_clock_skips_midnight_the_day_begins_with_its_first_moment() -> None:
    # In Beirut, 00:00 became 01:00 on 31 March 2024, a Sunday.
    start, _ = Period("monthly", date(2024, 4, 1)).bounds("Asia/Beirut")
    assert start == datetime(2024, 3, 31, 21, tzinfo=UTC)
    skipped, _ = Period("weekly", date(2024, 3, 31)).bounds("Asia/Beirut")
    assert skipped == datetime(2024, 3, 30, 22, tzinfo=UTC)


@given(KINDS, MOMENTS, ZONES)
def test_every_moment_is_in_its_period_and_in_no_other(kind: str, moment: datetime, zone: str) -> None:
    period = period_at(kind, moment, zone)
    start, end = period.bounds(zone)
    assert start <= moment <= end
    assert period.next.bounds(zone)[0] == end + timedelta(microseconds=1)


@given(KINDS, MOMENTS, ZONES)
def test_what_is_put_into_the_index_is_due_hours_later_and_after_the_period(
    kind: str, moment: datetime, zone: str
) -> None:
    period = period_at(kind, moment, zone)
    due = period.due(zone)
    assert due - moment > timedelta(hours=6)  # a clock may skip two
    assert timedelta(hours=6) <= due - period.bounds(zone)[1] <= timedelta(hours=33)  # or, in an ocean, a whole day
    assert period.next.due(zone) > due


@given(KINDS, MOMENTS)
def test_a_period_s_name_is_its_own(kind: str, moment: datetime) -> None:
    period = period_at(kind, moment, "UTC")
    assert period_named(period.name) == period
    assert period.name != period.next.name
    assert period.name != period_at("monthly" if kind == "weekly" else "weekly", moment, "UTC").name


@pytest.mark.parametrize(
    ("kind", "first", "name"),
    [
        ("weekly", date(2026, 6, 1), "2026-W23"),
        ("weekly", date(2025, 12, 29), "2026-W01"),
        ("monthly", date(2026, 6, 1), "2026-06"),
    ],
)
def test_periods_are_named_as_iso_8601_names_them(kind: str, first: date, name: str) -> None:
    assert Period(kind, first).name == name


@pytest.mark.parametrize("name", ["", "2026", "2026-13", "2026-W54", "2026-W00", "2026-6", "2026-06-01", "x2026-06"])
def test_a_name_of_no_period_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        period_named(name)


@pytest.mark.parametrize(
    ("preferences", "kind"),
    [
        ({}, None),
        ({"statement": "none"}, None),
        ({"statement": "weekly"}, "weekly"),
        ({"statement": "monthly", "muted": False}, "monthly"),
        ({"statement": "monthly", "muted": True}, None),
        ({"statement": "daily"}, None),
        # What else is chosen speaks of single transactions.
        ({"statement": "weekly", "types": [], "min_amount": {"XAF": "9"}}, "weekly"),
    ],
)
def test_statements_are_wanted_as_chosen_unless_all_is_muted(preferences: dict[str, Any], kind: str | None) -> None:
    assert wanted_kind(preferences) == kind


def test_a_week_with_a_day_missing_from_the_calendar_is_a_day_shorter() -> None:
    # Apia had no 30 December 2011: a Friday.
    zone = "Pacific/Apia"
    period = period_at("weekly", datetime(2011, 12, 28, tzinfo=UTC), zone)
    start, end = period.bounds(zone)
    assert end + timedelta(microseconds=1) - start == timedelta(days=6)
    assert period.due(zone).astimezone(ZoneInfo(zone)).hour == 8
