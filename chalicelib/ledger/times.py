"""Times: RFC 3339 in and out, always UTC, and the form whose text order is time order."""

import re
from datetime import UTC, datetime
from typing import Any

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


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC, with a fraction only where there is one: 2026-01-10T14:00:00Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def sortable(moment: datetime) -> str:
    """Return a UTC time whose text order is its time order: always with microseconds."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
