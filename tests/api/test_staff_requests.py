"""Who of a bank's staff sends a request: the header, the groups, what is told, and what is loaded for it."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.api.staff_requests import author_of_staff, authorizer, staff_member
from chalicelib.audit.entry import Author
from chalicelib.staff.member import Group
from chalicelib.staff.tokens import LEEWAY
from tests.app_bench import KEY, NOW, PROJECT, Bench, problem
from tests.staff_world import LIFETIME, id_token, signed_in

ARN = "arn:aws:cognito-idp:us-east-2:123456789012:userpool/us-east-2_TestPool"


def test_who_is_signed_in_is_told_with_the_bank_and_all_groups_that_count(bench: Bench) -> None:
    answer = signed_in(bench, "admin", name="Ana", email="ana@bank.example", sub="s-1").get("/staff/me")
    assert answer.status_code == 200
    assert answer.json_body == {
        "subject": "s-1",
        "name": "Ana",
        "email": "ana@bank.example",
        "bank": "eazycard",
        "bank_name": "Eazycard",
        "groups": ["viewer", "analyst", "admin"],
        "currency": "EUR",
    }


def test_it_takes_no_query(bench: Bench) -> None:
    problem(signed_in(bench, "viewer").get("/staff/me", bank="other-bank"), 400, "validation_failed")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "{token}",
        "Basic {token}",
        "Bearer{token}",
        "Bearer x{token}",
        "Bearer {token}, Bearer {token}",
        "Bearer {token} {token}",
        "Bearer " + "a" * 9_000,
        "Bearer \u00e9",
    ],
)
def test_whatever_is_no_bearer_token_is_told_to_sign_in(bench: Bench, header: str | None) -> None:
    sent = header and header.format(token=id_token(bench.now))
    answer = bench.request("GET", "/staff/me", key=None, authorization=sent)
    document = problem(answer, 401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not document["errors"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER ", " Bearer"])
def test_the_scheme_is_read_as_http_says(bench: Bench, scheme: str) -> None:
    sent = f"{scheme} {id_token(bench.now)}"
    assert bench.request("GET", "/staff/me", key=None, authorization=sent).status_code == 200


def test_a_banks_api_key_is_no_sign_in_and_a_sign_in_is_no_api_key(bench: Bench) -> None:
    problem(bench.get("/staff/me", key=KEY), 401, "not_signed_in")
    problem(signed_in(bench, "admin").get("/settings"), 401, "unknown_api_key")


def test_a_member_without_the_group_is_refused_with_its_name(bench: Bench) -> None:
    document = problem(signed_in(bench).get("/staff/me"), 403, "group_required")
    assert "the group viewer" in document["detail"]


def test_an_expired_token_is_refused_and_a_disabled_banks_too(bench: Bench) -> None:
    token = id_token(bench.now)
    bench.now += LIFETIME + LEEWAY
    problem(bench.request("GET", "/staff/me", key=None, authorization=f"Bearer {token}"), 401, "not_signed_in")
    member = signed_in(bench, "admin")
    assert member.get("/staff/me").status_code == 200
    bench.banks.change_bank("eazycard", disabled=True)
    bench.now += timedelta(minutes=1)
    problem(member.get("/staff/me"), 401, "not_signed_in")


def test_a_stage_without_a_user_pool_lets_nobody_in(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAFF_POOL")
    bench.restart()
    problem(signed_in(bench, "admin").get("/staff/me"), 401, "not_signed_in")


def test_no_token_and_nothing_of_it_is_logged(bench: Bench, logged: Any) -> None:
    member = signed_in(bench, "viewer", name="Secret Name", email="secret@bank.example")
    tokens = [member.token, id_token(bench.now, aud="another-client"), f"{member.token[:-9]}AAAAAAAAA"]
    for token in tokens:
        bench.request("GET", "/staff/me", key=None, authorization=f"Bearer {token}")
    text = logged()
    for token in tokens:
        assert not any(part in text for part in token.split("."))
    assert "Secret Name" not in text
    assert "secret@bank.example" not in text


def test_the_audit_trail_names_a_member_by_the_subject(bench: Bench) -> None:
    request: Any = SimpleNamespace(
        headers={"authorization": f"Bearer {id_token(bench.now, sub='s-1')}"},
        context={"requestId": "r-1", "identity": {"sourceIp": "192.0.2.1"}},
        lambda_context=None,
    )
    from app import services

    member = staff_member(request, lambda: services.staff_tokens, Group.VIEWER, lambda: services.read_limits)
    assert author_of_staff(request, member) == Author("staff", "s-1", "192.0.2.1", "r-1")


def test_the_gateways_authorizer_trusts_the_stages_pool_alone() -> None:
    made = authorizer(ARN)
    assert made is not None
    assert made.to_swagger() == {
        "in": "header",
        "type": "apiKey",
        "name": "Authorization",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [ARN]},
    }
    assert authorizer("") is None


@pytest.mark.parametrize(
    ("mode", "command", "expected"),
    [
        ("true", "package --stage test out", {"cognito_user_pools"}),
        ("true", "deploy", {"cognito_user_pools"}),
        ("", "package", {None}),
    ],
)
def test_every_staff_route_has_the_authorizer_when_it_is_deployed(mode: str, command: str, expected: set[Any]) -> None:
    script = (
        "import json, sys; sys.argv[1:] = sys.argv[1].split(); from app import app; print(json.dumps([entry.authorizer"
        " and entry.authorizer.to_swagger()['x-amazon-apigateway-authtype'] for path, entries in app.routes.items()"
        " if path.startswith('/staff/') for entry in entries.values()]))"
    )
    environment = {**os.environ, "AWS_CHALICE_CLI_MODE": mode}
    run = [sys.executable, "-c", script, command]
    done = subprocess.run(run, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found
    assert set(found) == expected


def test_a_token_is_verified_with_the_handed_in_time(bench: Bench) -> None:
    assert bench.now == NOW  # long past: PyJWT's own clock would refuse every token of these tests
    assert signed_in(bench, "viewer").get("/staff/me").status_code == 200


def test_who_asks_too_much_is_told_when_the_hour_ends_and_colleagues_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.staff.reading.UNITS_AN_HOUR", 26)
    hasty, colleague = signed_in(bench, "viewer", sub="s-1"), signed_in(bench, "viewer", sub="s-2")
    for _ in range(2):
        assert hasty.get("/staff/transactions").status_code == 200
    assert hasty.get("/staff/accounts/A123").status_code == 200
    answer = hasty.get("/staff/transactions")
    problem(answer, 429, "read_limit_reached")
    assert answer.headers["Retry-After"] == "3600"
    assert hasty.get("/staff/me").status_code == 200  # one unit is left
    problem(hasty.get("/staff/me"), 429, "read_limit_reached")
    bench.restart()
    problem(hasty.get("/staff/me"), 429, "read_limit_reached")
    assert colleague.get("/staff/me").status_code == 200
    bench.now += timedelta(hours=1)
    assert hasty.get("/staff/transactions").status_code == 200
