"""The routes of holders: enrolled, replaced, read and erased by their bank."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import to_item
from tests.app_bench import CARD, HOLDER, Bench, fields, problem
from tests.fakes import Interrupted


def test_a_holder_is_enrolled_with_201_and_replaced_with_200(bench: Bench) -> None:
    preferences = {
        "types": ["credit", "debit"],
        "min_amount": {"XAF": "5000"},
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "statement": "weekly",
        "muted": False,
    }
    body = {**HOLDER, "locale": "en", "timezone": "Africa/Douala", "preferences": preferences}
    times = ("preferences_chosen_at", "created_at", "enrolled_at", "updated_at")
    at_two, at_three = "2026-01-10T14:00:00Z", "2026-01-10T15:00:00Z"
    enrolled = {"id": "h1", **body, "preferences_chosen_by": "bank", **dict.fromkeys(times, at_two)}
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
        "preferences_chosen_by": "bank",
        **dict.fromkeys(times, at_three),
        "created_at": at_two,
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


PATH = "/accounts/A123/holders/h1"


def patch(bench: Bench, body: Any, **options: Any) -> Any:
    return bench.request("PATCH", PATH, body, **options)


def test_a_patch_changes_what_it_names_and_nothing_else(bench: Bench) -> None:
    bench.put_holder(body={**HOLDER, "preferences": {"types": ["debit"], "min_amount": {"XAF": 5000, "EUR": 9.5}}})
    before = bench.get(PATH).json_body
    bench.now += timedelta(hours=1)
    later = "2026-01-10T15:00:00Z"
    named = patch(bench, {"name": "Awa N.", "locale": "en"})
    assert named.status_code == 200
    assert named.json_body == {**before, "name": "Awa N.", "locale": "en", "updated_at": later}
    preferred = patch(bench, {"preferences": {"min_amount": {"EUR": None, "KWD": "1.500"}, "statement": "weekly"}})
    wanted = {"types": ["debit"], "min_amount": {"XAF": "5000", "KWD": "1.500"}, "statement": "weekly"}
    assert preferred.json_body["preferences"] == wanted
    assert preferred.json_body["preferences_chosen_at"] == later
    assert bench.get(PATH).json_body == preferred.json_body
    moved = patch(bench, {"email": "new@example.com", "locale": None, "preferences": None}).json_body
    assert (moved["email"], moved["locale"], moved["preferences"]) == ("new@example.com", "fr", {})
    assert (moved["created_at"], moved["enrolled_at"]) == ("2026-01-10T14:00:00Z", later)


@pytest.mark.parametrize(
    "content_type",
    ["application/merge-patch+json", "application/json; charset=utf-8", "Application/Merge-Patch+JSON", None],
)
def test_a_patch_is_json_or_a_merge_patch(bench: Bench, content_type: str | None) -> None:
    bench.put_holder()
    assert patch(bench, {"name": "Awa N."}, content_type=content_type).json_body["name"] == "Awa N."


@pytest.mark.parametrize(
    "content_type", ["application/json-patch+json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_another_type_of_patch_is_refused_with_415_and_changes_nothing(bench: Bench, content_type: str) -> None:
    before = bench.put_holder().json_body
    problem(patch(bench, {"name": "Awa N."}, content_type=content_type), 415, "unsupported_media_type")
    assert bench.get(PATH).json_body == before


def test_a_merge_patch_is_no_type_of_what_is_put(bench: Bench) -> None:
    answer = bench.put_holder(content_type="application/merge-patch+json")
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        (b"[]", "malformed_body", []),
        ({"name": None}, "validation_failed", ["name"]),
        ({"id": "h2"}, "validation_failed", ["id"]),
        ({"preferences": {"statement": "daily"}}, "validation_failed", ["preferences.statement"]),
        ({"name": CARD}, "card_number_refused", ["name"]),
    ],
)
def test_a_bad_patch_is_refused_with_400_and_changes_nothing(
    bench: Bench, body: Any, code: str, named: list[str]
) -> None:
    before = bench.put_holder().json_body
    assert fields(problem(patch(bench, body), 400, code)) == named
    assert bench.get(PATH).json_body == before


@pytest.mark.parametrize("holder_id", ["h2", "%20", "a%2Fb", "x" * 65])
def test_a_patch_makes_no_holder(bench: Bench, holder_id: str) -> None:
    bench.put_holder()
    answer = bench.request("PATCH", f"/accounts/A123/holders/{holder_id}", {"name": "Ben"})
    problem(answer, 404, "holder_not_found")
    problem(bench.request("PATCH", "/accounts/A9/holders/h1", {"name": "Ben"}), 404, "holder_not_found")
    assert len(bench.get("/accounts/A123/holders").json_body["holders"]) == 1


def test_each_version_has_its_tag_and_reading_it_changes_nothing(bench: Bench) -> None:
    tags = [bench.put_holder().headers["ETag"]]
    bench.now += timedelta(seconds=1)
    tags.append(patch(bench, {"name": "Awa N."}).headers["ETag"])
    for _ in range(2):
        assert bench.get(PATH).headers["ETag"] == tags[-1]
    bench.now += timedelta(seconds=1)
    tags.append(bench.put_holder().headers["ETag"])
    assert len(set(tags)) == 3


WRITES: list[tuple[str, Any]] = [("PUT", {**HOLDER, "name": "Ben"}), ("PATCH", {"name": "Ben"}), ("DELETE", None)]


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_if_match_with_another_tag_is_412_and_changes_nothing(bench: Bench, method: str, body: Any) -> None:
    old = bench.put_holder(body={**HOLDER, "name": "Awa"}).headers["ETag"]
    bench.now += timedelta(seconds=1)
    before = bench.put_holder()
    tag = before.headers["ETag"]
    for refused in (old, f"W/{tag}", "x", ""):
        answer = bench.request(method, PATH, body, if_match=refused)
        document = problem(answer, 412, "precondition_failed")
        assert "Read it again" in document["detail"]
    assert bench.get(PATH).json_body == before.json_body
    assert bench.request(method, PATH, body, if_match=f"{old}, {tag}").status_code in (200, 204)
    assert bench.get(PATH).status_code == (404 if method == "DELETE" else 200)


@pytest.mark.parametrize(("method", "status"), [("PUT", 412), ("PATCH", 404), ("DELETE", 404), ("GET", 404)])
def test_nothing_is_made_where_any_version_was_asked_for(bench: Bench, method: str, status: int) -> None:
    assert (
        bench.request(method, PATH, None if method in ("GET", "DELETE") else HOLDER, if_match="*").status_code == status
    )
    assert bench.get("/accounts/A123/holders").json_body == {"holders": []}
    bench.put_holder()
    assert bench.put_holder(if_match="*").status_code == 200


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_of_two_writers_with_one_tag_the_second_is_refused_even_between_its_read_and_its_write(
    bench: Bench, method: str, body: Any
) -> None:
    tag = bench.put_holder().headers["ETag"]
    dynamodb = bench.dynamodb

    def other_writer() -> None:
        bench.restart(dynamodb=dynamodb)
        assert patch(bench, {"email": "first@example.com"}, if_match=tag).status_code == 200

    bench.now += timedelta(seconds=1)
    bench.restart(dynamodb=Interrupted(dynamodb, other_writer, operation="update_item"))
    problem(bench.request(method, PATH, body, if_match=tag), 412, "precondition_failed")
    assert bench.get(PATH).json_body["email"] == "first@example.com"


def test_a_patch_between_another_writer_s_read_and_write_is_on_top_of_it(bench: Bench) -> None:
    bench.put_holder()
    dynamodb = bench.dynamodb

    def other_writer() -> None:
        bench.restart(dynamodb=dynamodb)
        patch(bench, {"email": "first@example.com"})

    bench.restart(dynamodb=Interrupted(dynamodb, other_writer, operation="update_item"))
    assert patch(bench, {"locale": "en"}).status_code == 200
    found = bench.get(PATH).json_body
    assert (found["email"], found["locale"]) == ("first@example.com", "en")


def test_a_record_of_an_earlier_release_is_answered_whole_and_can_be_changed(bench: Bench) -> None:
    stored = {
        "name": "Awa Ndiaye",
        "email": "awa@example.com",
        "locale": "fr",
        "timezone": "UTC",
        "preferences": {"muted": True, "types": ["debit"]},
        "enrolled_at": "2025-12-24T18:00:00Z",
    }
    bench.dynamodb.put_item(
        TableName="AccountsTable",
        Item=to_item({"account_key": "eazycard#A123", "holder_count": 1, "holder:h1": stored}),
    )
    answer = bench.get(PATH)
    times = ("preferences_chosen_at", "created_at", "enrolled_at", "updated_at")
    whole = {"id": "h1", **stored, "preferences_chosen_by": "holder", **dict.fromkeys(times, "2025-12-24T18:00:00Z")}
    assert answer.json_body == whole
    changed = patch(bench, {"locale": "en"}, if_match=answer.headers["ETag"]).json_body
    assert changed == {**whole, "locale": "en", "updated_at": "2026-01-10T14:00:00Z"}
    synced = bench.put_holder().json_body
    assert (synced["preferences"], synced["created_at"]) == ({"muted": True}, "2025-12-24T18:00:00Z")


def test_a_locale_is_answered_in_its_canonical_case_and_another_is_refused_with_what_is_accepted(bench: Bench) -> None:
    assert bench.put_holder(body={**HOLDER, "locale": "FR-cm"}).json_body["locale"] == "fr-CM"
    assert bench.get("/accounts/A123/holders/h1").json_body["locale"] == "fr-CM"
    refused = bench.put_holder(body={**HOLDER, "locale": "fr_CM"})
    assert (refused.status_code, fields(refused.json_body)) == (400, ["locale"])
    assert "like fr-CM or en-GB" in refused.json_body["errors"][0]["message"]
