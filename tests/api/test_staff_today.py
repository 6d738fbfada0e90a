"""The console's first page: figures of an hour, a day and a month, what needs a person, and what a poll costs."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

import app as app_module
from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import Happened
from chalicelib.api.staff_today import CACHE_FOR, attention
from chalicelib.banks.endpoints import SHORT_FORM
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.banks.webhook_endpoints import EndpointState, Status
from tests.app_bench import OTHER_KEY, Bench, fields, problem
from tests.fakes import Metered
from tests.staff_world import Desk, signed_in

URL = "https://hooks.bank.example/"
QUIET = {
    "emails": {"failed": 0, "rejected": 0},
    "webhooks": {"delivered": 0, "failed": 0},
}


@pytest.fixture
def viewer(bench: Bench) -> Desk:
    return signed_in(bench, "viewer")


def happened(bench: Bench, bank: str = "eazycard", **counts: int) -> None:
    """Count what happened at the bank in this hour, and an e-mail that took a fifth of a second."""
    named = {Counted(name): count for name, count in counts.items()}
    app_module.services.activity_recorder.note({bank: Happened(named, Histogram.of([0.2]))})


def test_a_day_shows_totals_of_today_and_what_happened_in_24_hours(bench: Bench, viewer: Desk) -> None:
    bench.record("t1", amount="100")
    bench.record("of-yesterday", timestamp="2026-01-09T14:00:00Z")
    bench.record("of-b", key=OTHER_KEY)
    happened(bench, sent=3, delivered=2, alerts=1, not_recognized=1, webhooks_failed=1, transactions=5, flagged=2)
    happened(bench, "other-bank", sent=50)
    bench.now -= timedelta(hours=3)
    happened(bench, sent=1, failed=1, webhooks_delivered=4)
    bench.now += timedelta(hours=3)
    answer = viewer.get("/staff/today")
    assert answer.headers["Cache-Control"] == "no-store"
    today = answer.json_body
    assert (today["period"], today["step"]) == ("day", "hour")
    assert (today["from"], today["to"]) == ("2026-01-09T15:00:00Z", "2026-01-10T14:00:00Z")
    assert (today["totals_from"], today["totals_to"]) == ("2026-01-10", "2026-01-10")
    of_bank = bench.get("/analytics", **{"from": "2026-01-10", "to": "2026-01-10"}).json_body
    assert {name: today[name] for name in ("totals", "statuses", "flags")} == {
        name: of_bank[name] for name in ("totals", "statuses", "flags")
    }
    assert today["totals"][0]["credit"] == {"count": 1, "amount": "100.00"}
    assert today["days"] == []
    assert len(today["hours"]) == 24
    assert today["hours"][-1]["hour"] == "2026-01-10T14:00:00Z"
    assert today["hours"][-1]["transactions"] == 5
    assert today["hours"][-4]["emails"]["sent"] == 1
    assert (today["emails"]["sent"], today["emails"]["delivered"], today["emails"]["failed"]) == (4, 2, 1)
    assert today["alerts"] == {"sent": 1, "recognized": 0, "not_recognized": 1}
    assert today["webhooks"] == {"delivered": 4, "failed": 1}
    assert today["latency"]["count"] == 2
    assert Decimal("0.15") <= Decimal(today["latency"]["p50_s"]) <= Decimal(today["latency"]["p95_s"]) <= Decimal("0.2")


def test_an_hour_is_this_one_and_the_one_before(bench: Bench, viewer: Desk) -> None:
    bench.now += timedelta(minutes=59)
    happened(bench, sent=1)
    for hours in (1, 2):
        bench.now -= timedelta(hours=1)
        happened(bench, sent=10**hours)
    bench.now += timedelta(hours=2)
    today = viewer.get("/staff/today", period="hour").json_body
    assert [(one["hour"], one["emails"]["sent"]) for one in today["hours"]] == [
        ("2026-01-10T13:00:00Z", 10),
        ("2026-01-10T14:00:00Z", 1),
    ]
    assert today["from"] == "2026-01-10T13:00:00Z"
    assert today["totals_from"] == "2026-01-10"


def test_a_month_is_thirty_days_in_steps_of_a_day(bench: Bench, viewer: Desk) -> None:
    bench.record("t1", timestamp="2025-12-12T00:00:00Z")
    bench.record("too-early", timestamp="2025-12-11T23:59:59Z")
    happened(bench, sent=2)
    bench.now -= timedelta(days=29, hours=14)
    happened(bench, sent=7)
    bench.now += timedelta(days=29, hours=14)
    today = viewer.get("/staff/today", period="month").json_body
    assert (today["step"], len(today["hours"])) == ("day", 30)
    assert today["from"] == today["hours"][0]["hour"] == "2025-12-12T00:00:00Z"
    assert (today["hours"][0]["emails"]["sent"], today["hours"][-1]["emails"]["sent"]) == (7, 2)
    assert today["emails"]["sent"] == 9
    assert [day["date"] for day in today["days"]] == ["2025-12-12"]
    assert today["totals_from"] == "2025-12-12"


def test_a_bank_without_anything_has_zeros_and_needs_nobody(viewer: Desk) -> None:
    today = viewer.get("/staff/today").json_body
    assert today["totals"] == today["attention"] == []
    assert today["cases"] == {"open": 0, "claimed": 0, "not_recognized": 0}
    assert set(today["emails"].values()) == {0}
    assert "latency" not in today
    assert {one["what"] for one in today["quota"]} == {"transactions", "emails"}


def test_an_idle_poll_is_answered_304_until_something_happens(bench: Bench, viewer: Desk) -> None:
    tag = viewer.get("/staff/today").headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        bench.now += timedelta(seconds=5)
        answer = viewer.request("GET", "/staff/today", if_none_match=known)
        assert (answer.status_code, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        assert answer.headers["Cache-Control"] == "no-store"
    for known in ('"other"', tag.strip('"'), ""):
        assert viewer.request("GET", "/staff/today", if_none_match=known).status_code == 200
    happened(bench, sent=1)
    bench.now += CACHE_FOR
    changed = viewer.request("GET", "/staff/today", if_none_match=tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_a_poll_costs_a_dozen_calls_at_most_and_those_within_two_seconds_none(bench: Bench, viewer: Desk) -> None:
    viewer.get("/staff/today")  # the bank, then remembered for a minute
    bench.record(*(f"t{number}" for number in range(20)))
    for hour in range(24):
        bench.now -= timedelta(hours=1)
        happened(bench, sent=hour)
    bench.now += timedelta(hours=24)
    calls, units = Counter[str](), Counter[str]()
    bench.restart(dynamodb=Metered(bench.dynamodb, calls, units))
    app_module.services.banks.by_id("eazycard")
    calls.clear()
    units.clear()
    for _ in range(3):
        assert viewer.get("/staff/today").status_code == 200
    # The checkpoint, the settings and two quotas; the days, the tail in four shards, the hours, three counts of cases.
    # The write is the lease of what the member may ask: it serves ten requests, the next one twenty.
    assert calls == {"get_item": 4, "query": 9, "update_item": 1}
    assert units["read"] <= 14
    bench.now += CACHE_FOR
    viewer.get("/staff/today")
    assert calls.total() == 27


def test_no_bank_is_shown_what_another_one_s_staff_was_shown(bench: Bench, viewer: Desk) -> None:
    happened(bench, sent=9)
    assert viewer.get("/staff/today").json_body["emails"]["sent"] == 9
    stranger = signed_in(bench, "viewer", bank="other-bank")
    assert stranger.get("/staff/today").json_body["emails"]["sent"] == 0
    tag = viewer.get("/staff/today").headers["ETag"]
    assert stranger.request("GET", "/staff/today", if_none_match=tag).status_code == 200


@pytest.mark.parametrize("query", [{"period": "year"}, {"period": ""}, {"bank": "other-bank"}])
def test_another_period_is_refused(viewer: Desk, query: dict[str, str]) -> None:
    assert fields(problem(viewer.get("/staff/today", **query), 400, "validation_failed")) == list(query)


@pytest.mark.parametrize(
    ("figures", "cases", "quota", "status", "found"),
    [
        ({}, {"not_recognized": 2}, [], None, {"cases_not_recognized": 2}),
        ({}, {"not_recognized": 0}, [], None, {}),
        ({}, None, [{"what": "emails", "used": 80, "limit": 100}], None, {"quota": 80}),
        ({}, None, [{"what": "emails", "used": 79, "limit": 100}], None, {}),
        ({}, None, [], Status.GONE, {"webhooks_gone": 1}),
        ({}, None, [], Status.UNPROVED, {"webhooks_unproved": 1}),
        ({}, None, [], Status.IN_USE, {}),
        ({"webhooks": {"delivered": 0, "failed": 3}}, None, [], Status.IN_USE, {"webhooks_failed": 3}),
        ({"webhooks": {"delivered": 1, "failed": 3}}, None, [], Status.IN_USE, {}),
        ({"emails": {"failed": 1, "rejected": 2}}, None, [], None, {"emails_failed": 3}),
    ],
)
def test_what_needs_a_person(
    figures: Any, cases: Any, quota: Any, status: Status | None, found: dict[str, int]
) -> None:
    stored = StoredSettings()
    if status:
        states = {SHORT_FORM: EndpointState(URL, status)}
        stored = StoredSettings(BankSettings(webhook_url=URL), {}, 1, states)
    needed = attention({**QUIET, **figures}, cases, quota, stored)
    assert {one["kind"]: one["count"] for one in needed} == found
    assert all(str(one["count"]) in one["text"] and one["link"] for one in needed)


def test_of_two_quotas_that_are_nearly_used_up_each_is_named() -> None:
    quota = [{"what": "transactions", "used": 87, "limit": 100}, {"what": "emails", "used": 1001, "limit": 1000}]
    needed = attention(QUIET, None, quota, StoredSettings())
    assert [(one["kind"], one["what"], one["count"]) for one in needed] == [
        ("quota", "transactions", 87),
        ("quota", "emails", 100),
    ]
