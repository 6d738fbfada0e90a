"""A dead letter of each queue, kind of message and reason becomes a message that its function reads."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from chalicelib.changes import change_notice
from chalicelib.changes.change_notice import ChangeNotice
from chalicelib.flags import operator_alerts
from chalicelib.flags.events import SOURCE, TRANSACTION_FLAGGED, flagged_detail
from chalicelib.holders import late_suppression as late_suppressions
from chalicelib.holders import sweep as sweeps
from chalicelib.holders.address import Address
from chalicelib.holders.change import HolderChange
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.late_suppression import LateSuppression
from chalicelib.holders.long_step import TRIED_FOR
from chalicelib.holders.sweep import Sweep
from chalicelib.ledger import ingest_queue
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.notifications import digest as digests
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.notifications.state import NotificationKey
from chalicelib.statements.index import Expected, expected_in
from chalicelib.statements.periods import period_named
from chalicelib.webhooks import webhook as webhooks
from chalicelib.webhooks.webhook import TYPES, Webhook
from infra.package import PROJECT_DIR
from operations.queued_letter import MOVED_BY_SQS, STATEMENTS, QueuedLetter
from tests.case_world import flagging
from tests.mail_world import EVENTS, NOW, World
from tests.samples import TRANSACTION, transaction
from tests.stream_world import record

LONG_AGO = NOW - timedelta(days=30)
CHANGE = ChangeNotice(
    HolderChange("eazycard", "A1", "alerts_ended", "holder", NOW, Holder("awa", "Awa", "a@b.cd", "fr", "UTC", {}, NOW))
)
SWEEP = Sweep(Address.of("eazycard", "awa@example.com"), 1, "holder#A1#awa", began_at=LONG_AGO)
LATE = LateSuppression(SWEEP.address, Suppressed("hard_bounce", LONG_AGO), began_at=LONG_AGO)
EXPECTED = Expected("eazycard", "a0", "awa", period_named("2026-W24"), put_off_since=LONG_AGO)
NOTICES = {
    "notice": to_payload(Notice(TRANSACTION)),
    "alert": to_payload(Notice(TRANSACTION, flags={"large_amount": {"threshold": "1"}})),
    "put off": to_payload(Notice(TRANSACTION, ("awa",), 3, LONG_AGO, counted_until=LONG_AGO, left_since=LONG_AGO)),
    **{
        f"digest of kind {kind}": digests.to_payload(DigestNotice(Digest(kind, "eazycard", "A1", "awa", LONG_AGO), 2))
        for kind in DigestKind
    },
}
MESSAGES_OF_NOTICES = {
    **{kind: next(iter(pack([payload]))) for kind, payload in NOTICES.items()},
    "notices": next(iter(pack(NOTICES.values()))),
    "a change": change_notice.pack(CHANGE),
}
QUEUED = json.loads(next(ingest_queue.pack([TRANSACTION])))["transactions"][0]
WEBHOOKS = {
    type_: webhooks.pack(
        Webhook("msg_1", NotificationKey("eazycard", "t1", ""), type_, "{}", LONG_AGO, LONG_AGO, endpoint="e1")
    )
    for type_ in TYPES
}
TOLD_BY_SES = {path.stem: path.read_text() for path in sorted(EVENTS.glob("ses_*.json"))}
SENT = {**json.loads(TOLD_BY_SES["ses_delivery"]), "eventType": "Send", "send": {}}
EVENT = {"source": SOURCE, "detail-type": TRANSACTION_FLAGGED, "detail": flagged_detail(flagging("t1", "large_amount"))}
# The whole messages that each function accepts, by dead-letter queue. `app.py` has the functions.
MESSAGES: dict[str, dict[str, str]] = {
    "notifications": MESSAGES_OF_NOTICES,
    "ingest": {"transactions": next(ingest_queue.pack([TRANSACTION, transaction(id="t2")]))},
    "operator-alerts": {"an event": json.dumps(EVENT)},
    "feedback": {
        **TOLD_BY_SES,
        "an event that says nothing": json.dumps(SENT),
        "a greeting": "Successfully validated SNS topic for Amazon SES event publishing.",
        "a sweep": sweeps.pack(SWEEP),
        "a sweep that was set aside": sweeps.pack(SWEEP.set_aside()),
        "a suppression": late_suppressions.pack(LATE),
        "a suppression that was set aside": late_suppressions.pack(LATE.set_aside()),
    },
    "webhooks": WEBHOOKS,
}


class Case(NamedTuple):
    """A letter; `goes_to` is the dead-letter queue of the function that takes its message."""

    kind: str
    queue: str
    reason: str
    payload: Any
    goes_to: str

    @property
    def name(self) -> str:
        return f"{self.queue}-{self.reason}-{self.kind}"


def of_whole_messages(queue: str, *reasons: str, goes_to: str = "") -> list[Case]:
    """Return a letter by each reason of each of the messages, whole."""
    goes_to = goes_to or queue
    return [Case(kind, queue, reason, body, goes_to) for kind, body in MESSAGES[goes_to].items() for reason in reasons]


CASES = [
    *(case for queue in MESSAGES for case in of_whole_messages(queue, MOVED_BY_SQS)),
    *of_whole_messages("notifications", "malformed_message: KeyError", "refused_by_queue"),
    Case("a change", "notifications", "malformed_change: KeyError", change_notice.pack(CHANGE), "notifications"),
    Case("a change", "notifications", "no_link", change_notice.to_payload(CHANGE), "notifications"),
    *(
        Case(kind, "notifications", reason, payload, "notifications")
        for kind, payload in {**NOTICES, "a change": change_notice.to_payload(CHANGE)}.items()
        for reason in (
            "refused: MESSAGE_REJECTED",
            "given_up: ACCOUNT_THROTTLED",
            "not_rendered: KeyError",
            "malformed_notice: KeyError",
        )
    ),
    *(
        Case(kind, "notifications", "malformed_deferral: KeyError", json.dumps(payload), "notifications")
        for kind, payload in NOTICES.items()
    ),
    *of_whole_messages("stream", "refused_by_queue", goes_to="notifications"),
    *of_whole_messages("stream", "refused_by_queue", goes_to="webhooks"),
    Case(
        "a stored transaction",
        "stream",
        "malformed_record: KeyError",
        record(transaction_item(TRANSACTION)),
        "notifications",
    ),
    *of_whole_messages("ingest", "malformed_message: KeyError"),
    Case("a transaction", "ingest", "malformed_transaction: KeyError", QUEUED, "ingest"),
    Case("a transaction", "ingest", "transaction_conflict: amount", QUEUED, "ingest"),
    *of_whole_messages("operator-alerts", "malformed_event: KeyError"),
    *of_whole_messages(
        "feedback",
        "malformed_event: KeyError",
        "unknown_notification",
        "not_recorded: KeyError",
        "not_suppressed: KeyError",
        "not_swept: KeyError",
        "sweep_given_up",
        "suppression_given_up",
    ),
    *of_whole_messages("webhooks", "malformed_webhook: KeyError", "given_up: 500", "refused_by_queue"),
]
# What doesn't become a message: the command does it by itself, or it is of the stream of another table.
BY_ITSELF = {
    "case_not_opened",
    "answer_not_added",
    "malformed_statement",
    "malformed_holder",
    "too_many_transactions",
    "malformed_notification",
}


def letter(queue: str, reason: str, payload: Any, source: str = "a function") -> QueuedLetter:
    is_moved = reason == MOVED_BY_SQS
    body = payload if is_moved else json.dumps({"source": source, "reason": reason, "payload": payload})
    message = {"MessageId": "1", "ReceiptHandle": "1", "Body": body, "Attributes": {"SentTimestamp": "0"}}
    found = QueuedLetter.received(queue, message)
    assert found.reason == reason
    return found


def read_notices(body: str) -> None:
    unread: list[Any] = []
    if change_notice.is_change(body):
        assert change_notice.unpack(body).again
    else:
        assert digests.unpack(body, unread)
    assert not unread


def read_transactions(body: str) -> None:
    unread: list[Any] = []
    assert ingest_queue.unpack(body, unread)
    assert not unread


def read_webhook(body: str) -> None:
    found = webhooks.unpack(body)
    assert datetime.now(UTC) - found.first_at < timedelta(minutes=1)
    assert found.not_before is None


@pytest.fixture
def reads(dynamodb: Any, table_names: dict[str, str]) -> dict[str, Callable[[str], Any]]:
    """Return what fails over a message that the function doesn't accept, by dead-letter queue."""

    def read_feedback(body: str) -> None:
        world = World(dynamodb, table_names)
        world.hear([body])
        assert {one["reason"] for one in world.letters()} <= {"unknown_notification"}

    return {
        "notifications": read_notices,
        "ingest": read_transactions,
        "operator-alerts": operator_alerts.read,
        "feedback": read_feedback,
        "webhooks": read_webhook,
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_letter_becomes_a_message_that_the_function_accepts(
    reads: dict[str, Callable[[str], Any]], case: Case
) -> None:
    found = letter(case.queue, case.reason, case.payload)
    body = found.message()
    assert body is not None
    # The stream's and the notifications' letters go to the same queue.
    assert {"stream": "notifications"}.get(found.goes_to, found.goes_to) == case.goes_to
    reads[case.goes_to](body)


@pytest.mark.parametrize("reason", ["not_swept: KeyError", "sweep_given_up", MOVED_BY_SQS])
def test_a_sweep_goes_on_where_it_was_and_has_its_whole_time_again(reason: str) -> None:
    body = letter("feedback", reason, sweeps.pack(SWEEP)).message()
    assert body is not None
    again = sweeps.unpack(body)
    assert again == SWEEP.set_aside()
    assert SWEEP.is_too_old(NOW)
    assert not again.begun(NOW).is_too_old(NOW + TRIED_FOR)


@pytest.mark.parametrize("reason", ["not_suppressed: KeyError", "suppression_given_up", MOVED_BY_SQS])
def test_a_suppression_has_its_whole_time_again(reason: str) -> None:
    body = letter("feedback", reason, late_suppressions.pack(LATE)).message()
    assert body is not None
    assert late_suppressions.unpack(body) == LATE.set_aside()


@pytest.mark.parametrize(
    ("queue", "body"),
    [
        ("notifications", json.dumps({"notices": [{"bank": "b"}, to_payload(Notice(TRANSACTION))]})),
        ("ingest", json.dumps({"transactions": [{"bank": "b"}, QUEUED]})),
    ],
)
def test_a_part_that_cant_be_read_keeps_no_other_from_going_through(queue: str, body: str) -> None:
    assert letter(queue, MOVED_BY_SQS, body).message() == body


@pytest.mark.parametrize("payload", [EXPECTED.to_json(), json.dumps(EXPECTED.to_json())])
@pytest.mark.parametrize("reason", ["malformed_statement: KeyError", "malformed_holder: KeyError", "given_up: x"])
def test_a_statement_is_found_in_its_letter(payload: Any, reason: str) -> None:
    assert letter("notifications", reason, payload, STATEMENTS).statement() == EXPECTED
    assert letter("notifications", reason, payload).statement() is None
    assert expected_in(json.dumps(EXPECTED.to_json())) == replace(EXPECTED)


@pytest.mark.parametrize("queue", [*MESSAGES, "stream"])
@pytest.mark.parametrize("payload", ["{broken", "", "[]", "7", "{}", {}, [], 7, None, {"sweep": {}}, '{"sweep": {}}'])
@pytest.mark.parametrize("reason", ["malformed_message: KeyError", MOVED_BY_SQS])
def test_what_the_function_cant_read_is_kept(queue: str, payload: Any, reason: str) -> None:
    if reason == MOVED_BY_SQS and not isinstance(payload, str):
        payload = json.dumps(payload)
    assert letter(queue, reason, payload).message() is None


def test_each_reason_that_the_operators_guide_names_is_tried() -> None:
    guide = (PROJECT_DIR / "docs" / "operations.md").read_text("utf-8")
    rows = guide.partition("| reason | what to do |\n")[2].partition("\n\n")[0]
    named = {
        re.match(r"\w+", reason)[0]  # type: ignore[index]
        for row in rows.splitlines()[1:]
        for reason in re.findall("`([^`]+)`", row.split("|")[1])
    }
    answers = {"timeout", "unreachable", "unknown_host", "certificate", "private_address", "no_http", "no_secret"}
    tried = {re.match(r"\w+", case.reason)[0] for case in CASES}  # type: ignore[index]
    assert named - answers - {"bank_disabled"} - BY_ITSELF <= tried
