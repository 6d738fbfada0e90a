"""What is left of an erased holder where staff worked: in a case, its answer and note, webhooks, looks and searches."""

import json
from typing import Any

import app as app_module
from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.changes.answer_teller import Answered, webhook_of
from chalicelib.flags.answers import Answer as Said
from chalicelib.flags.answers import answers_in
from chalicelib.flags.repository import Flagging
from chalicelib.webhooks.attempt import Attempt, follow_up
from tests.app_bench import Bench
from tests.samples import EVIDENCE
from tests.staff_world import signed_in
from tests.stream_world import record
from tests.tables import TABLES
from tests.webhook_desk import TAKEN

HOLDER, ADDRESS = "h-31f7c2", "zyzzyva@example.com"
PERSON = {"name": "Quentin Zyzzyva", "email": ADDRESS}


def places(bench: Bench, mark: str) -> set[str]:
    """Return the tables in which anything holds this text."""
    return {
        table
        for table in TABLES
        if any(mark in json.dumps(item, default=repr).lower() for item in bench.dynamodb.scan(TableName=table)["Items"])
    }


def flags_of(bench: Bench) -> dict[str, Any]:
    key = to_item({"transaction_key": "eazycard#t1#flags"})
    return dict(bench.dynamodb.get_item(TableName="TransactionsTable", Key=key)["Item"])


def test_of_an_erased_holder_a_case_keeps_the_id_with_its_answer_and_nothing_else(bench: Bench) -> None:
    services = app_module.services
    assert bench.put_holder(HOLDER, PERSON).status_code == 201
    bench.record("t1")
    stored = services.transactions.get("eazycard", "t1")
    services.flags.record([Flagging(stored, {"velocity": EVIDENCE["velocity"]}, frozenset(), bench.now)])
    services.case_opener.handle([record(flags_of(bench))])
    services.flags.answer("eazycard", "t1", HOLDER, Said.NOT_RECOGNIZED, bench.now)
    services.case_opener.handle([record(flags_of(bench), "MODIFY")])
    (given,) = answers_in(from_item(flags_of(bench)))
    told = Attempt(webhook_of(Answered("eazycard", "A123", "t1", given), bench.now), None, TAKEN)
    services.attempt_log.note([told], [follow_up(told, None, bench.now, 0).record], bench.now)

    analyst = signed_in(bench, "analyst")
    assert analyst.post("/staff/cases/t1/claim").status_code == 200
    assert analyst.post("/staff/cases/t1/notes", {"text": "Called the holder."}).status_code == 200
    assert len(analyst.get("/staff/holders", email=ADDRESS).json_body["holders"]) == 1
    for path in ("/staff/accounts/A123", "/staff/transactions/t1", f"/staff/webhooks/{told.webhook.id}/body"):
        assert analyst.get(path).status_code == 200
    assert places(bench, "zyzzyva") == {"AccountsTable"}, "before, the name and address are in one place"

    assert bench.request("DELETE", f"/accounts/A123/holders/{HOLDER}").status_code == 204
    assert places(bench, "zyzzyva") == set()
    # The answer beside the flags and in the case; the webhook that told the bank of it, for seven days.
    assert places(bench, HOLDER) == {"TransactionsTable", "CasesTable", "DeferralsTable"}
    case = analyst.get("/staff/cases/t1").json_body["case"]
    assert [one["holder"] for one in case["answers"]] == [HOLDER]
    assert [event["what"] for event in case["history"]] == ["opened", "answered", "claimed", "noted"]
    assert analyst.get("/staff/holders", email=ADDRESS).json_body == {"holders": []}
    assert analyst.get("/staff/transactions", holder=HOLDER).json_body == {"transactions": []}
    page = analyst.get("/staff/accounts/A123").json_body
    assert page["holders"] == []
    assert [one["subject"] for one in page["seen_by"]] != [], "who looked stays, by the member's id"
