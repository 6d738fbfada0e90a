"""Staff's view of the audit trail and of the quotas, and the settings that an admin changes."""

from datetime import timedelta
from typing import Any

import pytest

import app as app_module
from chalicelib.banks.plans import DAILY
from tests.app_bench import OTHER_KEY, Bench, fields, problem
from tests.staff_world import Desk, signed_in


@pytest.fixture
def admin(bench: Bench) -> Desk:
    return signed_in(bench, "admin", sub="s-9")


def listed(desk: Desk, **query: str) -> list[dict[str, Any]]:
    """Follow the cursors of the audit trail; return all entries."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = desk.get("/staff/audit", **query, **cursor)
        assert answer.status_code == 200, answer.json_body
        found += answer.json_body["entries"]
        if "next_cursor" not in answer.json_body:
            return found
        cursor = {"cursor": answer.json_body["next_cursor"]}


def test_the_trail_comes_newest_first_a_page_at_a_time_of_the_bank_alone(bench: Bench, admin: Desk) -> None:
    bench.request("PATCH", "/settings", {"digest_after": 30}, key=OTHER_KEY)
    for number in range(5):
        bench.request("PATCH", "/settings", {"digest_after": 30 + number})
        bench.now += timedelta(days=9)
    actions = [("settings.patch", f"2026-01-{day}") for day in ("28", "19", "10")]
    assert [(one["action"], one["at"][:10]) for one in listed(admin, limit="2", to="2026-01-31")] == actions
    newest = listed(admin, limit="2")
    assert [one["at"][:10] for one in newest] == ["2026-02-15", "2026-02-06", "2026-01-28"], "of the last 31 days"
    assert newest[0]["fields"] == ["digest_after"]
    assert newest[0]["author"]["kind"] == "api_key"
    assert {one["bank"] for one in newest} == {"eazycard"}
    assert listed(admin, **{"from": "2026-02-10"})[0] == newest[0]
    assert listed(admin, **{"from": "2030-01-01"}) == []


def test_a_cursor_of_the_trail_is_of_one_bank_and_one_time_span(bench: Bench, admin: Desk) -> None:
    for key in (None, OTHER_KEY):
        for number in range(2):
            options = {"key": key} if key else {}
            bench.request("PATCH", "/settings", {"digest_after": 30 + number}, **options)
    cursor = admin.get("/staff/audit", limit="1").json_body["next_cursor"]
    stranger = signed_in(bench, "admin", bank="other-bank")
    problem(stranger.get("/staff/audit", limit="1", cursor=cursor), 400, "invalid_cursor")
    problem(admin.get("/staff/audit", limit="1", cursor=cursor, to="2026-01-31"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"from": "2024-01-01"}, "from"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "from"),
        ({"limit": "101"}, "limit"),
        ({"action": "x"}, "action"),
    ],
)
def test_what_the_trail_can_not_be_asked_for_is_named(admin: Desk, query: dict[str, str], wrong: str) -> None:
    assert fields(problem(admin.get("/staff/audit", **query), 400, "validation_failed")) == [wrong]


def test_quotas_say_how_much_is_taken_today(bench: Bench) -> None:
    bench.record("1", "2", "3")
    viewer = signed_in(bench, "viewer")
    answer = viewer.get("/staff/quota").json_body
    assert answer["plan"] == "standard"
    assert answer["resets_at"] == "2026-01-11T00:00:00Z"
    used = {one["what"]: (one["used"], one["limit"]) for one in answer["quotas"]}
    assert used.keys() == {"transactions", "emails"}
    taken, limit = used["transactions"]
    assert 3 <= taken <= 5_000, "functions take many at once"
    assert (limit, used["emails"]) == (DAILY["standard"].transactions, (0, DAILY["standard"].emails))
    bench.now += timedelta(days=1)
    assert viewer.get("/staff/quota").json_body["quotas"][0]["used"] == 0


def test_a_plan_without_limits_counts_nothing(bench: Bench) -> None:
    app_module.services.bank_store.change_bank("eazycard", plan="volume")
    bench.restart()
    answer = signed_in(bench, "viewer").get("/staff/quota").json_body
    assert answer["quotas"] == [{"what": what, "used": None, "limit": None} for what in ("transactions", "emails")]


def test_a_limit_of_the_banks_e_mails_alone_is_the_one_that_counts(bench: Bench) -> None:
    bench.banks.change_bank("eazycard", emails_per_day=300)
    bench.restart()
    answer = signed_in(bench, "viewer").get("/staff/quota").json_body
    limits = {one["what"]: one["limit"] for one in answer["quotas"]}
    assert limits == {"transactions": DAILY["standard"].transactions, "emails": 300}
    assert app_module.services._allowed_emails("eazycard", 500) == 300  # which is what mailers ask
    assert app_module.services._allowed_emails("other-bank", 500) == 500
    today = {one["what"]: one["limit"] for one in signed_in(bench, "viewer").get("/staff/today").json_body["quota"]}
    assert today == limits


def test_an_admin_changes_settings_in_the_admin_s_name_if_nobody_else_has(bench: Bench, admin: Desk) -> None:
    before = signed_in(bench, "viewer").get("/staff/settings")
    assert before.json_body == bench.get("/settings").json_body
    tag = before.headers["ETag"]
    changed = admin.request("PATCH", "/staff/settings", {"digest_after": 33}, if_match=tag)
    assert changed.json_body["digest_after"] == 33
    assert changed.headers["ETag"] == bench.get("/settings").headers["ETag"] != tag
    problem(admin.request("PATCH", "/staff/settings", {"digest_after": 34}, if_match=tag), 412, "precondition_failed")
    problem(admin.request("PATCH", "/staff/settings", {"digest_after": "x"}), 400, "validation_failed")
    assert [(one["action"], one["author"], one["fields"]) for one in listed(admin)] == [
        ("settings.patch", {"kind": "staff", "id": "s-9"}, ["digest_after"])
    ]
