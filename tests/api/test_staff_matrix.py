"""Bank x group x route: every route under `/staff`, as the API's description lists it, refuses whom it must.

The walk reads the description, so a route that is added later is in it. What it needs to know of a new route is the
name of its path parameter: `OF_B` and `NOWHERE`.
"""

import re
from typing import Any

import pytest
from chalice.test import HTTPResponse

import app as app_module
from chalicelib.flags.repository import Flagging
from chalicelib.ledger.transaction import Transaction
from chalicelib.staff.member import Group, with_included
from tests.app_bench import KEY, OTHER_KEY, SMALLEST, Bench, problem
from tests.described import DESCRIPTION
from tests.samples import EVIDENCE
from tests.staff_world import Desk, claims, id_token, signed, signed_in

OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (method.upper(), path): operation
    for path, operations in DESCRIPTION["paths"].items()
    if path.startswith("/staff/")
    for method, operation in operations.items()
}
# What the other bank has, by the names of path parameters, and what nobody has.
OF_B = {
    "transaction_id": "id-of-b",
    "case_id": "id-of-b",
    "account": "account-of-b",
    "holder": "holder-of-b",
    "webhook_id": "msg_of-b",
}
NOWHERE = {name: f"{name.replace('_', '-')}-of-no-one" for name in OF_B} | {"webhook_id": "msg_of-no-one"}
MARKS = ("777.77", "secret of b", "Holder of b", "b@example.com", "other-bank", "operator-of-b")


def of_description(operation: dict[str, Any]) -> Any:
    """Return the first example of an operation's body, None if it has none."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for example in content.get("examples", {}).values():
            return example["value"]
    return None


def send(desk: Desk, route: tuple[str, str], parameters: dict[str, str]) -> HTTPResponse:
    method, path = route
    return desk.request(method, filled(path, parameters), of_description(OPERATIONS[route]))


def filled(path: str, parameters: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda match: parameters[match[1]], path)


@pytest.fixture
def of_b(bench: Bench) -> Bench:
    """Bank B has a flagged transaction, a holder and settings; bank A has nothing."""
    posted = {**SMALLEST, "id": "id-of-b", "account": "account-of-b", "amount": "777.77", "description": "secret of b"}
    assert bench.post(posted, key=OTHER_KEY).status_code == 201
    holder = {"name": "Holder of b", "email": "b@example.com"}
    assert bench.request("PUT", "/accounts/account-of-b/holders/holder-of-b", holder, key=OTHER_KEY).status_code == 201
    settings = {"alert_addresses": ["operator-of-b@example.com"]}
    assert bench.request("PUT", "/settings", settings, key=OTHER_KEY).status_code == 200
    services = app_module.services
    stored: Transaction = services.transactions.get("other-bank", "id-of-b")
    services.flags.record([Flagging(stored, EVIDENCE, frozenset(), bench.now)])
    return bench


def test_the_walk_meets_every_route_of_the_app_under_staff_and_each_names_its_group() -> None:
    routes = app_module.app.routes
    assert OPERATIONS.keys() == {
        (method, path) for path, methods in routes.items() if path.startswith("/staff/") for method in methods
    }
    assert ("GET", "/staff/me") in OPERATIONS
    for route, operation in OPERATIONS.items():
        ((scheme, groups),) = operation["security"][0].items()
        assert scheme == "staff", route
        assert len(operation["security"]) == len(groups) == 1, route
        assert groups[0] in set(Group), route
        assert not routes[route[1]][route[0]].api_key_required, route


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_without_a_valid_id_token_a_route_tells_to_sign_in(bench: Bench, route: tuple[str, str]) -> None:
    now, groups = bench.now, ["admin"]
    good = id_token(now, groups=groups)
    access = claims(now, groups=groups, aud=None, token_use="access", client_id="client-of-the-console")
    for sent in (
        None,
        good,
        "Bearer none",
        f"Bearer {good[:-8]}AAAAAAAA",
        f"Bearer {signed(access)}",
        f"Bearer {id_token(now, groups=groups, token_use='access')}",
        f"Bearer {id_token(now, groups=groups, exp=int(now.timestamp()) - 60)}",
        f"Bearer {id_token(now, groups=groups, aud='another-client')}",
        f"Bearer {id_token(now, 'no-bank', groups)}",
    ):
        method, path = route
        body = of_description(OPERATIONS[route])
        answer = bench.request(method, filled(path, OF_B), body, key=KEY, authorization=sent)
        problem(answer, 401, "not_signed_in")


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_each_group_of_each_bank_may_use_a_route_or_not(bench: Bench, route: tuple[str, str]) -> None:
    needed = Group(OPERATIONS[route]["security"][0]["staff"][0])
    for bank in ("eazycard", "other-bank"):
        for groups in ([], ["auditors"], *([group] for group in Group)):
            answer = send(signed_in(bench, *groups, bank=bank), route, NOWHERE)
            if needed in with_included(groups):
                assert answer.status_code not in (401, 403, 500), (bank, groups, answer.json_body)
            else:
                document = problem(answer, 403, "group_required")
                assert f"the group {needed}" in document["detail"]


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_with_another_banks_ids_a_route_answers_as_if_they_did_not_exist(of_b: Bench, route: tuple[str, str]) -> None:
    answers = []
    for parameters in (OF_B, NOWHERE):
        answer = send(signed_in(of_b, "admin"), route, parameters)
        text = re.sub(r'"(request_id|as_of)":\s*"[^"]*"', "", answer.body.decode())
        assert not any(mark in text for mark in MARKS), text
        for value in parameters.values():
            text = text.replace(value, "_")
        answers.append((answer.status_code, text))
    assert answers[0] == answers[1]
    if "{" in route[1] and not (route[0] == "GET" and route[1].endswith("{account}")):
        assert answers[0][0] == 404
