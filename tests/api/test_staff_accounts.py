"""Staff's page of an account, and the lift of a suppression from it."""

from datetime import timedelta
from decimal import Decimal

import pytest

import app as app_module
from chalicelib.audit.entry import Entry
from chalicelib.audit.repository import AuditRepository
from chalicelib.flags.baselines import Amounts, Baseline
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from tests.app_bench import HOLDER, NOW, OTHER_KEY, Bench, fields, problem
from tests.staff_world import Desk, signed_in

PAGE = "/staff/accounts/A123"
SUPPRESSION = f"{PAGE}/holders/h1/suppression"


@pytest.fixture
def viewer(bench: Bench) -> Desk:
    return signed_in(bench, "viewer", sub="s-1")


def entries(bench: Bench) -> list[Entry]:
    found = AuditRepository(bench.dynamodb, "AuditTable", 10).of_bank("eazycard", NOW, NOW + timedelta(days=1))
    return [entry for entry in found if entry.author.kind == "staff"]


def test_an_account_of_which_nothing_is_known_is_empty(bench: Bench, viewer: Desk) -> None:
    bench.record("of-b", key=OTHER_KEY)
    answer = viewer.get(PAGE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json_body == {"account": "A123", "usual": [], "holders": [], "transactions": [], "seen_by": []}


def test_an_account_has_its_holders_with_their_next_statement_and_its_usual_amounts(bench: Bench, viewer: Desk) -> None:
    weekly = {"timezone": "Africa/Douala", "preferences": {"statement": "weekly"}}
    bench.put_holder("h1", {**HOLDER, **weekly})
    bench.put_holder("h2", {**HOLDER, "email": "ben@example.com"})
    suppressed = Suppressed("hard_bounce", bench.now)
    app_module.services.enrolment.suppress(Address.of("eazycard", "ben@example.com"), suppressed, bench.now)
    app_module.services.baselines.put({"eazycard#A123": Baseline(amounts={"EUR#debit": Amounts().add(Decimal(7))})})
    page = viewer.get(PAGE).json_body
    of_bank = bench.get("/accounts/A123/holders").json_body["holders"]
    # The week ends on Sunday, 11 January; the statement comes on Monday at eight in Douala.
    assert page["holders"] == [
        {**of_bank[0], "statement": {"period": "weekly", "next_due": "2026-01-12T07:00:00Z"}},
        of_bank[1],
    ]
    assert page["holders"][1]["suppressed"]["reason"] == "hard_bounce"
    assert page["usual"] == [{"currency": "EUR", "type": "debit", "count": 1, "average": "7.00", "spread": "0.00"}]


def test_the_newest_transactions_are_shown_and_the_search_goes_on_behind_them(bench: Bench, viewer: Desk) -> None:
    for number in range(25):
        bench.record(f"t{number:02}", timestamp=f"2026-01-10T10:00:{number:02}Z")
    page = viewer.get(PAGE).json_body
    assert [one["id"] for one in page["transactions"]] == [f"t{number:02}" for number in range(24, 4, -1)]
    rest = viewer.get("/staff/transactions", account="A123", cursor=page["next_cursor"]).json_body
    assert [one["id"] for one in rest["transactions"]] == [f"t{number:02}" for number in range(4, -1, -1)]


def test_a_look_at_an_account_is_in_the_trail(bench: Bench, viewer: Desk) -> None:
    viewer.get(PAGE)
    viewer.get(PAGE)
    assert [(entry.action, entry.author.id) for entry in entries(bench)] == [("account.viewed", "s-1")]
    seen_by = signed_in(bench, "viewer", sub="s-2").get(PAGE).json_body["seen_by"]
    assert seen_by == [{"subject": "s-1", "at": "2026-01-10T14:00:00Z"}]


def test_an_account_s_id_has_a_form(viewer: Desk) -> None:
    assert fields(problem(viewer.get("/staff/accounts/%2A"), 400, "validation_failed")) == ["account"]


def test_an_admin_lifts_a_suppression_in_the_admin_s_name(bench: Bench) -> None:
    admin = signed_in(bench, "admin", sub="s-9")
    bench.put_holder()
    problem(admin.request("DELETE", SUPPRESSION), 404, "not_suppressed")
    app_module.services.enrolment.suppress(
        Address.of("eazycard", HOLDER["email"]), Suppressed("hard_bounce", bench.now), bench.now
    )
    bench.now += timedelta(seconds=1)
    assert admin.request("DELETE", SUPPRESSION).status_code == 204
    assert "suppressed" not in admin.get(PAGE).json_body["holders"][0]
    lifted = [entry for entry in entries(bench) if entry.action == "suppression.lift"]
    assert {(entry.author.kind, entry.author.id) for entry in lifted} == {("staff", "s-9")}
    problem(admin.request("DELETE", f"{PAGE}/holders/nobody/suppression"), 404, "holder_not_found")
