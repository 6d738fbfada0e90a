"""The HTTP API, through Chalice's own test client on emulated AWS: every answer's status, code and form."""

import base64
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode, urljoin

import pytest
from chalice.test import HTTPResponse
from hypothesis import given, settings
from hypothesis import strategies as st

import app as app_module
from chalicelib.banks.bank import hash_key
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.ingest_queue import unpack
from chalicelib.ledger.repository import TransactionRepository
from tests.app_bench import (
    AWS,
    BODIES,
    CARD,
    HOLDER,
    KEY,
    NOW,
    OTHER_KEY,
    PROJECT,
    ROUTES,
    SMALLEST,
    Bench,
    fields,
    problem,
)
from tests.fakes import Failing, Refusing, refusal

EVENT = json.loads((PROJECT / "tests" / "events" / "api_gateway_post.json").read_text())


def test_a_new_transaction_is_answered_with_201_and_its_place(bench: Bench) -> None:
    response = bench.post(SMALLEST)
    assert response.status_code == 201
    assert urljoin("https://api.example/prod/transactions", response.headers["Location"]) == (
        "https://api.example/prod/transactions/1"
    )
    assert response.headers["Content-Type"] == "application/json"
    assert "Idempotency-Replayed" not in response.headers
    assert response.json_body == {
        "id": "1",
        "account": "A123",
        "amount": "250.50",
        "type": "credit",
        "timestamp": "2026-01-10T14:00:00Z",
        "currency": "EUR",
        "status": "settled",
        "recorded_at": "2026-01-10T14:00:00Z",
    }
    unflagged = {**response.json_body, "flags": {}, "related": []}
    assert bench.get(response.headers["Location"].removeprefix(".")).json_body == unflagged


def test_every_field_is_answered_as_it_was_posted(bench: Bench) -> None:
    full = {
        **SMALLEST,
        "amount": "1234567.89",
        "currency": "USD",
        "status": "reversed",
        "authorization_id": "a-1",
        "merchant": {"name": "Marché", "mcc": "5411", "city": "Yaoundé", "country": "CM"},
        "description": "Café <b>",
        "balance": "-12.30",
        "card_last4": "0042",
        "metadata": {"channel": "pos", "é": "😀"},
    }
    recorded = {**full, "recorded_at": "2026-01-10T14:00:00Z"}
    assert bench.post(full).json_body == recorded
    assert bench.get("/transactions/1").json_body == {
        **recorded,
        "flags": {},
        "related": [{"id": "a-1", "relation": "releases", "role": "release"}],
    }


@pytest.mark.parametrize(
    "again",
    [
        json.dumps(SMALLEST),
        '{"id":"1","account":"A123","amount":"250.50","type":"credit","timestamp":"2026-01-10T15:00:00+01:00"}',
        '{"id":"1","account":"A123","amount":2505e-1,"type":"credit","timestamp":"2026-01-10t14:00:00.0z"}',
        json.dumps({**SMALLEST, "currency": "EUR", "status": "settled"}),
    ],
)
def test_the_same_transaction_again_is_answered_with_200_as_it_was_recorded(bench: Bench, again: str) -> None:
    first = bench.post(SMALLEST)
    bench.now += timedelta(days=400)
    response = bench.post(again.encode())
    assert response.status_code == 200
    assert response.headers["Idempotency-Replayed"] == "true"
    assert response.json_body == first.json_body
    assert bench.stored() == 1


def test_same_id_with_another_amount_is_refused_with_409(bench: Bench) -> None:
    bench.record("1")
    document = problem(bench.post({**SMALLEST, "amount": 250.51}), 409, "transaction_conflict")
    assert fields(document) == ["amount"]
    assert bench.get("/transactions/1").json_body["amount"] == "250.50"


def test_a_conflict_names_all_differing_fields_and_neither_value(bench: Bench) -> None:
    bench.record("1", description="the first", metadata={"k": "first"})
    again = {**SMALLEST, "account": "B7", "type": "debit", "description": "the second"}
    document = problem(bench.post(again), 409, "transaction_conflict")
    assert fields(document) == ["account", "description", "metadata", "type"]
    assert not any(value in json.dumps(document) for value in ("first", "second", "B7", "A123", "250"))


def test_the_same_id_of_another_bank_is_another_transaction(bench: Bench) -> None:
    bench.record("1")
    bench.record("1", key=OTHER_KEY, amount=3)
    assert bench.get("/transactions/1").json_body["amount"] == "250.50"
    assert bench.get("/transactions/1", key=OTHER_KEY).json_body["amount"] == "3.00"


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        (b"", "malformed_body", []),
        (b"not json", "malformed_body", []),
        (b"[]", "malformed_body", []),
        (b'{"id": "1", "id": "1"}', "malformed_body", []),
        (b'{"amount": NaN}', "malformed_body", []),
        (b'{"amount": 1e9999999999999999999}', "malformed_body", []),
        (b'{"id": "\xff"}', "malformed_body", []),
        (b'\xef\xbb\xbf{"id": "1"}', "malformed_body", []),
        (b'{"id\\ud800": "a"}', "malformed_body", []),
        (b'{"id\\u0000": "a"}', "malformed_body", []),
        ({**SMALLEST, "id": "\ud800"}, "validation_failed", ["id"]),
        ({**SMALLEST, "account": "a\0"}, "validation_failed", ["account"]),
        ({**SMALLEST, "id": ".."}, "validation_failed", ["id"]),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "malformed_body", []),
        (b"{}", "validation_failed", ["id", "account", "amount", "type", "timestamp"]),
        ({**SMALLEST, "amount": -1}, "validation_failed", ["amount"]),
        ({**SMALLEST, "amount": 0.001}, "validation_failed", ["amount"]),
        ({**SMALLEST, "timestamp": "2026-01-10T14:05:00.000001Z"}, "validation_failed", ["timestamp"]),
        ({**SMALLEST, "fee": 1, "original": {"x": 1}}, "validation_failed", ["original.x", "fee"]),
        ({**SMALLEST, "description": f"card {CARD}"}, "card_number_refused", ["description"]),
        ({**SMALLEST, "metadata": {"pan": "4111-1111-1111-1111"}}, "card_number_refused", ["metadata.pan"]),
        ({**SMALLEST, CARD: "x"}, "card_number_refused", []),
    ],
)
def test_a_bad_body_is_refused_with_400_and_nothing_is_stored(
    bench: Bench, body: Any, code: str, named: list[str]
) -> None:
    document = problem(bench.post(body), 400, code)
    assert sorted(fields(document)) == sorted(named)
    assert CARD not in json.dumps(document)
    assert bench.stored() == 0


def test_of_more_mistakes_than_anyone_reads_the_first_99_are_named_and_the_others_counted(bench: Bench) -> None:
    types = b'{"name": "x", "email": "awa@example.com", "preferences": {"types": [""' + b',""' * 9_999 + b"]}}"
    response = bench.put_holder(body=types)
    document = problem(response, 400, "validation_failed")
    assert fields(document) == [*(f"preferences.types.{number}" for number in range(99)), ""]
    assert document["errors"][-1]["message"] == "And 9901 more."
    assert document["detail"].endswith(" and more.")
    assert len(response.body) < 50_000


def test_256_kb_are_taken_and_one_byte_more_is_refused_with_413(bench: Bench) -> None:
    body = json.dumps(SMALLEST).encode()
    limit = 256 * 1024
    problem(bench.post(body + b" " * (limit + 1 - len(body))), 413, "body_too_large")
    assert bench.stored() == 0
    assert bench.post(body + b" " * (limit - len(body))).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_in_utf_8_is_taken_however_its_type_is_spelt(bench: Bench, content_type: str | None) -> None:
    assert bench.post(SMALLEST, content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/xml", "*/*", "text/plain;application/json", "application/octet-stream"],
)
@pytest.mark.parametrize("route", [("POST", "/transactions"), ("PUT", "/accounts/A123/holders/h1")])
def test_another_media_type_is_refused_with_415(bench: Bench, route: tuple[str, str], content_type: str) -> None:
    response = bench.request(*route, BODIES[route[1]], content_type=content_type)
    problem(response, 415, "unsupported_media_type")
    assert bench.stored() == 0


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "ascii"])
def test_another_charset_is_refused_with_400(bench: Bench, charset: str) -> None:
    problem(bench.post(SMALLEST, content_type=f"application/json; charset={charset}"), 400, "malformed_body")


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "text/html", "application/octet-stream", "image/png, */*", "application/octet-stream;q=0.9"],
)
def test_whatever_the_client_accepts_the_answer_is_json(bench: Bench, accept: str) -> None:
    assert bench.post(SMALLEST, accept=accept).json_body["id"] == "1"
    assert bench.request("GET", "/transactions/1", accept=accept).json_body["id"] == "1"
    assert bench.request("GET", "/health", accept=accept).json_body == {"status": "ok"}
    problem(bench.request("GET", "/transactions/2", accept=accept), 404, "transaction_not_found")
    assert bench.put_holder(accept=accept).status_code == 201
    assert bench.request("DELETE", "/accounts/A123/holders/h1", accept=accept).status_code == 204


@pytest.mark.parametrize("route", ROUTES)
def test_without_an_active_banks_key_every_route_is_401(bench: Bench, route: tuple[str, str]) -> None:
    bench.record("1")
    bench.put_holder()
    bench.enter("closed-bank", "closed", disabled=True)
    bench.enter("rotating-bank", "expired", expires_at=NOW)
    for key in (None, "", "unknown", KEY.upper(), hash_key(KEY), "closed", "expired", "x" * 5_000):
        response = bench.request(*route, BODIES.get(route[1]), key=key)
        problem(response, 401, "unknown_api_key")
        assert response.headers["WWW-Authenticate"]
    assert bench.stored() == 1
    assert bench.get("/accounts/A123/holders/h1").status_code == 200


def test_who_calls_is_asked_before_what_is_sent(bench: Bench) -> None:
    problem(bench.post(b"not json", key="unknown"), 401, "unknown_api_key")
    problem(bench.request("GET", "/accounts/a b/transactions?limit=0", key=None), 401, "unknown_api_key")


def test_a_bank_that_is_disabled_is_refused_within_a_minute(bench: Bench) -> None:
    bench.record("1")
    bench.enter("eazycard", KEY, disabled=True)
    bench.now += timedelta(seconds=60)
    problem(bench.get("/transactions/1"), 401, "unknown_api_key")


def test_health_needs_no_key(bench: Bench) -> None:
    response = bench.get("/health", key=None)
    assert (response.status_code, response.json_body) == (200, {"status": "ok"})


def test_health_touches_nothing(bench: Bench) -> None:
    bench.restart(dynamodb=None, secretsmanager=None)
    assert bench.get("/health", key=None).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/transactions", "POST"),
        ("DELETE", "/transactions/1", "GET"),
        ("HEAD", "/transactions/1", "GET"),
        ("PUT", "/health", "GET, HEAD"),
        ("PUT", "/transactions/batch", "POST, GET"),
    ],
)
def test_another_method_is_405_and_says_which_are_allowed(bench: Bench, method: str, path: str, allowed: str) -> None:
    response = bench.request(method, path, SMALLEST)
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    if method != "HEAD":
        assert problem(response, 405, "method_not_allowed")["detail"] == f"This path takes {allowed} only."


OPEN_PATHS = ["/health", "/openapi.json", "/docs", "/docs/", "/docs/docs.css", "/docs/nothing", "/preferences/forged"]


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_head_is_answered_as_get_but_for_the_body_wherever_no_key_is_needed(bench: Bench, path: str) -> None:
    get, head = (bench.request(method, path, key=None) for method in ("GET", "HEAD"))
    assert head.body == b""
    assert get.body != b""
    assert head.status_code == get.status_code

    def alike(response: HTTPResponse) -> dict[str, str]:
        return {name: value for name, value in response.headers.items() if name != "x-request-id"}

    assert alike(head) == alike(get)


def test_behind_the_gateway_head_has_the_length_of_what_get_sends(bench: Bench) -> None:
    event = {**EVENT, "body": None, "requestContext": {**EVENT["requestContext"], "resourcePath": "/openapi.json"}}
    get, head = (
        call({**event, "httpMethod": method, "requestContext": {**event["requestContext"], "httpMethod": method}})
        for method in ("GET", "HEAD")
    )
    assert head["headers"]["Content-Length"] == str(len(get["body"].encode()))
    assert head["body"] == ""


def test_every_answer_has_an_id_of_its_own_whatever_the_client_sends(bench: Bench) -> None:
    asked = [
        ("GET", "/health", None),
        ("GET", "/docs", None),
        ("GET", "/preferences/forged", None),
        ("HEAD", "/health", None),
        ("PATCH", "/transactions", None),
        ("GET", "/transactions/unknown", None),
        ("GET", "/transactions/1", None),
        ("POST", "/transactions", SMALLEST),
        ("POST", "/transactions", b"{"),
        ("DELETE", "/accounts/A123/holders/none", None),
    ]
    bench.record("1")
    forged = 'mine"} {"level":"ERROR'
    responses = [bench.request(*one, x_request_id=forged) for one in asked]
    responses.append(bench.request("POST", "/transactions", b"x", content_type="text/plain", x_request_id=forged))
    ids = [response.headers["x-request-id"] for response in responses]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert forged not in ids
    for response, request_id in zip(responses, ids, strict=True):
        if response.headers.get("Content-Type") == "application/problem+json" and response.body:
            assert response.json_body["request_id"] == request_id


def test_all_that_is_logged_and_counted_of_a_request_has_its_id(bench: Bench, logged: Any) -> None:
    response = bench.post(SMALLEST)
    bench.restart(dynamodb=Failing(bench.dynamodb, RuntimeError("x")))
    failed = bench.post(SMALLEST)
    lines = [json.loads(line) for line in logged().splitlines() if line.startswith('{"')]
    assert len(lines) >= 3
    expected = {response.headers["x-request-id"], failed.headers["x-request-id"]}
    assert {line["request_id"] for line in lines} == expected


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_query_parameter_is_refused_and_nothing_is_done(bench: Bench, route: tuple[str, str]) -> None:
    method, path = route
    bench.put_holder("h2")
    document = problem(bench.request(method, f"{path}?dryrun=true&x=", BODIES.get(path)), 400, "validation_failed")
    assert fields(document) == ["dryrun", "x"]
    assert "true" not in json.dumps(document)
    assert bench.stored() == 0
    assert [holder["id"] for holder in bench.get("/accounts/A123/holders").json_body["holders"]] == ["h2"]


def dry_run(bench: Bench, body: Any, flag: str = "true", **options: Any) -> HTTPResponse:
    return bench.request("POST", f"/transactions?dry_run={flag}", body, **options)


def test_a_dry_run_says_what_would_be_recorded_and_writes_nothing(bench: Bench) -> None:
    response = dry_run(bench, SMALLEST)
    assert response.status_code == 200
    foreseen = response.json_body
    assert (foreseen["dry_run"], foreseen["status"]) == (True, "created")
    recorded = bench.post(SMALLEST).json_body
    assert foreseen["transaction"] == {name: value for name, value in recorded.items() if name != "recorded_at"}
    assert "Location" not in response.headers


def test_a_dry_run_of_what_is_recorded_says_replayed_or_conflict(bench: Bench) -> None:
    recorded = bench.post(SMALLEST).json_body
    bench.now += timedelta(days=1)
    assert dry_run(bench, SMALLEST).json_body == {"dry_run": True, "status": "replayed", "transaction": recorded}
    document = problem(dry_run(bench, {**SMALLEST, "amount": 1}), 409, "transaction_conflict")
    assert fields(document) == ["amount"]


def test_a_dry_run_refuses_what_a_real_one_would(bench: Bench) -> None:
    problem(dry_run(bench, {**SMALLEST, "amount": -1}), 400, "validation_failed")
    problem(dry_run(bench, b"no json"), 400, "malformed_body")
    problem(dry_run(bench, {**SMALLEST, "description": CARD}), 400, "card_number_refused")
    problem(dry_run(bench, SMALLEST, key="unknown"), 401, "unknown_api_key")


def test_a_dry_run_writes_nothing_even_when_asked_a_hundred_times(bench: Bench) -> None:
    writes = ("put_item", "update_item", "batch_write_item", "transact_write_items")
    bench.restart(dynamodb=Refusing(bench.dynamodb, AssertionError("written"), *writes))
    assert {dry_run(bench, {**SMALLEST, "id": str(number)}).status_code for number in range(100)} == {200}
    assert bench.stored() == 0
    assert bench.queued() == []


def test_dry_run_is_true_or_false_and_false_records(bench: Bench) -> None:
    for flag in ("", "1", "yes", "True", "TRUE", "null"):
        assert fields(problem(dry_run(bench, SMALLEST, flag), 400, "validation_failed")) == ["dry_run"]
    problem(bench.request("POST", "/transactions?dry_run=true&dry_run=false", SMALLEST), 400, "validation_failed")
    assert bench.stored() == 0
    assert dry_run(bench, SMALLEST, "false").status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "utf-8"])
@pytest.mark.parametrize("route", [route for route in ROUTES if route[0] in ("POST", "PUT")])
def test_a_body_with_a_content_encoding_is_refused_with_415(
    bench: Bench, route: tuple[str, str], encoding: str
) -> None:
    response = bench.request(*route, BODIES[route[1]], content_encoding=encoding)
    problem(response, 415, "unsupported_media_type")
    assert bench.stored() == 0
    assert bench.request(*route, BODIES[route[1]], content_encoding="identity").status_code in (200, 201)


THROTTLED = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]


@pytest.mark.parametrize("code", THROTTLED)
def test_when_the_table_throttles_the_transaction_is_queued_and_answered_with_202(bench: Bench, code: str) -> None:
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal(code), operation="put_item"))
    response = bench.post(SMALLEST)
    assert response.status_code == 202
    assert response.json_body == {"id": "1", "status": "queued"}
    assert response.headers["Location"] == "./transactions/1"
    assert bench.stored() == 0
    (body,) = bench.queued()
    assert [payload["bank"] for payload, _ in unpack(body, [])] == ["eazycard"]
    assert bench.post(SMALLEST).status_code == 201


def test_when_the_queue_refuses_too_the_answer_is_503_with_retry_after_and_the_next_try_records(bench: Bench) -> None:
    throttling = Failing(bench.dynamodb, refusal("ThrottlingException"), operation="put_item")
    bench.restart(dynamodb=throttling, sqs=Failing(AWS["sqs"], refusal("ThrottlingException")))
    response = bench.post(SMALLEST)
    problem(response, 503, "temporarily_unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert bench.stored() == 0
    assert bench.queued() == []
    assert bench.post(SMALLEST).status_code == 201


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_wherever_a_table_throttles_the_answer_is_503_or_says_what_is_kept(
    bench: Bench, route: tuple[str, str], at: int
) -> None:
    bench.put_holder()
    bench.record("2")
    # At 0 its key is looked up, at 1 its bank. What is recorded is counted before that, which refuses nothing.
    is_counted = at == 2 and route[1].startswith("/transactions") and route[0] == "POST"
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("ThrottlingException"), at=at + is_counted))
    response = bench.request(*route, BODIES.get(route[1]))
    if at == 2 and route == ("POST", "/transactions"):
        assert response.status_code == 202
        return
    if at == 2 and route == ("POST", "/transactions/batch"):
        assert response.json_body["counts"]["retry"] == 1
    else:
        problem(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"] == "2"


def test_when_secrets_are_out_of_reach_the_answer_is_503(bench: Bench) -> None:
    bench.record("1", "2")
    bench.restart(secretsmanager=Failing(AWS["secretsmanager"], refusal("ThrottlingException")))
    problem(bench.get("/accounts/A123/transactions", limit="1"), 503, "temporarily_unavailable")
    assert bench.get("/accounts/A123/transactions", limit="1").status_code == 200


SECRETS = [KEY, hash_key(KEY), "A123", "250.5", "Awa", "awa@example.com", "Mokolo", "closing secret", "a secret"]


def test_what_breaks_unexpectedly_is_an_opaque_500_and_logged_without_what_was_sent(bench: Bench, logged: Any) -> None:
    private = {**SMALLEST, "merchant": {"name": "Mokolo"}, "description": "closing secret"}
    error = RuntimeError(f"could not store {private} of awa@example.com")
    bench.restart(dynamodb=Failing(bench.dynamodb, error, operation="put_item"))
    document = problem(bench.post(private), 500, "internal_error")
    assert document["errors"] == []
    assert not any(word in json.dumps(document) for word in ["RuntimeError", "Traceback", "put_item", *SECRETS])
    text = logged()
    assert "unexpected_error" in text
    assert "RuntimeError" in text
    assert document["request_id"] in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_nothing_private_is_logged_whatever_is_answered(bench: Bench, logged: Any) -> None:
    private = {**SMALLEST, "merchant": {"name": "Mokolo"}, "description": "closing secret"}
    bench.post(private)
    bench.post(private)
    bench.post({**private, "amount": 3})
    bench.post({**private, "amount": "x"})
    bench.post({**private, "description": CARD})
    bench.post(b'{"account": "A123", ')
    bench.put_holder()
    bench.put_holder(body={**HOLDER, "timezone": "x"})
    bench.get("/accounts/A123/transactions", cursor="forged")
    bench.request("PATCH", "/transactions", private)
    bench.request("DELETE", "/accounts/A123/holders/h1")
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("AccessDeniedException")))
    problem(bench.post(private), 500, "internal_error")
    text = logged()
    assert "TransactionsCreated" in text
    assert "TransactionsConflicting" in text
    assert [secret for secret in [*SECRETS, CARD] if secret in text] == []


@pytest.mark.parametrize(
    "found", ["2", "%20", "a%20b", "%2F", "%2541", "é", "%F0%9F%98%80", "%FF", "x" * 65, "%00", "1%23"]
)
def test_an_unknown_transaction_is_404_whatever_its_id(bench: Bench, found: str) -> None:
    bench.record("1")
    problem(bench.get(f"/transactions/{found}"), 404, "transaction_not_found")


@pytest.mark.parametrize("transaction_id", ["x" * 64, "..a", "a.b_c-D", "-1"])
def test_any_id_that_is_allowed_is_found_as_it_is_and_encoded(bench: Bench, transaction_id: str) -> None:
    bench.record(transaction_id)
    encoded = "".join(f"%{ord(character):02X}" for character in transaction_id)
    for path in (transaction_id, encoded):
        assert bench.get(f"/transactions/{path}").json_body["id"] == transaction_id


def test_another_banks_data_is_as_if_it_did_not_exist(bench: Bench) -> None:
    bench.record("1", "2", "3")
    bench.put_holder()
    cursor = bench.get("/accounts/A123/transactions", limit="1").json_body["next_cursor"]

    def masked(response: HTTPResponse) -> dict[str, Any]:
        return {name: value for name, value in response.json_body.items() if name not in ("request_id", "instance")}

    for there, nowhere in (
        ("/transactions/1", "/transactions/unknown"),
        ("/accounts/A123/holders/h1", "/accounts/B7/holders/h1"),
    ):
        response = bench.get(there, key=OTHER_KEY)
        assert response.status_code == 404
        assert masked(response) == masked(bench.get(nowhere, key=OTHER_KEY))
    assert bench.get("/accounts/A123/transactions", key=OTHER_KEY).json_body == {
        "transactions": [],
        "next_cursor": None,
    }
    assert bench.get("/accounts/A123/holders", key=OTHER_KEY).json_body == {"holders": []}
    stolen = bench.get("/accounts/A123/transactions", key=OTHER_KEY, limit="1", cursor=cursor)
    problem(stolen, 400, "invalid_cursor")
    deleted = bench.request("DELETE", "/accounts/A123/holders/h1", key=OTHER_KEY)
    problem(deleted, 404, "holder_not_found")
    assert bench.put_holder(body={**HOLDER, "name": "Grace"}, key=OTHER_KEY).status_code == 201
    assert bench.get("/accounts/A123/holders/h1").json_body["name"] == "Awa Ndiaye"


def test_an_accounts_transactions_are_listed_newest_first_by_their_own_time(bench: Bench) -> None:
    for transaction_id, timestamp in (
        ("b", "2026-01-10T13:00:00+01:00"),
        ("d", "2026-01-10T14:00:00.000001Z"),
        ("a", "2025-12-31T23:59:59Z"),
        ("c", "2026-01-10T14:00:00Z"),
    ):
        bench.record(transaction_id, timestamp=timestamp)
    bench.record("other", account="B7")
    response = bench.get("/accounts/A123/transactions")
    assert response.status_code == 200
    assert [one["id"] for one in response.json_body["transactions"]] == ["d", "c", "b", "a"]
    assert response.json_body["next_cursor"] is None
    listed = response.json_body["transactions"][1]
    assert {**listed, "related": []} == bench.get("/transactions/c").json_body


def test_an_account_without_transactions_is_an_empty_list(bench: Bench) -> None:
    for account in ("A123", "x" * 64, "..a", "%41"):
        response = bench.get(f"/accounts/{account}/transactions")
        assert (response.status_code, response.json_body) == (200, {"transactions": [], "next_cursor": None})


@pytest.mark.parametrize("account", ["%20", "a%2Fb", "é", "%F0%9F%98%80", "x" * 65, "a%23b", "%FF"])
@pytest.mark.parametrize("part", ["transactions", "holders", "holders/h1"])
def test_an_account_that_can_not_be_is_refused(bench: Bench, account: str, part: str) -> None:
    document = problem(bench.get(f"/accounts/{account}/{part}"), 400, "validation_failed")
    assert fields(document) == ["account"]


def test_250_transactions_are_walked_without_gaps_or_repeats(bench: Bench) -> None:
    # Seven to a moment, recorded in another order than that of their times.
    moments = {f"t{n:03d}": NOW - timedelta(minutes=n // 7) for n in range(250)}
    for transaction_id in sorted(moments, key=lambda one: int(one[1:]) * 101 % 250):
        bench.record(transaction_id, timestamp=moments[transaction_id].isoformat())
    for limit, sizes in (("100", [100, 100, 50]), ("50", [50] * 5), ("83", [83, 83, 83, 1])):
        pages = bench.walk("/accounts/A123/transactions", limit=limit)
        walked = [transaction_id for page in pages for transaction_id in page]
        assert [len(page) for page in pages] == sizes
        assert sorted(walked) == sorted(moments)
        assert [moments[one] for one in walked] == sorted(moments.values(), reverse=True)


def test_a_page_has_50_unless_another_limit_is_asked_for(bench: Bench) -> None:
    bench.record(*(f"t{number}" for number in range(101)))
    path = "/accounts/A123/transactions"
    assert len(bench.get(path).json_body["transactions"]) == 50
    assert len(bench.get(path, limit="1").json_body["transactions"]) == 1
    assert len(bench.get(path, limit="100").json_body["transactions"]) == 100


@pytest.mark.parametrize("limit", ["0", "101", "-1", "+1", "1.0", "1e1", "", " 1", "١", "²", "x", "9" * 400])
def test_another_limit_is_refused(bench: Bench, limit: str) -> None:
    document = problem(bench.get("/accounts/A123/transactions", limit=limit), 400, "validation_failed")
    assert fields(document) == ["limit"]


def test_a_type_is_filtered_across_pages(bench: Bench) -> None:
    for number in range(40):
        timestamp = (NOW - timedelta(minutes=number)).isoformat()
        bench.record(f"t{number}", type="debit" if number % 4 else "credit", timestamp=timestamp)
    pages = bench.walk("/accounts/A123/transactions", type="credit", limit="4")
    assert pages == [["t0", "t4", "t8", "t12"], ["t16", "t20", "t24", "t28"], ["t32", "t36"]]
    assert len(bench.walk("/accounts/A123/transactions", type="debit", limit="10")) == 3


@pytest.mark.parametrize("kind", ["", "Credit", "refund"])
def test_another_type_is_refused(bench: Bench, kind: str) -> None:
    assert fields(problem(bench.get("/accounts/A123/transactions", type=kind), 400, "validation_failed")) == ["type"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"from": "2026-01-09"}, ["d", "c", "b", "a"]),
        ({"from": "2026-01-10"}, ["d", "c", "b"]),
        ({"to": "2026-01-10"}, ["c", "b", "a"]),
        ({"from": "2026-01-10", "to": "2026-01-10"}, ["c", "b"]),
        ({"from": "2026-01-09", "to": "2026-01-09"}, ["a"]),
        ({"from": "2026-01-12"}, []),
        ({"to": "9999-12-31"}, ["d", "c", "b", "a"]),
        ({"from": "0001-01-01"}, ["d", "c", "b", "a"]),
        ({"from": "2026-01-10T23:59:59.999999Z"}, ["d", "c"]),
        ({"to": "2026-01-10T00:00:00Z"}, ["b", "a"]),
        ({"from": "2026-01-11T01:00:00+01:00"}, ["d"]),
        ({"from": "2026-01-10T05:00:00+05:00", "to": "2026-01-09T19:00:00-05:00"}, ["b"]),
        ({"from": "2026-01-10", "to": "2026-01-11T00:00:00Z", "type": "credit"}, ["d", "c", "b"]),
    ],
)
def test_from_and_to_are_inclusive_dates_of_utc_or_times(bench: Bench, query: dict[str, str], found: list[str]) -> None:
    bench.now = datetime(2026, 1, 20, tzinfo=UTC)
    bench.record("a", timestamp="2026-01-09T23:59:59.999999Z")
    bench.record("b", timestamp="2026-01-10T00:00:00Z")
    bench.record("c", timestamp="2026-01-10T23:59:59.999999Z")
    bench.record("d", timestamp="2026-01-11T00:00:00Z")
    assert bench.walk("/accounts/A123/transactions", **query) == [found]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-1-1",
        "2026-02-30",
        "0000-01-01",
        "20260110",
        "2026-01-10T14:00:00",
        "now",
        "2026-W02",
        "٢٠٢٦-01-10",
    ],
)
def test_a_bound_that_is_no_date_and_no_time_with_an_offset_is_refused(bench: Bench, name: str, text: str) -> None:
    document = problem(bench.get("/accounts/A123/transactions", **{name: text}), 400, "validation_failed")
    assert fields(document) == [name]


def test_a_plus_that_is_not_encoded_is_refused_and_not_misread(bench: Bench) -> None:
    raw = "/accounts/A123/transactions?from=2026-01-10T14:00:00+01:00"
    assert fields(problem(bench.request("GET", raw), 400, "validation_failed")) == ["from"]
    assert bench.request("GET", raw.replace("+", "%2B")).status_code == 200


def test_bounds_in_the_wrong_order_are_refused(bench: Bench) -> None:
    query = {"from": "2026-01-11", "to": "2026-01-10"}
    assert fields(problem(bench.get("/accounts/A123/transactions", **query), 400, "validation_failed")) == ["from"]


def test_all_that_is_wrong_with_a_query_is_said_at_once(bench: Bench) -> None:
    query = {"from": "x", "to": "y", "type": "z", "limit": "0"}
    document = problem(bench.get("/accounts/A123/transactions", **query), 400, "validation_failed")
    assert fields(document) == ["from", "to", "type", "limit"]


@pytest.mark.parametrize("name", ["from", "to", "type", "limit", "cursor"])
def test_a_parameter_that_comes_twice_is_refused(bench: Bench, name: str) -> None:
    value = {"type": "credit", "limit": "5"}.get(name, "2026-01-10")
    response = bench.request("GET", f"/accounts/A123/transactions?{name}={value}&{name}={value}")
    assert fields(problem(response, 400, "validation_failed")) == [name]


def test_a_cursor_is_good_for_its_own_listing_only(bench: Bench) -> None:
    bench.record(*(f"t{number}" for number in range(5)))
    bench.record(*(f"b{number}" for number in range(5)), account="B7")
    path = "/accounts/A123/transactions"
    cursor = bench.get(path, limit="2").json_body["next_cursor"]
    assert bench.get(path, limit="100", cursor=cursor).status_code == 200
    for elsewhere, query in (
        ("/accounts/B7/transactions", {}),
        (path, {"type": "credit"}),
        (path, {"status": "settled"}),
        (path, {"from": "2026-01-01"}),
        (path, {"to": "2026-01-31"}),
    ):
        problem(bench.get(elsewhere, cursor=cursor, **query), 400, "invalid_cursor")
    problem(bench.get(path, cursor=cursor, key=OTHER_KEY), 400, "invalid_cursor")
    filtered = bench.get(path, limit="2", type="credit").json_body["next_cursor"]
    problem(bench.get(path, cursor=filtered), 400, "invalid_cursor")


@pytest.mark.parametrize("cursor", ["", "x", "a.b", "é", "null", ".eJyLjgUAARUAuQ.x", "../..", "x" * 5_000])
def test_a_forged_cursor_is_refused(bench: Bench, cursor: str) -> None:
    problem(bench.get("/accounts/A123/transactions", cursor=cursor), 400, "invalid_cursor")


def call(event: dict[str, Any]) -> dict[str, Any]:
    """Invoke the function as API Gateway does."""
    answer: dict[str, Any] = app_module.app(event, SimpleNamespace(aws_request_id="the function's own"))
    return answer


def test_the_event_that_api_gateway_sends_is_understood(bench: Bench) -> None:
    answer = call(EVENT)
    assert answer["statusCode"] == 201
    assert answer.get("isBase64Encoded", False) is False
    assert json.loads(answer["body"])["amount"] == "250.50"


def test_a_body_that_api_gateway_encodes_is_read(bench: Bench) -> None:
    encoded = base64.b64encode(EVENT["body"].encode()).decode()
    assert call({**EVENT, "body": encoded, "isBase64Encoded": True})["statusCode"] == 201


def test_a_request_without_a_body_is_refused(bench: Bench) -> None:
    answer = call({**EVENT, "body": None})
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "malformed_body")


def test_a_problem_carries_the_id_under_which_api_gateway_logs_the_request(bench: Bench) -> None:
    document = json.loads(call({**EVENT, "body": ""})["body"])
    assert document["request_id"] == EVENT["requestContext"]["requestId"]


SCALARS = st.none() | st.booleans() | st.text(max_size=20) | st.floats() | st.integers()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
NAMES = st.sampled_from([*SMALLEST, "currency", "status", "merchant", "description", "balance", "metadata", "x"])
ALMOST_RIGHT = st.dictionaries(NAMES, VALUES, max_size=2).map(lambda changes: {**SMALLEST, **changes})
ANY_BODY = st.binary() | (VALUES | ALMOST_RIGHT).map(json.dumps).map(str.encode)


@settings(max_examples=200)
@given(ANY_BODY)
def test_no_body_whatever_breaks_the_api_or_is_stored_unless_it_says_201(bench: Bench, body: bytes) -> None:
    before = bench.stored()
    bench.now += timedelta(seconds=1)  # what was recorded at the same time would be a second try of the same request
    response = bench.post(body)
    assert response.status_code in (200, 201, 400, 409)
    assert bench.stored() == before + (response.status_code == 201)
    if response.status_code >= 400:
        problem(response, response.status_code, response.json_body["code"])


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from(["name", "email", "locale", "timezone", "preferences"]), VALUES, max_size=2), VALUES
)
def test_no_holder_whatever_breaks_the_api(bench: Bench, changes: dict[str, Any], preference: Any) -> None:
    names = ("types", "min_amount", "quiet_hours", "statement", "muted")
    for name in names:
        body = {**HOLDER, "preferences": {name: preference}, **changes}
        assert bench.put_holder(body=body).status_code in (200, 201, 400)


@settings(max_examples=200)
@given(st.text(min_size=1), st.sampled_from(["from", "to", "type", "limit", "cursor", "x"]), st.text())
def test_no_path_or_query_whatever_breaks_the_api(bench: Bench, segment: str, name: str, value: str) -> None:
    try:
        path = quote(segment, safe="")
        query = urlencode({name: value})
    except UnicodeEncodeError:
        return  # a lone surrogate: no client can send it
    for method, target in (
        ("GET", f"/transactions/{path}"),
        ("GET", f"/accounts/{path}/transactions?{query}"),
        ("GET", f"/accounts/{path}/holders/{path}"),
        ("DELETE", f"/accounts/A123/holders/{path}"),
    ):
        assert bench.request(method, target).status_code in (200, 400, 404)


def test_a_flagged_transaction_is_answered_with_its_evidence_to_its_own_bank_only(bench: Bench) -> None:
    for key in (KEY, OTHER_KEY):
        bench.record("1", key=key)
    evidence = {
        "velocity": {"count": 6, "limit": 5, "minutes": 10},
        "new_country": {"country": "BR", "known": ["CM"], "count": 12},
    }
    one = TransactionRepository(bench.dynamodb, "TransactionsTable").get("eazycard", "1")
    flags = FlagRepository(bench.dynamodb, "TransactionsTable")
    flags.record([Flagging(one, evidence, frozenset({"new_country"}), bench.now)])
    assert bench.get("/transactions/1").json_body["flags"] == {"velocity": evidence["velocity"]}
    assert bench.get("/transactions/1", key=OTHER_KEY).json_body["flags"] == {}
    assert bench.get("/accounts/A123/transactions").json_body["transactions"][0]["id"] == "1"


def test_a_transaction_says_what_it_has_to_do_with_others_of_its_bank(bench: Bench) -> None:
    bench.record("auth", status="authorized")
    bench.record("half", authorization_id="auth", amount="100.00")
    bench.record("half", key=OTHER_KEY, authorization_id="auth", amount="100.00")
    named = {"relation": "settles", "role": "part"}
    assert bench.get("/transactions/half").json_body["related"] == [{"id": "auth", **named}]
