"""The decision: what a holder's preferences say of a transaction, and the exact end of quiet hours in any zone."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.holders.preferences import NOT_OF_ALERTS, SECURITY_ALERT, Skip, Tell, Wait, decide, quiet_until
from chalicelib.ledger.transaction import Transaction

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
TRANSACTION = Transaction(
    bank="eazycard",
    id="1",
    account="A123",
    amount=Decimal(5000),
    type="credit",
    timestamp=NOW,
    currency="XAF",
    recorded_at=NOW,
)
QUIET_NOW = {"from": "13:00", "to": "15:00"}
UNTIL_3 = Wait(datetime(2026, 1, 10, 15, 0, tzinfo=UTC), "quiet_hours")


def decided(preferences: dict[str, Any], kind: str = "credit") -> Tell | Skip | Wait:
    return decide(preferences, "UTC", TRANSACTION, kind, NOW)


@pytest.mark.parametrize(
    ("preferences", "decision"),
    [
        ({}, Tell()),
        ({"muted": False}, Tell()),
        ({"muted": True}, Skip("muted")),
        ({"types": ["credit"]}, Tell()),
        ({"types": ["credit", "debit"]}, Tell()),
        ({"types": ["debit"]}, Skip("types")),
        ({"types": []}, Skip("types")),
        ({"min_amount": {}}, Tell()),
        ({"min_amount": {"XAF": "5000"}}, Tell()),
        ({"min_amount": {"XAF": "5001"}}, Skip("min_amount")),
        ({"min_amount": {"EUR": "9999999"}}, Tell()),
        ({"min_amount": {"EUR": "1", "XAF": "4999"}}, Tell()),
        ({"quiet_hours": QUIET_NOW}, UNTIL_3),
        ({"quiet_hours": {"from": "15:00", "to": "13:00"}}, Tell()),
        ({"statement": "weekly"}, Tell()),
        ({"muted": True, "types": [], "min_amount": {"XAF": "9999"}, "quiet_hours": QUIET_NOW}, Skip("muted")),
        ({"types": [], "min_amount": {"XAF": "9999"}, "quiet_hours": QUIET_NOW}, Skip("types")),
        ({"min_amount": {"XAF": "9999"}, "quiet_hours": QUIET_NOW}, Skip("min_amount")),
        ({"types": ["credit"], "min_amount": {"XAF": "1"}, "quiet_hours": QUIET_NOW}, UNTIL_3),
    ],
)
def test_the_first_preference_that_applies_decides(preferences: dict[str, Any], decision: Tell | Skip | Wait) -> None:
    assert decided(preferences) == decision


def test_the_reasons_that_hold_no_alert_back_are_those_of_ordinary_e_mails_alone() -> None:
    whatever = {
        "muted": True,
        "alerts": False,
        "types": [],
        "min_amount": {"XAF": "9999"},
        "quiet_hours": QUIET_NOW,
        "statement": "weekly",
        "locale": "fr",
    }
    by_kind = {
        kind: {
            found.preference for name in whatever if isinstance(found := decided({name: whatever[name]}, kind), Skip)
        }
        for kind in ("credit", SECURITY_ALERT)
    }
    assert by_kind["credit"] - by_kind[SECURITY_ALERT] == set(NOT_OF_ALERTS)


@pytest.mark.parametrize(
    "preferences",
    [
        {"types": []},
        {"types": ["debit"]},
        {"min_amount": {"XAF": "9999"}},
        {"quiet_hours": QUIET_NOW},
        {"types": [], "min_amount": {"XAF": "9999"}, "quiet_hours": QUIET_NOW, "statement": "weekly"},
    ],
)
def test_a_security_alert_passes_all_preferences_but_one(preferences: dict[str, Any]) -> None:
    for others in (preferences, {**preferences, "muted": True}, {**preferences, "alerts": True}):
        assert decided(others, SECURITY_ALERT) == Tell()
        assert decided({**others, "alerts": False}, SECURITY_ALERT) == Skip("alerts")


def test_who_wants_no_alerts_gets_the_other_e_mails() -> None:
    assert decided({"alerts": False}) == Tell()


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 3))
def test_a_minimum_is_compared_as_a_number_and_not_as_text(amount: int, minimum: int, decimals: int) -> None:
    transaction = dataclasses.replace(TRANSACTION, amount=Decimal(amount).scaleb(-decimals), currency="KWD")
    preferences = {"min_amount": {"KWD": f"{Decimal(minimum).scaleb(-decimals):f}"}}
    is_told = decide(preferences, "UTC", transaction, "credit", NOW) == Tell()
    assert is_told == (amount >= minimum)


# Quiet hours, a zone, now and the end, all but the hours in UTC.
ENDS = [
    # Within a day: from the very minute, up to the very minute.
    ("13:00-15:00", "UTC", "2026-01-10T13:00:00", "2026-01-10T15:00:00"),
    ("13:00-15:00", "UTC", "2026-01-10T14:59:59.999999", "2026-01-10T15:00:00"),
    ("13:00-15:00", "UTC", "2026-01-10T12:59:59.999999", None),
    ("13:00-15:00", "UTC", "2026-01-10T15:00:00", None),
    # Over midnight: on both sides of it.
    ("22:00-07:00", "UTC", "2026-01-10T22:00:00", "2026-01-11T07:00:00"),
    ("22:00-07:00", "UTC", "2026-01-11T06:59:00", "2026-01-11T07:00:00"),
    ("22:00-07:00", "UTC", "2026-01-11T07:00:00", None),
    ("22:00-00:00", "UTC", "2026-12-31T23:30:00", "2027-01-01T00:00:00"),
    ("00:00-23:59", "UTC", "2026-01-10T00:00:00", "2026-01-10T23:59:00"),
    ("00:00-23:59", "UTC", "2026-01-10T23:59:30", None),
    # The same twice: no hours at all, or nothing would ever be told.
    ("00:00-00:00", "UTC", "2026-01-10T00:00:00", None),
    ("07:00-07:00", "UTC", "2026-01-10T12:00:00", None),
    # In the holder's zone, which may have another date.
    ("22:00-07:00", "Africa/Douala", "2026-01-10T21:00:00", "2026-01-11T06:00:00"),
    ("22:00-07:00", "Africa/Douala", "2026-01-10T20:59:00", None),
    ("22:00-07:00", "America/Los_Angeles", "2026-01-11T06:00:00", "2026-01-11T15:00:00"),
    ("22:00-07:00", "Pacific/Kiritimati", "2026-01-10T08:00:00", "2026-01-10T17:00:00"),
    # Offsets that are no whole hours.
    ("22:00-07:00", "Asia/Kathmandu", "2026-01-10T16:15:00", "2026-01-11T01:15:00"),
    ("22:00-07:00", "Asia/Kathmandu", "2026-01-10T16:14:00", None),
    ("22:00-07:00", "Pacific/Chatham", "2026-06-10T09:15:00", "2026-06-10T18:15:00"),
    # Spring in Paris (01:00 UTC: 02:00 becomes 03:00): the night is an hour shorter.
    ("22:00-07:00", "Europe/Paris", "2026-03-28T21:00:00", "2026-03-29T05:00:00"),
    # They were to end at 02:30, which no clock shows: when the clock is put on.
    ("22:00-02:30", "Europe/Paris", "2026-03-28T23:00:00", "2026-03-29T01:00:00"),
    ("22:00-03:00", "Europe/Paris", "2026-03-28T23:00:00", "2026-03-29T01:00:00"),
    # They lie within the hour that is skipped: not on that night.
    ("02:15-02:45", "Europe/Paris", "2026-03-29T01:20:00", None),
    # They begin in it: as soon as the clock has been put on.
    ("02:30-04:00", "Europe/Paris", "2026-03-29T01:00:00", "2026-03-29T02:00:00"),
    # Autumn in Paris (01:00 UTC: 03:00 becomes 02:00): the night is an hour longer.
    ("22:00-07:00", "Europe/Paris", "2026-10-24T20:00:00", "2026-10-25T06:00:00"),
    # What the clock shows twice is quiet twice, and not in between.
    ("22:00-02:30", "Europe/Paris", "2026-10-25T00:00:00", "2026-10-25T00:30:00"),
    ("22:00-02:30", "Europe/Paris", "2026-10-25T00:40:00", None),
    ("22:00-02:30", "Europe/Paris", "2026-10-25T01:10:00", "2026-10-25T01:30:00"),
    # They begin in the hour that comes again: the clock is put back before them.
    ("02:30-04:00", "Europe/Paris", "2026-10-25T00:40:00", "2026-10-25T01:00:00"),
    # Lord Howe puts its clocks by half an hour (15:30 UTC, then 15:00 UTC).
    ("22:00-07:00", "Australia/Lord_Howe", "2026-10-03T12:00:00", "2026-10-03T20:00:00"),
    ("22:00-02:15", "Australia/Lord_Howe", "2026-10-03T12:00:00", "2026-10-03T15:30:00"),
    # Troll puts its clocks by two hours.
    ("22:00-07:00", "Antarctica/Troll", "2026-03-28T23:00:00", "2026-03-29T05:00:00"),
    # Samoa had no 30th of December 2011.
    ("22:00-07:00", "Pacific/Apia", "2011-12-30T09:00:00", "2011-12-30T17:00:00"),
]


@pytest.mark.parametrize(("hours", "zone", "now", "end"), ENDS)
def test_quiet_hours_end_at_an_exact_moment(hours: str, zone: str, now: str, end: str | None) -> None:
    start, to = hours.split("-")
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    expected = datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None
    assert quiet_until({"from": start, "to": to}, zone, moment) == expected


def test_now_may_have_any_offset_and_the_end_is_in_utc() -> None:
    now = datetime(2026, 1, 10, 15, 0, tzinfo=ZoneInfo("Africa/Douala"))
    until = quiet_until(QUIET_NOW, "UTC", now)
    assert until == UNTIL_3.until
    assert until is not None
    assert until.tzinfo is UTC


ZONES = [
    "UTC",
    "Africa/Casablanca",
    "Africa/Douala",
    "America/New_York",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/Paris",
    "Pacific/Chatham",
]
CLOCK = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
MOMENTS = st.datetimes(datetime(2025, 12, 31), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
# The nights on which most of these zones put their clocks.
SHIFTS = st.sampled_from(
    ["2026-03-08T05:00", "2026-03-29T00:00", "2026-04-04T14:00", "2026-10-03T14:00", "2026-10-25T00:00"]
).flatmap(
    lambda night: st.integers(0, 4 * 3600).map(
        lambda seconds: datetime.fromisoformat(f"{night}:00+00:00") + timedelta(seconds=seconds)
    )
)


@given(CLOCK, CLOCK, st.sampled_from(ZONES), MOMENTS | SHIFTS)
def test_quiet_hours_end_when_a_clock_on_the_wall_says_so(start: str, end: str, zone: str, now: datetime) -> None:
    def shows_quiet(moment: datetime) -> bool:
        shown = moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        return start <= shown < end if start <= end else shown >= start or shown < end

    until = quiet_until({"from": start, "to": end}, zone, now)
    if not shows_quiet(now):
        assert until is None
        return
    # By looking at the clock every minute.
    looked = now.replace(second=0, microsecond=0)
    while shows_quiet(looked):
        looked += timedelta(minutes=1)
    assert until == looked
