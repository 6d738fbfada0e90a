"""`GET /analytics` and `GET /accounts/{account}/analytics`: exact, current to seconds, and their own bank's only."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import app as app_module
from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.repository import SAFETY_MARGIN
from chalicelib.banks.thresholds import FLAGS
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.money import format_amount
from tests.app_bench import KEY, OTHER_KEY, SMALLEST, Bench, fields, problem

ROUTES = ("/analytics", "/accounts/A123/analytics")


def run_job(bench: Bench) -> None:
    """Fold what is recorded: the job's clock is past its margin, and the bank's goes on from there."""
    bench.now += SAFETY_MARGIN + timedelta(seconds=1)
    app_module.services.analytics_job.run(lambda: 60.0)


def posted(bench: Bench, *transactions: dict[str, Any], key: str | None = None) -> None:
    options = {"key": key} if key else {}
    for one in transactions:
        assert bench.post({**SMALLEST, **one}, **options).status_code == 201


THE_CONTRACTS = [
    {"id": "1", "amount": "250500", "type": "credit"},
    {"id": "2", "amount": "50000", "type": "debit", "timestamp": "2026-01-09T10:00:00Z"},
    {"id": "3", "amount": "40000", "type": "debit", "timestamp": "2026-01-09T23:30:00-01:00"},
    {"id": "4", "amount": "40000", "type": "debit", "status": "reversed", "reversal_of": "3"},
    {"id": "5", "amount": "9000", "type": "debit", "status": "authorized"},
    {"id": "6", "amount": "9000", "type": "debit", "status": "authorized"},
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("is_folded", [False, True], ids=["live tail", "roll-ups"])
def test_the_contracts_example_is_answered_as_it_stands_there(bench: Bench, route: str, is_folded: bool) -> None:
    posted(bench, *({**one, "currency": "XAF"} for one in THE_CONTRACTS))
    if is_folded:
        run_job(bench)
    answer = bench.get(route, **{"from": "2026-01-01", "to": "2026-01-31"})
    assert answer.status_code == 200
    assert answer.json_body == {
        "from": "2026-01-01",
        "to": "2026-01-31",
        "as_of": bench.now.isoformat().replace("+00:00", "Z"),
        "totals": [
            {
                "currency": "XAF",
                "count": 3,
                "credit": {"count": 1, "amount": "250500"},
                "debit": {"count": 2, "amount": "90000"},
                "reversed": {"credit": {"count": 0, "amount": "0"}, "debit": {"count": 1, "amount": "40000"}},
                "net": "200500",
                "average": "113500",
                "max_transaction": {
                    "id": "1",
                    "account": "A123",
                    "amount": "250500",
                    "type": "credit",
                    "timestamp": "2026-01-10T14:00:00Z",
                },
            }
        ],
        "statuses": {"settled": 3, "authorized": 2, "reversed": 1, "declined": 0},
        "flags": dict.fromkeys(FLAGS, 0),
        "days": [
            {"date": "2026-01-09", "currency": "XAF", "count": 1, "credit": "0", "debit": "50000"},
            {"date": "2026-01-10", "currency": "XAF", "count": 2, "credit": "250500", "debit": "40000"},
        ],
    }


@pytest.mark.parametrize("route", ROUTES)
def test_without_transactions_there_are_no_totals_and_no_days(bench: Bench, route: str) -> None:
    answer = bench.get(route).json_body
    assert (answer["totals"], answer["days"], answer["flags"]) == ([], [], dict.fromkeys(FLAGS, 0))


@pytest.mark.parametrize("route", ROUTES)
def test_today_and_the_30_days_before_are_answered_unless_others_are_asked_for(bench: Bench, route: str) -> None:
    answer = bench.get(route).json_body
    assert (answer["from"], answer["to"]) == ("2025-12-11", "2026-01-10")
    answer = bench.get(route, to="2026-01-05").json_body
    assert (answer["from"], answer["to"]) == ("2025-12-06", "2026-01-05")
    answer = bench.get(route, **{"from": "2026-01-05"}).json_body
    assert (answer["from"], answer["to"]) == ("2026-01-05", "2026-01-10")


def test_rolled_up_and_new_transactions_are_added_and_replays_count_once(bench: Bench) -> None:
    posted(bench, {"id": "old", "amount": "1.10"})
    run_job(bench)
    posted(bench, {"id": "new", "amount": "2.20"})
    assert bench.post({**SMALLEST, "id": "old", "amount": "1.10"}).status_code == 200
    (total,) = bench.get("/analytics").json_body["totals"]
    assert (total["count"], total["credit"]["amount"], total["average"]) == (2, "3.30", "1.65")
    run_job(bench)
    assert bench.get("/analytics").json_body["totals"] == [total]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", ["authorized", "reversed", "declined"])
def test_only_settled_transactions_count(bench: Bench, route: str, status: str) -> None:
    posted(bench, {"id": "1", "status": status})
    assert bench.get(route).json_body["totals"] == []
    run_job(bench)
    assert bench.get(route).json_body["totals"] == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_transaction_that_comes_late_counts_on_its_own_day(bench: Bench, route: str) -> None:
    posted(bench, {"id": "late", "timestamp": "2025-03-01T23:59:59.999999Z"})
    run_job(bench)
    assert bench.get(route).json_body["totals"] == []
    (day,) = bench.get(route, **{"from": "2025-03-01", "to": "2025-03-01"}).json_body["days"]
    assert day["date"] == "2025-03-01"


@pytest.mark.parametrize("route", ROUTES)
def test_a_currency_can_be_asked_for(bench: Bench, route: str) -> None:
    posted(bench, {"id": "1", "currency": "EUR"}, {"id": "2", "currency": "XAF", "amount": 7})
    run_job(bench)
    answer = bench.get(route, currency="XAF").json_body
    assert [total["currency"] for total in answer["totals"]] == ["XAF"]
    assert [day["currency"] for day in answer["days"]] == ["XAF"]
    assert [total["currency"] for total in bench.get(route).json_body["totals"]] == ["EUR", "XAF"]
    assert bench.get(route, currency="JPY").json_body["totals"] == []


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"from": "2026-02-01", "to": "2026-01-31"}, ["from"]),
        ({"from": "2026-01-11"}, ["from"]),
        ({"from": "2025-01-01", "to": "2026-01-02"}, ["from"]),
        ({"from": "yesterday"}, ["from"]),
        ({"to": "2026-02-30"}, ["to"]),
        ({"to": "2026-01-10T00:00:00Z"}, ["to"]),
        ({"to": "20260110"}, ["to"]),
        ({"to": "2026-W02-6"}, ["to"]),
        ({"to": ""}, ["to"]),
        ({"from": "0000-01-01"}, ["from"]),
        ({"from": "٢٠٢٦-٠١-٠١"}, ["from"]),
        ({"currency": "XXX"}, ["currency"]),
        ({"currency": "xaf"}, ["currency"]),
        ({"currency": ""}, ["currency"]),
        ({"from": "x", "to": "y", "currency": "z"}, ["from", "to", "currency"]),
        ({"type": "credit"}, ["type"]),
    ],
)
def test_a_range_or_currency_that_can_not_be_is_refused_and_named(
    bench: Bench, route: str, query: dict[str, str], named: list[str]
) -> None:
    assert fields(problem(bench.get(route, **query), 400, "validation_failed")) == named


@pytest.mark.parametrize("route", ROUTES)
def test_366_days_are_answered_and_the_ends_of_the_calendar_too(bench: Bench, route: str) -> None:
    for first, last in (("2024-01-01", "2024-12-31"), ("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31")):
        assert bench.get(route, **{"from": first, "to": last}).status_code == 200
    assert bench.get(route, to="0001-01-01").json_body["from"] == "0001-01-01"


def test_a_bank_and_an_account_see_what_is_theirs_only(bench: Bench) -> None:
    posted(bench, {"id": "1", "account": "A123", "amount": 1}, {"id": "2", "account": "B7", "amount": 2})
    posted(bench, {"id": "1", "account": "A123", "amount": 4}, key=OTHER_KEY)
    for _ in range(2):
        assert bench.get("/analytics").json_body["totals"][0]["credit"]["amount"] == "3.00"
        assert bench.get("/analytics", key=OTHER_KEY).json_body["totals"][0]["credit"]["amount"] == "4.00"
        assert bench.get("/accounts/A123/analytics").json_body["totals"][0]["credit"]["amount"] == "1.00"
        assert bench.get("/accounts/A123/analytics", key=OTHER_KEY).json_body["totals"][0]["credit"]["amount"] == "4.00"
        assert bench.get("/accounts/nobody/analytics").json_body["totals"] == []
        run_job(bench)


@pytest.mark.parametrize("is_folded", [False, True], ids=["live tail", "roll-ups"])
def test_flags_are_counted_for_the_bank_the_account_the_range_and_the_currency(bench: Bench, is_folded: bool) -> None:
    drafts = [
        {"id": "1"},
        {"id": "2", "status": "authorized", "timestamp": "2026-01-09T23:00:00Z"},
        {"id": "3", "account": "B7", "currency": "XAF", "amount": 5},
    ]
    posted(bench, *drafts)
    posted(bench, drafts[0], key=OTHER_KEY)
    flagged = [
        ("eazycard", "1", ["velocity", "large_amount"]),
        ("eazycard", "2", ["velocity"]),
        ("eazycard", "3", ["new_country"]),
        ("other-bank", "1", ["unusual_amount"]),
    ]
    stored = app_module.services.transactions
    decisions = [
        Flagging(stored.get(bank, one), {name: {"count": 6} for name in names}, frozenset(FLAGS[:1]), bench.now)
        for bank, one, names in flagged
    ]
    FlagRepository(bench.dynamodb, "TransactionsTable").record(decisions)
    if is_folded:
        run_job(bench)

    def flags(route: str, key: str = KEY, **query: str) -> dict[str, int]:
        answer = bench.get(route, key=key, **query).json_body["flags"]
        assert list(answer) == list(FLAGS)
        return {name: count for name, count in answer.items() if count}

    assert flags("/analytics") == {"velocity": 2, "large_amount": 1, "new_country": 1}
    assert flags("/analytics", **{"from": "2026-01-10", "to": "2026-01-10"}) == {
        "velocity": 1,
        "large_amount": 1,
        "new_country": 1,
    }
    assert flags("/analytics", currency="XAF") == {"new_country": 1}
    assert flags("/analytics", OTHER_KEY) == {"unusual_amount": 1}
    assert flags("/accounts/A123/analytics") == {"velocity": 2, "large_amount": 1}
    assert flags("/accounts/A123/analytics", OTHER_KEY) == {"unusual_amount": 1}
    assert [day["date"] for day in bench.get("/accounts/A123/analytics").json_body["days"]] == ["2026-01-10"]


def test_the_largest_amounts_add_up_exactly(bench: Bench) -> None:
    largest = "999999999999999.99"
    posted(bench, *({"id": str(number), "amount": largest, "type": "debit"} for number in range(10)))
    run_job(bench)
    (total,) = bench.get("/analytics").json_body["totals"]
    assert total["debit"]["amount"] == "9999999999999999.90"
    assert total["net"] == "-9999999999999999.90"
    assert total["average"] == largest
    assert total["max_transaction"]["id"] == "0"


def test_what_is_answered_is_the_plain_sum_of_what_was_posted(bench: Bench) -> None:
    random_ = random.Random(7)
    sums: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for number in range(120):
        moment = datetime.fromisoformat("2026-01-10T12:00:00+00:00") - timedelta(hours=random_.randrange(600))
        amount, currency = Decimal(random_.randrange(1, 10**6)), random_.choice(["EUR", "XAF"])
        posted(
            bench, {"id": f"t{number}", "amount": str(amount), "currency": currency, "timestamp": moment.isoformat()}
        )
        sums[moment.date(), currency] += amount
        if number % 40 == 39:
            run_job(bench)
    answer = bench.get("/analytics").json_body
    assert {(date.fromisoformat(day["date"]), day["currency"]): day["credit"] for day in answer["days"]} == {
        (day, currency): format_amount(amount, currency) for (day, currency), amount in sums.items()
    }


def test_an_account_with_more_than_one_request_adds_up_is_told_to_which_day_the_range_may_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted(bench, *({"id": f"{day}", "timestamp": f"2026-01-0{day}T10:00:00Z"} for day in range(1, 8)))
    services = app_module.services
    small = AnalyticsReader(services.roll_ups, services.transactions, services.now, max_rows=4)
    monkeypatch.setattr(services, "analytics", small)
    route, first = "/accounts/A123/analytics", {"from": "2026-01-01"}
    document = problem(bench.get(route, **first, to="2026-01-07"), 400, "range_too_large")
    assert document["errors"] == [{"field": "to", "message": "Must be 2026-01-04 at most."}]
    assert bench.get(route, **first, to="2026-01-04").json_body["totals"][0]["count"] == 4
    assert bench.get("/analytics", **first, to="2026-01-07").json_body["totals"][0]["count"] == 7


def test_a_bank_with_more_totals_than_one_answer_holds_is_told_to_which_day_the_range_may_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 8):
        for currency in ("EUR", "USD"):
            posted(bench, {"id": f"{day}{currency}", "timestamp": f"2026-01-0{day}T10:00:00Z", "currency": currency})
    monkeypatch.setattr("chalicelib.api.analytics.MAX_DAY_TOTALS", 5)
    first = {"from": "2026-01-01"}
    document = problem(bench.get("/analytics", **first, to="2026-01-07"), 400, "range_too_large")
    assert document["errors"] == [{"field": "to", "message": "Must be 2026-01-02 at most."}]
    assert len(bench.get("/analytics", **first, to="2026-01-02").json_body["days"]) == 4
    # By currency, more days fit; where not even one day does, that is what the answer says.
    assert len(bench.get("/analytics", **first, to="2026-01-05", currency="EUR").json_body["days"]) == 5
    monkeypatch.setattr("chalicelib.api.analytics.MAX_DAY_TOTALS", 1)
    document = problem(bench.get("/analytics", **first, to="2026-01-07"), 400, "range_too_large")
    assert document["errors"] == []
    assert "Ask for one currency" in document["detail"]
