"""The periods of statements, weeks and months in the holder's time zone, and when each statement is due. Pure rules."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

# A statement is due at 8:00 local time on the day after the period: people read e-mails by then, and the period's
# last transactions have been recorded.
_DUE_AT = time(8)
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A week, Monday to Sunday, or a calendar month: `kind` is `weekly` or `monthly`, `first` its first day."""

    kind: str
    first: date

    @property
    def last(self) -> date:
        return self.next.first - _DAY

    @property
    def next(self) -> "Period":
        if self.kind == "weekly":
            return Period(self.kind, self.first + timedelta(days=7))
        return Period(self.kind, (self.first + timedelta(days=31)).replace(day=1))

    @property
    def name(self) -> str:
        """The name in ISO 8601: a week like `2026-W23`, a month like `2026-06`. `period_named` reads it."""
        if self.kind == "weekly":
            year, week, _ = self.first.isocalendar()
            return f"{year:04}-W{week:02}"
        return f"{self.first:%Y-%m}"

    def bounds(self, timezone: str) -> tuple[datetime, datetime]:
        """Return the first and the last moment of the period in a time zone; both are in UTC and included."""
        end = _moment(self.next.first, time(0), timezone)
        return _moment(self.first, time(0), timezone), end - timedelta(microseconds=1)

    def due(self, timezone: str) -> datetime:
        """Return when (UTC) a holder in this time zone gets the statement."""
        return _moment(self.next.first, _DUE_AT, timezone)


def period_at(kind: str, moment: datetime, timezone: str) -> Period:
    """Return the week or month (`kind`) in which the moment is in a time zone."""
    day = moment.astimezone(ZoneInfo(timezone)).date()
    return Period(kind, day - timedelta(days=day.weekday()) if kind == "weekly" else day.replace(day=1))


def period_named(name: str) -> Period:
    """Return the period with this name; raises ValueError if there is none."""
    if week := _WEEK.fullmatch(name):
        return Period("weekly", date.fromisocalendar(int(week[1]), int(week[2]), 1))
    if month := _MONTH.fullmatch(name):
        return Period("monthly", date(int(month[1]), int(month[2]), 1))
    raise ValueError("no period")


def wanted_kind(preferences: Mapping[str, Any]) -> str | None:
    """Return which statements a holder with these preferences gets: `weekly`, `monthly`, or None for none."""
    kind = preferences.get("statement")
    return kind if kind in ("weekly", "monthly") and not preferences.get("muted") else None


def _moment(day: date, at: time, timezone: str) -> datetime:
    # For a time that the clock skips, zoneinfo counts on with the offset before; for one that comes twice, it takes the
    # first.
    return datetime.combine(day, at, ZoneInfo(timezone)).astimezone(UTC)
