"""Tenancy: with another bank's ids, accounts, cursors and bodies, no route shows or changes anything of that bank."""

import json
import re
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from chalice.test import HTTPResponse

import app as app_module
from chalicelib.notifications.feed import MARGIN, NotificationFeed
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.state import NotificationKey, State, StateChange
from tests.app_bench import CARD, KEY, OTHER_KEY, SMALLEST, Bench, problem

PUBLIC = {
    *("/health", "/openapi.json", "/docs", "/docs/{asset}", "/console", "/console/{asset}", "/console/config.json"),
    *("/preferences/{token}", "/alerts/{token}", "/addresses/{token}"),
}
# What bank B has, none of which bank A may ever meet: no part of it occurs in what A sends of its own.
OF_B: dict[str, Any] = {
    **SMALLEST,
    "id": "id-of-b",
    "account": "account-of-b",
    "amount": "777.77",
    "description": "secret of b",
    "merchant": {"name": "Merchant of b"},
    "balance": "888.88",
    "metadata": {"note": "note of b"},
}
HOLDER_OF_B = {"name": "Holder of b", "email": "b@example.com"}
SETTINGS_OF_B = {"flags": {"velocity": {"count": 13}}, "alert_addresses": ["operator-of-b@example.com"]}
NOTIFICATION_OF_B = NotificationKey("other-bank", "id-of-b", "holder-of-b")
MARKS = [
    "operator-of-b",
    "message-of-b",
    "777.77",
    "888.88",
    "secret of b",
    "Merchant of b",
    "note of b",
    "Holder of b",
    "b@example.com",
    "other-bank",
]
PARAMETERS = {"transaction_id": "id-of-b", "account": "account-of-b", "holder": "holder-of-b", "webhook_id": "msg_1"}
NOWHERE = {
    "transaction_id": "id-of-no-one",
    "account": "account-of-no-one",
    "holder": "holder-of-no-one",
    "webhook_id": "msg_1",
}


def walk() -> list[tuple[str, str]]:
    """Return every (method, route) that the app has and a bank may call; test_staff_matrix walks those of staff."""
    routes = app_module.app.routes
    of_banks = {path for path in routes.keys() - PUBLIC if not path.startswith("/staff/")}
    return sorted((method, path) for path in of_banks for method in routes[path])


def filled(route: str, parameters: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: parameters[match[1]], route)


@pytest.fixture
def of_b(bench: Bench) -> Bench:
    """Bank B has a transaction, a holder and settings; bank A has nothing."""
    assert bench.post(OF_B, key=OTHER_KEY).status_code == 201
    path = "/accounts/account-of-b/holders/holder-of-b"
    assert bench.request("PUT", path, HOLDER_OF_B, key=OTHER_KEY).status_code == 201
    assert bench.request("PUT", "/settings", SETTINGS_OF_B, key=OTHER_KEY).status_code == 200
    feed = NotificationFeed(bench.dynamodb, "NotificationsTable", lambda: bench.now - 2 * MARGIN)
    log = NotificationLog(bench.dynamodb, "NotificationsTable", feed)
    log.record([StateChange(NOTIFICATION_OF_B, State.SENT, message_id="message-of-b")], bench.now)
    return bench


def everything_of_b(bench: Bench) -> list[Any]:
    paths = [
        "/transactions/id-of-b",
        "/accounts/account-of-b/transactions",
        "/accounts/account-of-b/holders",
        "/transactions/id-of-b/notifications",
        "/notifications",
        "/settings",
    ]
    return [bench.get(path, key=OTHER_KEY).json_body for path in paths]


def said(response: HTTPResponse, parameters: dict[str, str]) -> tuple[int, str]:
    """Return the answer without what differs by the request itself: its id, and the names that it asked for."""
    text = re.sub(r'"request_id":\s*"[^"]*"', "", response.body.decode())
    for name in parameters.values():
        text = text.replace(name, "_")
    return response.status_code, text


def body_for(method: str, route: str, parameters: dict[str, str]) -> Any:
    if method in ("GET", "DELETE"):
        return None
    if route == "/settings":
        return {"flags": {"velocity": {"count": 2}}, "alert_addresses": ["operator-of-a@example.com"]}
    if "holder" in route:
        return {"name": "Holder of a", "email": "a@example.com"}
    one = {**SMALLEST, "id": parameters["transaction_id"], "account": parameters["account"]}
    return {"transactions": [one]} if route.endswith("/batch") else one


def test_the_walk_meets_every_route_that_takes_a_key() -> None:
    assert len(walk()) >= 9
    assert ("POST", "/transactions/batch") in walk()
    for path, by_method in app_module.app.routes.items():
        for entry in by_method.values():
            is_of_bank = path not in PUBLIC and not path.startswith("/staff/")
            assert bool(entry.api_key_required) == is_of_bank, path


@pytest.mark.parametrize(("method", "route"), walk())
def test_with_another_banks_ids_a_route_answers_as_if_they_did_not_exist(of_b: Bench, method: str, route: str) -> None:
    before = everything_of_b(of_b)
    answers = []
    for parameters in (PARAMETERS, NOWHERE):
        body = body_for(method, route, parameters)
        response = of_b.request(method, filled(route, parameters), body, key=KEY)
        assert not any(mark in response.body.decode() for mark in MARKS)
        answers.append(said(response, parameters))
    assert answers[0] == answers[1]
    assert everything_of_b(of_b) == before


def test_another_banks_id_is_free_for_a_transaction_of_ones_own(of_b: Bench) -> None:
    before = everything_of_b(of_b)
    assert of_b.post({**SMALLEST, "id": "id-of-b", "account": "account-of-b", "amount": 1}).status_code == 201
    assert of_b.get("/transactions/id-of-b").json_body["amount"] == "1.00"
    (listed,) = of_b.get("/accounts/account-of-b/transactions").json_body["transactions"]
    assert listed["amount"] == "1.00"
    assert everything_of_b(of_b) == before


@pytest.mark.parametrize("query", ["?dry_run=true", ""])
def test_neither_a_post_nor_a_dry_run_tells_whether_another_bank_has_the_content(of_b: Bench, query: str) -> None:
    response = of_b.request("POST", f"/transactions{query}", OF_B)
    assert "Idempotency-Replayed" not in response.headers
    assert response.json_body.get("status") in ("created", "settled")


def test_a_batch_in_another_banks_name_is_ones_own(of_b: Bench) -> None:
    before = everything_of_b(of_b)
    response = of_b.request("POST", "/transactions/batch", {"transactions": [{**OF_B, "amount": 2}]})
    assert response.json_body["counts"]["created"] == 1
    assert everything_of_b(of_b) == before


@pytest.mark.parametrize("field", ["bank", "bank_id", "tenant", "recorded_at", "transaction_key"])
def test_no_field_of_a_body_chooses_the_bank(of_b: Bench, field: str) -> None:
    problem(of_b.post({**SMALLEST, field: "other-bank"}), 400, "validation_failed")


@pytest.mark.parametrize("header", ["x-bank", "x_amzn_apigateway_api_id", "x-api-key-id", "authorization"])
def test_no_other_header_chooses_the_bank(of_b: Bench, header: str) -> None:
    response = of_b.request("GET", "/transactions/id-of-b", **{header: OTHER_KEY})
    problem(response, 404, "transaction_not_found")


@pytest.mark.parametrize(
    "transaction_id",
    ["other-bank%23id-of-b", "..%2Fother-bank%23id-of-b", "%2A", "other-bank", CARD, "id-of-b%00", "id-of-b%23"],
)
def test_no_guessed_key_reaches_another_bank(of_b: Bench, transaction_id: str) -> None:
    problem(of_b.get(f"/transactions/{transaction_id}"), 404, "transaction_not_found")
    response = of_b.get(f"/accounts/{transaction_id}/transactions")
    assert response.status_code in (200, 400, 404)
    assert not any(mark in response.body.decode() for mark in MARKS if mark not in unquote(transaction_id))


def test_the_other_bank_itself_sees_what_became_of_its_emails(of_b: Bench) -> None:
    for path in ("/transactions/id-of-b/notifications", "/notifications"):
        (found,) = of_b.get(path, key=OTHER_KEY).json_body["notifications"]
        assert found["message_id"] == "message-of-b"


def test_another_banks_cursor_is_refused(of_b: Bench) -> None:
    assert of_b.post({**OF_B, "id": "second"}, key=OTHER_KEY).status_code == 201
    path = "/accounts/account-of-b/transactions"
    cursor = of_b.get(path, key=OTHER_KEY, limit="1").json_body["next_cursor"]
    problem(of_b.get(f"{path}?{urlencode({'limit': '1', 'cursor': cursor})}"), 400, "invalid_cursor")


def test_what_is_queued_for_one_bank_is_recorded_for_that_bank_only(of_b: Bench) -> None:
    headers = {"prefer": "respond-async"}
    of_b.request("POST", "/transactions/batch", {"transactions": [SMALLEST]}, **headers)
    (body,) = of_b.queued()
    assert [payload["bank"] for payload in json.loads(body)["transactions"]] == ["eazycard"]
