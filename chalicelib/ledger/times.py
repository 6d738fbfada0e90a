"""Times: RFC 3339 in and out, always UTC, and the form whose text order is time order."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

# What is earlier is a mistake: no account is that old, and other systems count time from here.
FIRST_YEAR = 1970
BEFORE_FIRST_YEAR = f"Must not be before {FIRST_YEAR}."
FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIMESTAMP = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt]({_CLOCK}:[0-9]{{2}})(\.[0-9]+)?([Zz]|[+-]{_CLOCK})")


def parse_time(text: Any) -> datetime:
    """Return an RFC 3339 date and time with an offset as UTC, to the microsecond; raises ValueError."""
    match = _TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("Must be an RFC 3339 date and time with an offset, like 2026-01-10T14:00:00Z.")
    date, time, fraction, offset = match.groups()
    try:
        return datetime.fromisoformat(f"{date}T{time}{(fraction or '')[:7]}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Is no date and time of the calendar.") from None


def parse_date(text: Any) -> date:
    """Return a date like 2026-01-31, not before 1970; raises ValueError."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise ValueError("Must be a date, like 2026-01-31.")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("Is no date of the calendar.") from None
    if found.year < FIRST_YEAR:
        raise ValueError(BEFORE_FIRST_YEAR)
    return found


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return the moment moved by a duration, or the first or last moment of the calendar if it has no other."""
    try:
        return moment + by
    except OverflowError:
        return FIRST_MOMENT if by.days < 0 else LAST_MOMENT


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC, with a fraction only where there is one: 2026-01-10T14:00:00Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def sortable(moment: datetime) -> str:
    """Return a UTC time whose text order is its time order: always with microseconds."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
