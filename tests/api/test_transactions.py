"""What `POST /transactions` and its listing say beside the transaction: warnings, preferences, its place, its flags."""

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
from chalice.test import HTTPResponse

import app as app_module
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.repository import TransactionRepository
from tests.app_bench import OTHER_KEY, PROJECT, SMALLEST, Bench, fields, problem
from tests.fakes import Failing, Metered, refusal

EVENT = json.loads((PROJECT / "tests" / "events" / "api_gateway_post.json").read_text())
BATCH = "/transactions/batch"
ODD = {**SMALLEST, "merchant": {"name": "Mokolo", "country": "ZZ"}, "description": "a\0b"}
WARNED = ["description", "merchant.country"]
STRICT = {"prefer": "handling=strict"}


def warned(answer: dict[str, Any]) -> list[str]:
    return sorted(warning["field"] for warning in answer["warnings"])


def test_warnings_are_said_of_a_new_transaction_of_a_replay_and_of_a_dry_run(bench: Bench) -> None:
    foreseen = bench.request("POST", "/transactions?dry_run=true", ODD)
    assert warned(foreseen.json_body) == WARNED
    created = bench.post(ODD)
    assert (created.status_code, warned(created.json_body)) == (201, WARNED)
    assert created.json_body["merchant"] == {"name": "Mokolo"}
    assert created.json_body["description"] == "ab"
    bench.now += timedelta(seconds=1)
    replayed = bench.post(ODD)
    assert (replayed.status_code, warned(replayed.json_body)) == (200, WARNED)
    foreseen = bench.request("POST", "/transactions?dry_run=true", ODD)
    assert (foreseen.json_body["status"], warned(foreseen.json_body)) == ("replayed", WARNED)


def test_without_warnings_there_are_none_in_the_answer_nor_in_what_is_stored(bench: Bench) -> None:
    assert "warnings" not in bench.post(SMALLEST).json_body
    bench.post({**ODD, "id": "2"})
    assert "warnings" not in bench.get("/transactions/2").json_body


def test_warnings_are_said_of_a_transaction_that_is_queued(bench: Bench) -> None:
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("ThrottlingException"), operation="put_item"))
    response = bench.post(ODD)
    assert response.status_code == 202
    assert {name: response.json_body[name] for name in ("id", "status")} == {"id": "1", "status": "queued"}
    assert warned(response.json_body) == WARNED


@pytest.mark.parametrize("prefer", ["respond-async", None])
def test_warnings_are_said_of_each_item_of_a_batch(bench: Bench, prefer: str | None) -> None:
    items = [{**SMALLEST, "id": "a"}, {**ODD, "id": "b"}, {**ODD, "id": "c", "amount": -1}]
    a, b, c = bench.request("POST", BATCH, {"transactions": items}, prefer=prefer).json_body["results"]
    assert "warnings" not in a
    assert warned(b) == WARNED
    assert (c["status"], fields(c)) == ("invalid", ["amount"])
    assert "warnings" not in c


def test_of_more_warnings_than_anyone_reads_the_first_are_said(bench: Bench) -> None:
    many = {**SMALLEST, "metadata": {f"x{number}" + "k" * 500: 1 for number in range(150)}}
    warnings = bench.post(many).json_body["warnings"]
    assert (len(warnings), max(len(warning["field"]) for warning in warnings)) == (100, 265)
    (result,) = bench.request("POST", BATCH, {"transactions": [many]}).json_body["results"]
    assert (len(result["warnings"]), max(len(one["field"]) for one in result["warnings"])) == (10, 48)


@pytest.mark.parametrize(
    "prefer",
    [
        "handling=strict",
        "Handling=Strict",
        'handling="strict"',
        "handling = strict",
        "handling=strict; x=y",
        "wait=10, handling=strict",
        "handling=strict, handling=lenient",
    ],
)
def test_strict_handling_makes_every_warning_an_error(bench: Bench, prefer: str) -> None:
    document = problem(bench.post(ODD, prefer=prefer), 400, "validation_failed")
    assert sorted(fields(document)) == WARNED
    assert bench.stored() == 0
    (result,) = bench.request("POST", BATCH, {"transactions": [ODD]}, prefer=prefer).json_body["results"]
    assert (result["status"], result["code"], sorted(fields(result))) == ("invalid", "validation_failed", WARNED)
    response = bench.post(SMALLEST, prefer=prefer)
    assert (response.status_code, response.headers["Preference-Applied"]) == (201, "handling=strict")


@pytest.mark.parametrize("prefer", ["handling=lenient", "handling=lenient, handling=strict", "handling", "strict", ""])
def test_any_other_handling_is_lenient(bench: Bench, prefer: str) -> None:
    response = bench.post(ODD, prefer=prefer)
    assert response.status_code == 201
    assert response.headers.get("Preference-Applied") == ("handling=lenient" if "=lenient" in prefer else None)


def test_strict_handling_and_an_answer_at_once_can_both_be_preferred(bench: Bench) -> None:
    items = [{**SMALLEST, "id": "a"}, {**ODD, "id": "b"}]
    response = bench.request("POST", BATCH, {"transactions": items}, prefer="handling=strict, respond-async")
    assert response.headers["Preference-Applied"] == "respond-async, handling=strict"
    assert [result["status"] for result in response.json_body["results"]] == ["queued", "invalid"]


def located(request_path: str, base: str, stage_path: str | None = None) -> str:
    """Return where the answer to a POST at this path says that the transaction is, as a client finds it."""
    context = {**EVENT["requestContext"], "path": stage_path or base + request_path}
    event = {**EVENT, "path": request_path, "requestContext": context}
    answer = app_module.app(event, None)
    assert answer["statusCode"] == 201
    return urljoin(f"https://api.example{base}{request_path}", answer["headers"]["Location"])


@pytest.mark.parametrize("path", ["/transactions", "/transactions/", "/transactions//", "/transactions///"])
@pytest.mark.parametrize(
    ("base", "stage_path"),
    [
        ("/prod", None),  # a stage of API Gateway
        ("/notifier/v1", None),  # the base path of a domain of one's own
        ("", None),
        ("/prod//notifier", None),
        ("/_aws/execute-api/a1b2c3/local", "/local"),  # the local cloud
    ],
)
def test_a_location_leads_to_the_transaction_behind_whatever_stands_before_the_path(
    bench: Bench, base: str, stage_path: str | None, path: str
) -> None:
    found = located(path, base, stage_path + path if stage_path else None)
    # Slashes that a gateway takes in the request's path, it takes here too.
    assert re.sub("//+", "/", found.removeprefix("https://api.example")) == re.sub("//+", "/", f"{base}/transactions/1")


@pytest.mark.parametrize("path", ["/transactions", "/transactions/", "/transactions?dry_run=false"])
def test_a_location_leads_to_the_transaction_on_a_local_server(bench: Bench, path: str) -> None:
    response = bench.request("POST", path, SMALLEST)
    there = urljoin(f"http://127.0.0.1:8000{path}", response.headers["Location"])
    assert there == "http://127.0.0.1:8000/transactions/1"
    assert bench.get(there.removeprefix("http://127.0.0.1:8000")).json_body["id"] == "1"


def listed(bench: Bench, **query: str) -> list[str]:
    response = bench.get("/accounts/A123/transactions", **query)
    return [one["id"] for one in response.json_body["transactions"]]


def test_a_listing_has_the_transactions_of_one_status(bench: Bench) -> None:
    for status in ("settled", "authorized", "reversed", "declined"):
        bench.record(f"{status}-1", f"{status}-2", status=status)
        assert sorted(listed(bench, status=status)) == [f"{status}-1", f"{status}-2"]
    bench.record("debit", type="debit", status="declined")
    assert listed(bench, status="declined", type="debit") == ["debit"]
    assert len(listed(bench)) == 9
    pages = bench.walk("/accounts/A123/transactions", status="declined", limit="1")
    assert sorted(one for page in pages for one in page) == ["debit", "declined-1", "declined-2"]


@pytest.mark.parametrize("status", ["", "Settled", "queued", "settled,declined"])
def test_another_status_is_refused(bench: Bench, status: str) -> None:
    document = problem(bench.get("/accounts/A123/transactions", status=status), 400, "validation_failed")
    assert fields(document) == ["status"]


def test_each_listed_transaction_comes_with_its_own_flags(bench: Bench) -> None:
    bench.record(*(f"t{number}" for number in range(5)))
    bench.record("t1", key=OTHER_KEY)
    velocity = {"count": 6, "limit": 5, "minutes": 10}
    stored = TransactionRepository(bench.dynamodb, "TransactionsTable")
    flags = FlagRepository(bench.dynamodb, "TransactionsTable")
    shadow = frozenset({"new_country"})
    evidence = {"velocity": velocity, "new_country": {"country": "BR", "known": ["CM"], "count": 12}}
    flags.record([Flagging(stored.get("eazycard", name), evidence, shadow, bench.now) for name in ("t1", "t3")])
    answer = bench.get("/accounts/A123/transactions").json_body["transactions"]
    assert {one["id"]: one["flags"] for one in answer} == {
        **{f"t{number}": {} for number in range(5)},
        "t1": {"velocity": velocity},
        "t3": {"velocity": velocity},
    }
    (other,) = bench.get("/accounts/A123/transactions", key=OTHER_KEY).json_body["transactions"]
    assert other["flags"] == {}


def test_a_full_page_is_read_in_two_calls(bench: Bench) -> None:
    items = [{**SMALLEST, "id": f"t{number}"} for number in range(100)]
    assert bench.request("POST", BATCH, {"transactions": items}).json_body["counts"]["created"] == 100
    calls: Counter[str] = Counter()
    bench.restart(dynamodb=Metered(bench.dynamodb, calls, Counter()))
    bench.get("/transactions/none")  # the bank is known from here
    calls.clear()
    assert len(listed(bench, limit="100")) == 100
    assert calls == {"query": 1, "batch_get_item": 1}


def test_an_empty_page_reads_no_flags(bench: Bench) -> None:
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("ThrottlingException"), operation="batch_get_item"))
    assert listed(bench) == []


REPORTS = json.loads((PROJECT / "tests" / "data" / "reports.json").read_text())


def report(name: str) -> pytest.MarkDecorator:
    """Return the decorator that gives a test each of the reports of this kind."""
    cases = [(case["sent"], case) for case in REPORTS[name]]
    return pytest.mark.parametrize(("sent", "case"), cases, ids=[json.dumps(sent)[:60] for sent, _ in cases])


def posted(bench: Bench, sent: dict[str, Any]) -> HTTPResponse:
    return bench.post({**SMALLEST, **sent})


@report("refused")
def test_what_was_reported_as_taken_but_unusable_is_refused(bench: Bench, sent: Any, case: dict[str, Any]) -> None:
    document = problem(posted(bench, sent), 400, "validation_failed")
    assert fields(document) == case["fields"]
    assert bench.stored() == 0


@report("taken")
def test_what_was_reported_as_refused_for_its_form_is_taken(bench: Bench, sent: Any, case: dict[str, Any]) -> None:
    response = posted(bench, sent)
    assert response.status_code == 201
    answer = response.json_body
    assert {name: answer.get(name) for name in case["answered"]} == case["answered"]
    assert [warning["field"] for warning in answer.get("warnings", [])] == case.get("warned", [])


@report("same")
def test_what_was_reported_as_another_content_is_a_replay(bench: Bench, sent: Any, case: dict[str, Any]) -> None:
    assert posted(bench, sent).status_code == 201
    bench.now += timedelta(seconds=1)
    for again in case["again"]:
        response = posted(bench, again)
        assert (response.status_code, response.headers["Idempotency-Replayed"]) == (200, "true")


def test_an_id_that_is_a_path_is_refused_for_accounts_and_holders_too(bench: Bench) -> None:
    for sent in ({"id": ".."}, {"account": ".."}, {"authorization_id": ".."}):
        assert fields(problem(posted(bench, sent), 400, "validation_failed")) == list(sent)
    problem(bench.get("/transactions/.."), 404, "transaction_not_found")
    assert fields(problem(bench.get("/accounts/../transactions"), 400, "validation_failed")) == ["account"]
    assert fields(problem(bench.put_holder(".."), 400, "validation_failed")) == ["holder"]
