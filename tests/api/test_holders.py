"""The routes of holders: enrolled, replaced, read and erased by their bank."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.app_bench import CARD, HOLDER, Bench, fields, problem


def test_a_holder_is_enrolled_with_201_and_replaced_with_200(bench: Bench) -> None:
    preferences = {
        "types": ["credit", "debit"],
        "min_amount": {"XAF": "5000"},
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "statement": "weekly",
        "muted": False,
    }
    body = {**HOLDER, "locale": "en", "timezone": "Africa/Douala", "preferences": preferences}
    enrolled = {"id": "h1", **body, "enrolled_at": "2026-01-10T14:00:00Z"}
    created = bench.put_holder(body=body)
    assert (created.status_code, created.json_body) == (201, enrolled)
    assert bench.get("/accounts/A123/holders/h1").json_body == enrolled
    assert bench.get("/accounts/A123/holders").json_body == {"holders": [enrolled]}

    bench.now += timedelta(hours=1)
    replaced = bench.put_holder()
    assert replaced.status_code == 200
    assert replaced.json_body == {
        "id": "h1",
        **HOLDER,
        "locale": "fr",
        "timezone": "UTC",
        "preferences": {},
        "enrolled_at": "2026-01-10T15:00:00Z",
    }
    assert bench.get("/accounts/A123/holders").json_body == {"holders": [replaced.json_body]}


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        (b"", "malformed_body", []),
        (b"[]", "malformed_body", []),
        ({}, "validation_failed", ["name", "email"]),
        ({**HOLDER, "email": "awa"}, "validation_failed", ["email"]),
        ({**HOLDER, "locale": "de"}, "validation_failed", ["locale"]),
        ({**HOLDER, "timezone": "Nowhere/At-all"}, "validation_failed", ["timezone"]),
        ({**HOLDER, "preferences": {"muted": 1}}, "validation_failed", ["preferences.muted"]),
        (
            {**HOLDER, "preferences": {"min_amount": {"XAF": 0.5}}},
            "validation_failed",
            ["preferences.min_amount.XAF"],
        ),
        ({**HOLDER, "phone": "x"}, "validation_failed", ["phone"]),
        ({**HOLDER, "name": CARD}, "card_number_refused", ["name"]),
    ],
)
def test_a_bad_holder_is_refused_with_400(bench: Bench, body: Any, code: str, named: list[str]) -> None:
    assert fields(problem(bench.put_holder(body=body), 400, code)) == named
    assert bench.get("/accounts/A123/holders").json_body == {"holders": []}


def test_a_holder_body_over_256_kb_is_refused_with_413(bench: Bench) -> None:
    problem(bench.put_holder(body=b" " * (256 * 1024 + 1)), 413, "body_too_large")


@pytest.mark.parametrize("holder_id", ["%20", "a%2Fb", "%F0%9F%98%80", "x" * 65, "%FF", "a%3Ab"])
def test_a_holder_id_that_can_not_be_is_refused_and_not_found(bench: Bench, holder_id: str) -> None:
    assert fields(problem(bench.put_holder(holder_id), 400, "validation_failed")) == ["holder"]
    problem(bench.get(f"/accounts/A123/holders/{holder_id}"), 404, "holder_not_found")
    problem(bench.request("DELETE", f"/accounts/A123/holders/{holder_id}"), 404, "holder_not_found")


@pytest.mark.parametrize("holder_id", ["x" * 64, "..a", "a.b_c-D", "holder"])
def test_any_holder_id_that_is_allowed_is_found_as_it_is_and_encoded(bench: Bench, holder_id: str) -> None:
    assert bench.put_holder(holder_id).status_code == 201
    encoded = "".join(f"%{ord(character):02X}" for character in holder_id)
    assert bench.put_holder(encoded).status_code == 200
    assert bench.get(f"/accounts/A123/holders/{encoded}").json_body["id"] == holder_id
    assert bench.request("DELETE", f"/accounts/A123/holders/{encoded}").status_code == 204


def test_a_deleted_holder_is_gone_for_good(bench: Bench) -> None:
    bench.put_holder()
    response = bench.request("DELETE", "/accounts/A123/holders/h1")
    assert (response.status_code, response.body) == (204, b"")
    problem(bench.request("DELETE", "/accounts/A123/holders/h1"), 404, "holder_not_found")
    problem(bench.get("/accounts/A123/holders/h1"), 404, "holder_not_found")
    assert bench.get("/accounts/A123/holders").json_body == {"holders": []}
    kept = json.dumps(bench.dynamodb.scan(TableName="AccountsTable")["Items"])
    assert "awa" not in kept.lower()


def test_the_21st_holder_is_refused_with_409(bench: Bench) -> None:
    for number in range(20):
        assert bench.put_holder(f"h{number}").status_code == 201
    problem(bench.put_holder("one-more"), 409, "too_many_holders")
    assert bench.put_holder("h5").status_code == 200
    assert len(bench.get("/accounts/A123/holders").json_body["holders"]) == 20
    bench.request("DELETE", "/accounts/A123/holders/h5")
    assert bench.put_holder("one-more").status_code == 201


def test_a_card_number_in_the_path_is_refused_like_one_in_the_body(bench: Bench) -> None:
    assert fields(problem(bench.put_holder(CARD), 400, "card_number_refused")) == ["holder"]
    response = bench.request("PUT", f"/accounts/{CARD}/holders/h1", HOLDER)
    assert fields(problem(response, 400, "card_number_refused")) == ["account"]
    assert bench.dynamodb.scan(TableName="AccountsTable")["Count"] == 0


def test_a_locale_is_answered_in_its_canonical_case_and_another_is_refused_with_what_is_accepted(bench: Bench) -> None:
    assert bench.put_holder(body={**HOLDER, "locale": "FR-cm"}).json_body["locale"] == "fr-CM"
    assert bench.get("/accounts/A123/holders/h1").json_body["locale"] == "fr-CM"
    refused = bench.put_holder(body={**HOLDER, "locale": "fr_CM"})
    assert (refused.status_code, fields(refused.json_body)) == (400, ["locale"])
    assert "like fr-CM or en-GB" in refused.json_body["errors"][0]["message"]
