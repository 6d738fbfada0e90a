"""Staff's page of a transaction: all that is known of it in one answer, and who looked at it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

import app as app_module
from chalicelib.audit.repository import AuditRepository
from chalicelib.cases.stored_form import case_item
from chalicelib.flags.answers import Answer
from chalicelib.flags.baselines import Amounts, Baseline
from chalicelib.flags.repository import Flagging
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.state import Feedback, Kind, NotificationKey, State, StateChange
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from tests.app_bench import NOW, OTHER_KEY, Bench, problem
from tests.case_world import Cases, case
from tests.fakes import refusal
from tests.samples import EVIDENCE
from tests.staff_world import Desk, signed_in

PAGE = "/staff/transactions/t1"


@pytest.fixture
def viewer(bench: Bench) -> Desk:
    bench.record("t1")
    return signed_in(bench, "viewer", sub="s-1")


def looks(bench: Bench) -> list[str]:
    found = AuditRepository(bench.dynamodb, "AuditTable", 10).of_bank("eazycard", NOW, NOW + timedelta(days=1))
    return [entry.author.id for entry in found if entry.action == "transaction.viewed"]


def test_a_page_of_a_transaction_that_nothing_has_happened_to(bench: Bench, viewer: Desk) -> None:
    answer = viewer.get(PAGE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json_body == {
        "transaction": bench.get("/transactions/t1").json_body,
        "notifications": [],
        "webhooks": [],
        "seen_by": [],
    }


def test_a_page_shows_the_story_the_flags_the_usual_amounts_the_e_mails_and_the_webhooks(
    bench: Bench, viewer: Desk
) -> None:
    services = app_module.services
    stored = services.transactions.get("eazycard", "t1")
    services.flags.record([Flagging(stored, {"velocity": EVIDENCE["velocity"]}, frozenset(), bench.now)])
    services.flags.answer("eazycard", "t1", "h1", Answer.NOT_RECOGNIZED, bench.now)
    amounts = Amounts().add(Decimal(10)).add(Decimal(20))
    services.baselines.put(
        {"eazycard#A123": Baseline(amounts={"EUR#credit": amounts, "EUR#debit": Amounts().add(Decimal(5))})}
    )
    key = NotificationKey("eazycard", "t1", "h1")
    sent = StateChange(key, State.SENT, message_id="m-1", queued_at=bench.now)
    NotificationLog(bench.dynamodb, "NotificationsTable", services.notification_feed).record([sent], bench.now)
    delivered = bench.now + timedelta(seconds=2)
    services.notification_records.note_feedback(key, Feedback(delivered, Kind.DELIVERY, "m-1", bench.now))
    record = Record(key, "msg_1", "notification.delivered", Standing.WAITING, "500", 2, bench.now, delivered)
    WebhookRecords(bench.dynamodb, "NotificationsTable").put([record])
    page = viewer.get(PAGE).json_body
    assert page["transaction"]["flags"] == {"velocity": EVIDENCE["velocity"]}
    assert [one["answer"] for one in page["transaction"]["answers"]] == ["not_recognized"]
    assert page["usual"] == {"currency": "EUR", "type": "credit", "count": 2, "average": "15.00", "spread": "7.07"}
    assert page["notifications"] == bench.get("/transactions/t1/notifications").json_body["notifications"]
    assert [one["state"] for one in page["notifications"][0]["history"]] == ["queued", "sent", "delivered"]
    assert page["webhooks"] == [
        {
            "id": "msg_1",
            "type": "notification.delivered",
            "holder": "h1",
            "state": "waiting",
            "answer": "500",
            "attempts": 2,
            "at": "2026-01-10T14:00:00Z",
            "next_at": "2026-01-10T14:00:02Z",
        }
    ]


def test_a_page_shows_the_case_that_was_opened_for_the_transaction(bench: Bench, viewer: Desk) -> None:
    Cases(bench.dynamodb).cases().put_one_new(case_item(case("t1", "velocity")))
    page = viewer.get(PAGE).json_body
    assert page["case"] == viewer.get("/staff/cases/t1").json_body["case"]
    assert [one["what"] for one in page["case"]["history"]] == ["opened"]


def test_a_look_is_in_the_trail_and_the_next_one_who_looks_sees_it(bench: Bench, viewer: Desk) -> None:
    viewer.get(PAGE)
    bench.now += timedelta(minutes=1)
    viewer.get(PAGE)  # the page reads itself anew
    other = signed_in(bench, "analyst", sub="s-2")
    assert other.get(PAGE).json_body["seen_by"] == [{"subject": "s-1", "at": "2026-01-10T14:00:00Z"}]
    assert looks(bench) == ["s-1", "s-2"]


@pytest.mark.parametrize("path", ["unknown", "..", "t1%23flags", "%00"])
def test_what_there_is_not_is_not_looked_at(bench: Bench, viewer: Desk, path: str) -> None:
    problem(viewer.get(f"/staff/transactions/{path}"), 404, "transaction_not_found")
    assert looks(bench) == []


def test_another_bank_s_transaction_is_not_there(bench: Bench, viewer: Desk) -> None:
    bench.record("of-b", key=OTHER_KEY)
    problem(viewer.get("/staff/transactions/of-b"), 404, "transaction_not_found")


def test_a_page_whose_look_can_not_be_noted_is_not_shown(bench: Bench, viewer: Desk) -> None:
    class NoTrail:
        def __getattr__(self, name: str) -> Any:
            def operation(**arguments: Any) -> Any:
                if name == "put_item" and arguments["TableName"] == "AuditTable":
                    raise refusal("ThrottlingException", name)
                return getattr(bench.dynamodb, name)(**arguments)

            return operation

    bench.restart(dynamodb=NoTrail())
    problem(viewer.get(PAGE), 503, "temporarily_unavailable")
