"""Times: what is read of RFC 3339, what is refused and how, and the forms in which times are written."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger.times import format_time, parse_date, parse_time, shifted, sortable

NO_TIME = "Must be an RFC 3339 date and time with an offset, like 2026-01-10T14:00:00Z."
NO_DATE = "Must be a date, like 2026-01-31."
moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-10T14:00:00Z", datetime(2026, 1, 10, 14, tzinfo=UTC)),
        ("2026-01-10t14:00:00z", datetime(2026, 1, 10, 14, tzinfo=UTC)),
        ("2026-01-10T15:30:00+01:30", datetime(2026, 1, 10, 14, tzinfo=UTC)),
        ("2026-01-10T23:59:59-23:59", datetime(2026, 1, 11, 23, 58, 59, tzinfo=UTC)),
        ("2026-01-10T14:00:00.123456789Z", datetime(2026, 1, 10, 14, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-01-10T14:00:00.5Z", datetime(2026, 1, 10, 14, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc_to_the_microsecond(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        *((text, NO_TIME) for text in ("", "2026-01-10", "2026-01-10T14:00:00", "2026-01-10 14:00:00Z", 7, None, True)),
        *((text, NO_TIME) for text in ("2026-01-10T24:00:00Z", "2026-01-10T14:60:00Z", "2026-01-10T14:00:00+24:00")),
        ("2026-02-30T14:00:00Z", "Is no date and time of the calendar."),
        ("2026-01-10T14:00:60Z", "Is no date and time of the calendar."),
        ("0001-01-01T00:00:00+01:00", "Is no date and time of the calendar."),
    ],
)
def test_what_is_no_time_is_refused_with_what_it_must_be(text: Any, refusal: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_time(text)
    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        *((text, NO_DATE) for text in ("", "2026-1-31", "20260131", "2026-01-31T00:00:00Z", 20260131, None)),
        ("2026-02-30", "Is no date of the calendar."),
        ("1969-12-31", "Must not be before 1970."),
    ],
)
def test_what_is_no_date_is_refused_with_what_it_must_be(text: Any, refusal: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_date(text)
    assert str(refused.value) == refusal


def test_the_first_day_is_taken() -> None:
    assert parse_date("1970-01-01") == date(1970, 1, 1)


LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)


@pytest.mark.parametrize(
    ("moment", "by", "end"),
    [
        (datetime(2026, 1, 10, tzinfo=UTC), timedelta(days=1), datetime(2026, 1, 11, tzinfo=UTC)),
        (datetime(1, 1, 1, tzinfo=UTC), -timedelta(microseconds=1), datetime(1, 1, 1, tzinfo=UTC)),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), timedelta(seconds=1), LAST),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), timedelta(days=1), LAST),
        (datetime(9999, 12, 31, tzinfo=UTC), timedelta(days=9), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)),
    ],
)
def test_a_shifted_time_stays_in_the_calendar(moment: datetime, by: timedelta, end: datetime) -> None:
    assert shifted(moment, by) == end


def test_a_time_is_written_in_utc_with_a_fraction_only_where_there_is_one() -> None:
    there = datetime(2026, 1, 10, 15, 0, tzinfo=timezone(timedelta(hours=1)))
    assert format_time(there) == "2026-01-10T14:00:00Z"
    assert format_time(there.replace(microsecond=500)) == "2026-01-10T14:00:00.000500Z"
    assert sortable(datetime(2026, 1, 10, 14, tzinfo=UTC)) == "2026-01-10T14:00:00.000000Z"


@given(moments, moments)
def test_what_is_sortable_sorts_as_the_times_do_and_is_read_back(one: datetime, other: datetime) -> None:
    assert (sortable(one) < sortable(other)) == (one < other)
    assert parse_time(format_time(one)) == parse_time(sortable(one)) == one
