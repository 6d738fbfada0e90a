"""Staff's searches: by anything that is known of a transaction, a page at a time, each bank's own only."""

from datetime import timedelta
from typing import Any

import pytest

import app as app_module
from chalicelib.audit.repository import AuditRepository
from chalicelib.flags.repository import Flagging
from chalicelib.ledger import search_repository
from chalicelib.ledger.search_repository import MOST_ACCOUNTS
from tests.app_bench import HOLDER, NOW, OTHER_KEY, SMALLEST, Bench, fields, problem
from tests.fakes import Refusing, refusal
from tests.samples import EVIDENCE
from tests.staff_world import Desk, signed_in


@pytest.fixture
def viewer(bench: Bench) -> Desk:
    return signed_in(bench, "viewer")


def search(desk: Desk, **query: str) -> list[str]:
    """Follow the cursors; return the ids of all that is found."""
    found, cursor = [], {}
    while True:
        answer = desk.get("/staff/transactions", **query, **cursor)
        assert answer.status_code == 200, answer.json_body
        assert answer.headers["Cache-Control"] == "no-store"
        found += [one["id"] for one in answer.json_body["transactions"]]
        if "next_cursor" not in answer.json_body:
            return found
        cursor = {"cursor": answer.json_body["next_cursor"]}


def enrol(bench: Bench, account: str, holder: str = "h1", **changes: Any) -> None:
    answer = bench.request("PUT", f"/accounts/{account}/holders/{holder}", {**HOLDER, **changes})
    assert answer.status_code in (200, 201)


def flag(bench: Bench, transaction_id: str, *names: str) -> None:
    services = app_module.services
    stored = services.transactions.get("eazycard", transaction_id)
    services.flags.record([Flagging(stored, {name: EVIDENCE[name] for name in names}, frozenset(), bench.now)])


def test_a_search_finds_by_each_filter_and_by_all_together(bench: Bench, viewer: Desk) -> None:
    bench.record("t1", account="A1", timestamp="2026-01-10T10:00:00Z")
    bench.record("t2", account="A2", timestamp="2026-01-10T11:00:00Z", type="debit", amount=9)
    bench.record("t3", account="A2", timestamp="2026-01-09T11:00:00Z", status="declined", currency="USD")
    bench.record("t4", account="A3", key=OTHER_KEY)
    enrol(bench, "A2", email="awa@bank.example")
    enrol(bench, "A1", "h2", email="awa@bank.example")
    flag(bench, "t2", "velocity", "large_amount")
    for query, found in (
        ({}, ["t2", "t1", "t3"]),
        ({"id": "t2"}, ["t2"]),
        ({"id": "t2", "type": "credit"}, []),
        ({"id": "t2", "flag": "velocity"}, ["t2"]),
        ({"id": "t1", "flag": "velocity"}, []),
        ({"id": "t4"}, []),
        ({"account": "A2"}, ["t2", "t3"]),
        ({"holder": "h1"}, ["t2", "t3"]),
        ({"holder": "h2", "account": "A2"}, []),
        ({"holder": "h9"}, []),
        ({"email": "AWA@bank.example"}, ["t2", "t1", "t3"]),
        ({"email": "awa@bank.example", "holder": "h2"}, ["t1"]),
        ({"email": "nobody@bank.example"}, []),
        ({"status": "declined"}, ["t3"]),
        ({"type": "debit"}, ["t2"]),
        ({"flag": "large_amount"}, ["t2"]),
        ({"flag": "new_country"}, []),
        ({"currency": "USD"}, ["t3"]),
        ({"min_amount": "9.01"}, ["t1", "t3"]),
        ({"max_amount": "9"}, ["t2"]),
        ({"from": "2026-01-10"}, ["t2", "t1"]),
        ({"to": "2026-01-10T10:00:00Z"}, ["t1", "t3"]),
        ({"account": "A2", "type": "debit", "flag": "velocity", "min_amount": "1", "from": "2026-01-10"}, ["t2"]),
    ):
        assert search(viewer, **query) == found, query
        assert search(viewer, **query, limit="1") == found, query


def test_what_is_found_is_answered_as_in_a_list_with_its_flags(bench: Bench, viewer: Desk) -> None:
    bench.record("t1")
    flag(bench, "t1", "velocity")
    (found,) = viewer.get("/staff/transactions").json_body["transactions"]
    (listed,) = bench.get("/accounts/A123/transactions").json_body["transactions"]
    assert found == listed
    assert found["flags"] == {"velocity": EVIDENCE["velocity"]}


def test_a_page_that_ends_early_says_how_far_it_got(
    bench: Bench, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_repository, "MOST_ROWS", 4)
    app_module.services.search._reads = 1
    for number in range(60):
        bench.record(f"t{number}", timestamp=f"2026-01-10T10:00:{number:02}Z")
    answer = viewer.get("/staff/transactions", type="debit", limit="2").json_body
    assert answer["transactions"] == []
    assert "2026-01-10T10:00:00Z" < answer["searched_to"] < "2026-01-10T10:00:59Z"
    assert search(viewer, type="debit", limit="2") == []


def test_a_cursor_is_of_one_bank_and_one_search(bench: Bench, viewer: Desk) -> None:
    bench.record("t1", "t2")
    enrol(bench, "A123", email="awa@bank.example")
    query = {"email": "awa@bank.example", "limit": "1"}
    cursor = viewer.get("/staff/transactions", **query).json_body["next_cursor"]
    assert viewer.get("/staff/transactions", **query, cursor=cursor).status_code == 200
    for other in ({"limit": "1"}, {**query, "type": "credit"}, {**query, "email": "ben@bank.example"}):
        problem(viewer.get("/staff/transactions", **other, cursor=cursor), 400, "invalid_cursor")
    stranger = signed_in(bench, "viewer", bank="other-bank")
    problem(stranger.get("/staff/transactions", **query, cursor=cursor), 400, "invalid_cursor")
    problem(viewer.get("/staff/transactions", cursor="forged"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"id": "#"}, ["id"]),
        ({"account": "a b"}, ["account"]),
        ({"holder": ".."}, ["holder"]),
        ({"email": "nobody"}, ["email"]),
        ({"email": "a@" + "b" * 260}, ["email"]),
        ({"status": "open", "type": "x", "flag": "y"}, ["flag", "status", "type"]),
        ({"currency": "eur"}, ["currency"]),
        ({"min_amount": "1e9"}, ["min_amount"]),
        ({"max_amount": "-1"}, ["max_amount"]),
        ({"max_amount": ""}, ["max_amount"]),
        ({"min_amount": "٣"}, ["min_amount"]),
        ({"min_amount": "2", "max_amount": "1"}, ["min_amount"]),
        ({"from": "2026-01-02", "to": "2026-01-01"}, ["from"]),
        ({"to": "yesterday"}, ["to"]),
        ({"limit": "0"}, ["limit"]),
        ({"bank": "other-bank"}, ["bank"]),
    ],
)
def test_what_is_no_filter_is_refused_by_name(viewer: Desk, query: dict[str, str], wrong: list[str]) -> None:
    document = problem(viewer.get("/staff/transactions", **query), 400, "validation_failed")
    assert sorted(fields(document)) == wrong


def test_a_holder_of_many_accounts_is_searched_for_with_one_of_them(bench: Bench, viewer: Desk) -> None:
    for number in range(MOST_ACCOUNTS + 1):
        enrol(bench, f"A{number}")
    bench.record("t1", account="A7")
    document = problem(viewer.get("/staff/transactions", holder="h1"), 400, "validation_failed")
    assert fields(document) == ["account"]
    assert search(viewer, holder="h1", account="A7") == ["t1"]


def test_holders_are_found_by_their_exact_address(bench: Bench, viewer: Desk) -> None:
    enrol(bench, "A1", email="awa@bank.example")
    enrol(bench, "A2", email="Awa@Bank.example")
    enrol(bench, "A3", email="ben@bank.example")
    answer = viewer.get("/staff/holders", email="AWA@BANK.EXAMPLE").json_body
    assert [one["account"] for one in answer["holders"]] == ["A1", "A2"]
    assert answer["holders"][0]["holder"] == bench.get("/accounts/A1/holders/h1").json_body
    assert "next_cursor" not in answer
    stranger = signed_in(bench, "viewer", bank="other-bank")
    assert stranger.get("/staff/holders", email="awa@bank.example").json_body == {"holders": []}
    for query in ({}, {"email": ""}, {"email": "awa"}):
        problem(viewer.get("/staff/holders", **query), 400, "validation_failed")


def test_many_holders_come_a_page_at_a_time(bench: Bench, viewer: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.api.staff_search.HOLDERS_A_PAGE", 2)
    for number in range(5):
        enrol(bench, f"A{number}")
    seen, cursor = [], {}
    while True:
        answer = viewer.get("/staff/holders", email=HOLDER["email"], **cursor).json_body
        seen += [one["account"] for one in answer["holders"]]
        if "next_cursor" not in answer:
            break
        cursor = {"cursor": answer["next_cursor"]}
        problem(viewer.get("/staff/holders", email="ben@bank.example", **cursor), 400, "invalid_cursor")
    assert seen == [f"A{number}" for number in range(5)]


def noted(bench: Bench) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return action, subject and fields of each entry of the trail."""
    entries = AuditRepository(bench.dynamodb, "AuditTable", 10).of_bank("eazycard", NOW, NOW + timedelta(1))
    found = list(entries)
    assert {entry.author.kind for entry in found} <= {"staff"}
    return sorted((entry.action, entry.subject, entry.fields) for entry in found)


def subject_of(*names: str) -> str:
    return app_module.services.trail.hashed("eazycard", *names)


def test_a_search_by_address_is_noted_without_the_address(bench: Bench, viewer: Desk) -> None:
    viewer.get("/staff/holders", email="awa@bank.example")
    viewer.get("/staff/transactions", email="AWA@bank.example")
    found = noted(bench)
    assert [action for action, _, _ in found] == ["holder.searched"] * 2
    assert len({subject for _, subject, _ in found}) == 1
    assert "bank.example" not in repr(bench.dynamodb.scan(TableName="AuditTable")["Items"])


@pytest.mark.parametrize(
    ("query", "looks"),
    [
        ({"id": "t-secret"}, [("transaction.viewed", ("transaction", "t-secret"), ())]),
        ({"account": "A-secret"}, [("account.viewed", ("account", "A-secret"), ())]),
        ({"holder": "h-secret"}, [("holder.searched", ("holder", "h-secret"), ())]),
        ({"account": "A-secret", "type": "debit"}, [("account.viewed", ("account", "A-secret"), ())]),
        (
            {"id": "t-secret", "account": "A-secret", "holder": "h-secret"},
            [
                ("transaction.viewed", ("transaction", "t-secret"), ()),
                ("account.viewed", ("account", "A-secret"), ()),
                ("holder.searched", ("holder", "h-secret"), ()),
            ],
        ),
        ({}, [("transaction.searched", ("search",), ())]),
        (
            {"min_amount": "98765", "currency": "XAF", "limit": "7"},
            [("transaction.searched", ("search", "currency", "min_amount"), ("currency", "min_amount"))],
        ),
    ],
)
def test_a_search_is_noted_once_by_what_it_names_and_without_it(
    bench: Bench, viewer: Desk, query: dict[str, str], looks: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    for _ in range(2):
        assert viewer.get("/staff/transactions", **query).status_code == 200
    assert noted(bench) == sorted((action, subject_of(*names), fields) for action, names, fields in looks)
    kept = repr(bench.dynamodb.scan(TableName="AuditTable")["Items"])
    assert not [value for value in query.values() if len(value) > 3 and value in kept]


def test_a_search_names_what_it_looks_at_as_the_pages_do(bench: Bench, viewer: Desk) -> None:
    bench.record("t1", account="A1")
    for path in ("/staff/transactions/t1", "/staff/accounts/A1"):
        assert viewer.get(path).status_code == 200
    for query in ({"id": "t1"}, {"account": "A1"}):
        viewer.get("/staff/transactions", **query)
    assert [action for action, _, _ in noted(bench)] == ["account.viewed", "transaction.viewed"]


@pytest.mark.parametrize("query", [{}, {"id": "t1"}, {"account": "A123"}, {"holder": "h1"}, {"email": HOLDER["email"]}])
def test_a_search_that_can_not_be_noted_shows_nothing(bench: Bench, viewer: Desk, query: dict[str, str]) -> None:
    bench.record("t1", account="A123")
    bench.restart(dynamodb=Refusing(bench.dynamodb, refusal("ThrottlingException"), "put_item"))
    problem(viewer.get("/staff/transactions", **query), 503, "temporarily_unavailable")


def test_the_smallest_transaction_is_found(bench: Bench, viewer: Desk) -> None:
    bench.post(SMALLEST)
    assert search(viewer) == ["1"]
