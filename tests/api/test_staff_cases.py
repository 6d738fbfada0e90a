"""The routes of cases, through the app: who may do what, and what two of a bank's staff see of each other."""

from datetime import timedelta
from typing import Any

import pytest

import app as app_module
from chalicelib.audit.repository import AuditRepository
from chalicelib.cases.case import Case
from chalicelib.cases.moves import MAX_NOTE, answered
from chalicelib.cases.stored_form import case_item
from chalicelib.flags.answers import Answer
from tests.app_bench import NOW, Bench, problem
from tests.case_world import answer, case
from tests.described import DESCRIPTION, validator
from tests.fakes import Refusing, refusal
from tests.staff_world import Desk, signed_in

CASE = "/staff/cases/t1"


def put(*cases: Case) -> None:
    app_module.services.case_store.put_new([case_item(one) for one in cases])


def ana(bench: Bench, *groups: str) -> Desk:
    return signed_in(bench, *(groups or ("analyst",)), sub="sub-ana", name="Ana")


def ben(bench: Bench, *groups: str) -> Desk:
    return signed_in(bench, *(groups or ("analyst",)), sub="sub-ben", name="Ben")


def valid(document: Any, schema: str) -> Any:
    assert schema in DESCRIPTION["components"]["schemas"]
    assert not list(validator({"$ref": f"#/components/schemas/{schema}"}).iter_errors(document))
    return document


def entries(bench: Bench, bank: str = "eazycard") -> list[str]:
    trail = AuditRepository(bench.dynamodb, "AuditTable", 10)
    return sorted(one.action for one in trail.of_bank(bank, NOW - timedelta(days=1), NOW + timedelta(days=1)))


def test_a_case_from_the_queue_to_its_outcome_is_in_its_history_and_in_the_audit_trail(bench: Bench) -> None:
    put(case("t1"))
    me = ana(bench)
    listed = valid(me.get("/staff/cases").json_body, "Cases")
    assert listed["counts"] == {"open": 1, "claimed": 0, "not_recognized": 0}
    assert [one["id"] for one in listed["cases"]] == ["t1"]
    assert "history" not in listed["cases"][0]
    claimed = valid(me.post("/staff/next-case").json_body, "OneCase")["case"]
    assert claimed["claimed_by"] == {"subject": "sub-ana", "name": "Ana"}
    me.post(f"{CASE}/notes", {"text": " Called\tthe holder. \r\n\r\nNobody\u0007 answers. "})
    closed = me.post(f"{CASE}/close", {"outcome": "fraud", "note": "Card blocked."})
    assert closed.status_code == 200
    found = valid(me.get(CASE).json_body, "OneCase")["case"]
    assert found == closed.json_body["case"]
    assert (found["state"], found["outcome"]) == ("closed", "fraud")
    assert [event["what"] for event in found["history"]] == ["opened", "claimed", "noted", "closed"]
    assert found["history"][2]["note"] == "Called the holder.\n\nNobody answers."
    assert found["history"][3]["note"] == "Card blocked."
    assert entries(bench) == ["case.claim", "case.close", "case.note", "transaction.viewed"]
    assert ana(bench).post(f"{CASE}/reopen").json_body["case"]["state"] == "open"
    assert me.get("/staff/cases", state="closed").json_body["cases"] == []


def test_a_colleague_is_told_who_has_the_case_and_since_when(bench: Bench) -> None:
    put(case("t1"))
    assert ana(bench).post(f"{CASE}/claim").status_code == 200
    document = problem(ben(bench).post(f"{CASE}/claim"), 409, "case_claimed")
    assert document["detail"].startswith("Ana works on this case, since 2026-")
    problem(ben(bench).post(f"{CASE}/close", {"outcome": "fraud"}), 409, "case_not_yours")
    problem(ben(bench).post(f"{CASE}/release"), 409, "case_not_yours")
    assert ben(bench, "admin").post(f"{CASE}/release").json_body["case"]["state"] == "open"
    problem(ana(bench).post(f"{CASE}/close", {"outcome": "fraud"}), 409, "case_not_yours")
    assert ben(bench).post(f"{CASE}/claim").status_code == 200
    ben(bench).post(f"{CASE}/close", {"outcome": "unclear"})
    problem(ana(bench).post(f"{CASE}/claim"), 409, "case_closed")
    assert entries(bench) == ["case.claim", "case.claim", "case.close", "case.release"]


def test_mine_are_those_that_i_have_claimed(bench: Bench) -> None:
    put(case("t1"), case("t2"), case("t3"))
    ana(bench).post("/staff/cases/t1/claim")
    ben(bench).post("/staff/cases/t2/claim")
    assert [one["id"] for one in ana(bench).get("/staff/cases", mine="true").json_body["cases"]] == ["t1"]
    claimed = ana(bench).get("/staff/cases", state="claimed").json_body
    assert [one["id"] for one in claimed["cases"]] == ["t1", "t2"]
    assert claimed["counts"] == {"open": 1, "claimed": 2, "not_recognized": 0}
    problem(ana(bench).get("/staff/cases", mine="true", state="open"), 400, "validation_failed")


def test_pages_follow_each_other_and_a_cursor_is_for_its_listing_alone(bench: Bench) -> None:
    put(*(case(f"t{number}") for number in range(5)))
    first = ana(bench).get("/staff/cases", limit="3").json_body
    second = ana(bench).get("/staff/cases", limit="3", cursor=first["next_cursor"]).json_body
    assert [one["id"] for one in first["cases"] + second["cases"]] == ["t0", "t1", "t2", "t3", "t4"]
    assert "next_cursor" not in second
    problem(ana(bench).get("/staff/cases", state="closed", cursor=first["next_cursor"]), 400, "invalid_cursor")
    stranger = signed_in(bench, "viewer", bank="other-bank")
    problem(stranger.get("/staff/cases", cursor=first["next_cursor"]), 400, "invalid_cursor")


def test_another_banks_staff_sees_no_case(bench: Bench) -> None:
    put(case("t1"))
    stranger = signed_in(bench, "admin", bank="other-bank")
    problem(stranger.get(CASE), 404, "case_not_found")
    for path, body in (("claim", None), ("release", None), ("reopen", None), ("notes", {"text": "x"})):
        problem(stranger.post(f"{CASE}/{path}", body), 404, "case_not_found")
    problem(stranger.post(f"{CASE}/close", {"outcome": "fraud"}), 404, "case_not_found")
    problem(stranger.post("/staff/next-case"), 404, "no_open_case")
    assert stranger.get("/staff/cases").json_body["counts"] == {"open": 0, "claimed": 0, "not_recognized": 0}
    assert entries(bench, "other-bank") == []


def test_a_viewer_sees_and_changes_nothing(bench: Bench) -> None:
    put(case("t1"))
    viewer = ana(bench, "viewer")
    assert viewer.get(CASE).status_code == 200
    problem(viewer.post(f"{CASE}/claim"), 403, "group_required")
    problem(viewer.post("/staff/next-case"), 403, "group_required")


def test_a_change_with_an_old_etag_changes_nothing(bench: Bench) -> None:
    put(case("t1"))
    before = ana(bench).get(CASE).headers["ETag"]
    ben(bench).post(f"{CASE}/notes", {"text": "Mine first."})
    problem(ana(bench).request("POST", f"{CASE}/claim", if_match=before), 412, "precondition_failed")
    now = ana(bench).get(CASE).headers["ETag"]
    assert ana(bench).request("POST", f"{CASE}/claim", if_match=now).status_code == 200
    assert entries(bench) == ["case.claim", "case.note", "transaction.viewed"]


def test_a_look_at_a_case_is_one_at_its_transaction_and_is_not_shown_where_it_can_not_be_noted(bench: Bench) -> None:
    put(case("t1"))
    for _ in range(2):
        assert ana(bench).get(CASE).status_code == 200
    (entry,) = AuditRepository(bench.dynamodb, "AuditTable", 10).of_bank("eazycard", NOW, NOW)
    of_transaction = app_module.services.trail.hashed("eazycard", "transaction", "t1")
    assert (entry.action, entry.subject, entry.author.id) == ("transaction.viewed", of_transaction, "sub-ana")
    bench.restart(dynamodb=Refusing(bench.dynamodb, refusal("ThrottlingException"), "put_item"))
    problem(ben(bench).get(CASE), 503, "temporarily_unavailable")


def test_a_change_that_the_trail_cannot_take_is_not_made(bench: Bench) -> None:
    put(case("t1"))
    bench.restart(dynamodb=_TrailRefused(bench.dynamodb))
    for path in (f"{CASE}/claim", "/staff/next-case"):
        problem(ana(bench).post(path), 503, "temporarily_unavailable")
    bench.restart()
    assert ana(bench).get(CASE).json_body["case"]["state"] == "open"


class _TrailRefused:
    """A client that can't write to the audit trail."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._refusing = Refusing(client, refusal("ThrottlingException"), "put_item")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **arguments: Any) -> Any:
        client = self._refusing if arguments["TableName"] == "AuditTable" else self._client
        return client.put_item(**arguments)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("notes", {"text": "x" * (MAX_NOTE + 1)}, "text"),
        ("notes", {"text": " \n "}, "text"),
        ("notes", {"text": 1}, "text"),
        ("notes", {}, "text"),
        ("notes", {"text": "x", "more": "y"}, "more"),
        ("close", {"outcome": "maybe"}, "outcome"),
        ("close", {"note": "x"}, "outcome"),
        ("close", {"outcome": "fraud", "note": ""}, "note"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_by_its_field(bench: Bench, path: str, body: Any, field: str) -> None:
    put(case("t1"))
    document = problem(ana(bench).post(f"{CASE}/{path}", body), 400, "validation_failed")
    assert field in [error["field"] for error in document["errors"]]


def test_a_card_number_in_a_note_is_refused(bench: Bench) -> None:
    put(case("t1"))
    problem(ana(bench).post(f"{CASE}/notes", {"text": "Card 4111 1111 1111 1111"}), 400, "card_number_refused")


@pytest.mark.parametrize("query", [{"state": "lost"}, {"mine": "yes"}, {"limit": "0"}, {"more": "1"}])
def test_a_query_that_breaks_a_rule_is_refused(bench: Bench, query: dict[str, str]) -> None:
    problem(ana(bench).get("/staff/cases", **query), 400, "validation_failed")


def test_a_holders_answer_is_on_the_case_and_counted(bench: Bench) -> None:
    put(case("t0", "velocity", "new_country"), answered(case("t1"), [answer("awa", Answer.NOT_RECOGNIZED)], NOW))
    listed = ana(bench).get("/staff/cases").json_body
    assert [one["id"] for one in listed["cases"]] == ["t1", "t0"]
    assert listed["counts"]["not_recognized"] == 1
    assert listed["cases"][0]["answers"][0]["answer"] == "not_recognized"
