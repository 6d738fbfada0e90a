"""The command for dead letters: what is there, and through again."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.dynamo import to_item
from chalicelib.aws.queues import Queue
from chalicelib.cases.case import opened
from chalicelib.cases.opener import CaseOpener
from chalicelib.cases.refusals import CaseNotFound
from chalicelib.cases.repository import CaseRepository
from chalicelib.cases.stored_form import case_item
from chalicelib.changes import change_notice
from chalicelib.changes.change_notice import ChangeNotice
from chalicelib.flags.answers import LAST_ANSWER, HolderAnswer, attribute_of, to_value
from chalicelib.flags.answers import Answer as HolderSays
from chalicelib.flags.events import TRANSACTION_FLAGGED, flagged_detail
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.holders import sweep as sweeps
from chalicelib.holders.address import Address
from chalicelib.holders.change import HolderChange
from chalicelib.holders.holder import Holder
from chalicelib.holders.sweep import Sweep
from chalicelib.ledger import ingest_queue
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import to_json
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.due import DueRepository
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.notifications.state import NotificationKey
from chalicelib.statements.index import Expected, StatementIndex, expected_in
from chalicelib.statements.periods import period_named
from chalicelib.webhooks import webhook as webhooks
from chalicelib.webhooks.webhook import Webhook
from infra import sessions
from operations import dead_letter_queues
from operations.dead_letter_queues import DeadLetterQueues
from operations.dead_letters import main
from operations.queued_letter import QueuedLetter
from operations.stream_functions import StreamFunctions
from tests.audit_trail import operators_actions
from tests.case_world import flagging
from tests.change_world import account_image, holder
from tests.change_world import record as changed
from tests.fakes import FakeLambda, OneCallAtATime, Refusing, refusal
from tests.mail_world import EVENTS
from tests.samples import TRANSACTION, transaction
from tests.stream_world import record

QUEUES = (
    "NotificationQueue",
    "NotificationDeadLetterQueue",
    "StreamDeadLetterQueue",
    "IngestQueue",
    "IngestDeadLetterQueue",
    "OperatorAlertsQueue",
    "OperatorAlertsDeadLetterQueue",
    "FeedbackQueue",
    "FeedbackDeadLetterQueue",
    "WebhookQueue",
    "WebhookDeadLetterQueue",
)


def table(hash_key: str, *range_key: str) -> dict[str, Any]:
    """Return a table of the template, by the names of its keys."""
    keys = {hash_key: "HASH", **dict.fromkeys(range_key, "RANGE")}
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            "BillingMode": "PAY_PER_REQUEST",
        },
    }


TEMPLATE = {
    "Resources": {
        **{name: {"Type": "AWS::SQS::Queue"} for name in QUEUES},
        "StatementsTable": table("due_hour", "due"),
        "AuditTable": table("trail_key", "entry"),
        "TransactionsTable": table("transaction_key"),
        "CasesTable": table("case_key"),
    },
    "Outputs": {
        **{f"{name}Url": {"Value": {"Ref": name}} for name in QUEUES},
        **{name: {"Value": {"Ref": name}} for name in ("CasesTable", "StatementsTable", "TransactionsTable")},
        "AuditTrail": {"Value": {"Fn::Sub": "${AuditTable}/10"}},
    },
}


class Stage:
    """A stage's queues, with the functions' own way to put dead letters into them."""

    def __init__(self) -> None:
        self.functions = FakeLambda()
        self._sqs = boto3.client("sqs")
        cloudformation = boto3.client("cloudformation")
        name = "transaction-notifier-prod-data"
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
        outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        self.urls = {output["OutputKey"].removesuffix("Url"): output["OutputValue"] for output in outputs}

    def put(self, queue: str, payload: Any, reason: str, source: str | None = None) -> None:
        sources = {"Notification": "mailer", "Stream": "transaction_stream", "Ingest": "ingest_worker"}
        sources["OperatorAlerts"] = "operator_alerts"
        sources |= {"Feedback": "feedback", "Webhook": "webhook_sender"}
        source = source or sources[queue.removesuffix("DeadLetterQueue")]
        DeadLetters(Queue(self._sqs, self.urls[queue]), source).put([(payload, reason)])

    def put_raw(self, queue: str, body: str) -> None:
        self._sqs.send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def take(self, queue: str) -> list[str]:
        """Return and remove what is in a queue."""
        bodies = []
        while messages := self._sqs.receive_message(QueueUrl=self.urls[queue], MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"])
        return bodies

    @property
    def statements_due(self) -> list[tuple[datetime, Expected]]:
        """What is in the index of statements, soonest first, without its checkpoint."""
        items = boto3.client("dynamodb").scan(TableName=self.urls["StatementsTable"])["Items"]
        return sorted(
            (
                (datetime.fromisoformat(item["due"]["S"].partition("#")[0]), expected_in(item["notice"]["S"]))
                for item in items
            ),
            key=lambda pair: pair[0],
        )


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(dead_letter_queues, "_WAITS_S", 0)  # moto has everything at once
    with mock_aws():
        found = Stage()
        monkeypatch.setattr(StreamFunctions, "of", lambda stage: StreamFunctions(found.functions, stage.name))
        yield found


def letter(transaction_id: str) -> dict[str, Any]:
    return to_payload(Notice(transaction(id=transaction_id), ("awa",), again=True))


def run(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", "us-east-2", *arguments])


def told_again(stage: Stage) -> list[Notice]:
    return [notice for body in stage.take("NotificationQueue") for notice in unpack(body, [])]


def test_letters_are_listed_by_queue_and_reason_without_what_is_in_them(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(25):
        stage.put("NotificationDeadLetterQueue", letter(f"t{number}"), "refused: MESSAGE_REJECTED")
    stage.put("StreamDeadLetterQueue", record({}), "malformed_record: KeyError")
    capsys.readouterr()  # what the functions log is not the command's
    assert run("list") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 27  # with the header
    assert out.count("refused: MESSAGE_REJECTED") == 25
    assert "25 notifications: refused: MESSAGE_REJECTED" in err
    assert "26 in all" in err
    assert "250500" not in out + err
    assert run("list") == 0  # and they are still there
    assert len(capsys.readouterr().out.splitlines()) == 27
    assert run("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == 26
    assert {"queue": "stream", "reason": "malformed_record: KeyError"}.items() <= listed[-1].items()


def test_a_letter_is_shown_whole(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.put("NotificationDeadLetterQueue", letter("t1"), "not_rendered: KeyError")
    capsys.readouterr()
    run("list")
    letter_id = capsys.readouterr().out.splitlines()[1].split("\t")[0]
    assert run("show", letter_id[:8]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"queue": "notifications", "reason": "not_rendered: KeyError", "payload": letter("t1")}
    assert run("show", "nothing-begins-so") == 1


def test_letters_of_the_mailer_go_through_again_and_are_gone(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        stage.put("NotificationDeadLetterQueue", letter(f"t{number}"), "refused: MESSAGE_REJECTED")
    assert run("redrive") == 0
    assert "3 sent through again, 0 kept" in capsys.readouterr().out
    told = told_again(stage)
    assert sorted(notice.transaction.id for notice in told) == ["t0", "t1", "t2"]
    assert all(notice.again and notice.holders == ("awa",) for notice in told)
    assert stage.take("NotificationDeadLetterQueue") == []
    assert run("redrive") == 0
    assert told_again(stage) == []
    # Once, however many letters there are, and not for none.
    assert operators_actions(table=stage.urls["AuditTrail"].partition("/")[0]) == ["dead_letters.redrive"]


def test_only_letters_of_a_reason_go_through_when_one_is_given(stage: Stage) -> None:
    stage.put("NotificationDeadLetterQueue", letter("t1"), "given_up: ACCOUNT_THROTTLED")
    stage.put("NotificationDeadLetterQueue", letter("t2"), "refused: MESSAGE_REJECTED")
    assert run("redrive", "--reason", "given_up") == 0
    assert [notice.transaction.id for notice in told_again(stage)] == ["t1"]
    assert len(stage.take("NotificationDeadLetterQueue")) == 1


def test_what_nothing_can_be_made_of_stays(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.put("NotificationDeadLetterQueue", "{broken", "malformed_message: JSONDecodeError")
    stage.put("NotificationDeadLetterQueue", {"bank": "b"}, "malformed_notice: KeyError")
    stage.put("StreamDeadLetterQueue", record({"amount": {"S": "x"}}), "malformed_record: TypeError")
    stage.put_raw("NotificationDeadLetterQueue", "not ours")
    assert run("redrive") == 1
    assert "0 sent through again, 4 kept" in capsys.readouterr().out
    assert told_again(stage) == []
    assert len(stage.take("NotificationDeadLetterQueue")) == 3
    assert len(stage.take("StreamDeadLetterQueue")) == 1


def test_a_record_of_the_stream_that_can_be_read_now_is_told(stage: Stage) -> None:
    stage.put("StreamDeadLetterQueue", record(transaction_item(TRANSACTION)), "malformed_record: KeyError")
    assert run("redrive") == 0
    (notice,) = told_again(stage)
    assert notice.transaction == TRANSACTION


def test_a_message_that_sqs_moved_goes_back_as_it_is(stage: Stage) -> None:
    (body,) = pack([to_payload(Notice(TRANSACTION))])
    stage.put_raw("NotificationDeadLetterQueue", body)
    assert run("redrive") == 0
    assert stage.take("NotificationQueue") == [body]


def test_a_queued_transaction_goes_back_to_the_ingest_queue(stage: Stage) -> None:
    payload = {"bank": TRANSACTION.bank, "transaction": to_json(TRANSACTION)}
    stage.put("IngestDeadLetterQueue", payload, "transaction_conflict: amount")
    (body,) = ingest_queue.pack([transaction(id="t2"), transaction(id="t3")])
    stage.put_raw("IngestDeadLetterQueue", body)
    stage.put("IngestDeadLetterQueue", {"bank": "b"}, "malformed_transaction: KeyError")
    assert run("redrive") == 1
    back = [one.id for message in stage.take("IngestQueue") for _, one in ingest_queue.unpack(message, [])]
    assert sorted(back) == sorted([TRANSACTION.id, "t2", "t3"])
    assert len(stage.take("IngestDeadLetterQueue")) == 1
    assert stage.take("NotificationQueue") == []


def test_what_ses_told_goes_back_to_the_feedback_queue(stage: Stage) -> None:
    told = [(EVENTS / f"ses_{name}.json").read_text() for name in ("bounce", "delivery")]
    stage.put("FeedbackDeadLetterQueue", told[0], "unknown_notification")
    stage.put_raw("FeedbackDeadLetterQueue", told[1])
    stage.put("FeedbackDeadLetterQueue", "{broken", "malformed_event: JSONDecodeError")
    stage.put("FeedbackDeadLetterQueue", {"eventType": "Bounce"}, "not ours")
    assert run("redrive") == 1
    assert sorted(stage.take("FeedbackQueue")) == sorted(told)
    assert len(stage.take("FeedbackDeadLetterQueue")) == 2


def test_a_webhook_that_was_given_up_is_sent_again_for_as_long_as_any(stage: Stage) -> None:
    days_ago = datetime.now(UTC) - timedelta(days=4)
    key = NotificationKey("eazycard", "t1", "awa")
    webhook = Webhook("msg_1", key, "notification.failed", "{}", days_ago, days_ago + timedelta(days=3))
    stage.put("WebhookDeadLetterQueue", webhooks.pack(webhook), "given_up: 500")
    stage.put_raw("WebhookDeadLetterQueue", webhooks.pack(webhook))
    stage.put("WebhookDeadLetterQueue", record({}), "malformed_record: KeyError")
    stage.put("WebhookDeadLetterQueue", "{}", "malformed_webhook: KeyError")
    assert run("redrive") == 1
    for body in (back := stage.take("WebhookQueue")):
        again = webhooks.unpack(body)
        assert datetime.now(UTC) - again.first_at < timedelta(minutes=1)
        assert replace(again, first_at=days_ago) == replace(webhook, not_before=None)
    assert len(back) == 2
    assert len(stage.take("WebhookDeadLetterQueue")) == 2


def test_a_message_that_was_refused_whole_goes_back_to_the_queue_that_it_was_for(stage: Stage) -> None:
    (body,) = pack([to_payload(Notice(TRANSACTION))])
    stage.put("StreamDeadLetterQueue", body, "refused_by_queue")
    now = datetime.now(UTC)
    webhook = Webhook("msg_1", NotificationKey("eazycard", "t1", ""), "transaction.flagged", "{}", now)
    stage.put("StreamDeadLetterQueue", webhooks.pack(webhook), "refused_by_queue")
    assert run("redrive") == 0
    assert stage.take("NotificationQueue") == [body]
    assert [webhooks.unpack(one).id for one in stage.take("WebhookQueue")] == ["msg_1"]


def test_a_sweep_that_took_too_long_goes_on_and_has_its_whole_time_again(stage: Stage) -> None:
    days_ago = datetime.now(UTC) - timedelta(days=4)
    sweep = Sweep(Address.of("eazycard", "awa@example.com"), 1, "holder#A1#awa", began_at=days_ago)
    stage.put("FeedbackDeadLetterQueue", sweeps.pack(sweep.set_aside()), "sweep_given_up")
    stage.put_raw("FeedbackDeadLetterQueue", sweeps.pack(sweep))
    assert run("redrive") == 0
    assert [sweeps.unpack(body) for body in stage.take("FeedbackQueue")] == [sweep.set_aside()] * 2


def test_a_letter_that_comes_back_meanwhile_is_not_sent_through_a_second_time(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = {"bank": TRANSACTION.bank, "transaction": to_json(TRANSACTION)}
    for _ in range(3):
        stage.put("IngestDeadLetterQueue", payload, "transaction_conflict: amount")
    time.sleep(0.01)
    capsys.readouterr()

    class Bouncing(DeadLetterQueues):
        """Dead-letter queues to which a letter comes back as soon as it is sent through again."""

        def redrive(self, letter: QueuedLetter, now: datetime, note: Callable[[], None] = lambda: None) -> bool:
            is_sent = super().redrive(letter, now, note)
            stage.put("IngestDeadLetterQueue", payload, "transaction_conflict: amount")
            return is_sent

    monkeypatch.setattr(dead_letter_queues, "DeadLetterQueues", Bouncing)
    assert run("redrive") == 0
    assert "3 sent through again" in capsys.readouterr().out
    assert len(stage.take("IngestQueue")) == 3


def test_a_letter_that_is_kept_is_not_noted_as_sent(stage: Stage) -> None:
    stage.put("FeedbackDeadLetterQueue", "{broken", "malformed_event: JSONDecodeError")
    assert run("redrive") == 1
    assert operators_actions(table=stage.urls["AuditTrail"].partition("/")[0]) == []


def test_who_stops_looking_leaves_every_letter_for_others(stage: Stage) -> None:
    for number in range(8):
        stage.put("NotificationDeadLetterQueue", letter(f"t{number}"), "refused: MESSAGE_REJECTED")
    time.sleep(0.01)
    session = boto3.session.Session(region_name="us-east-2")
    looking = dead_letter_queues.dead_letter_queues(sessions.Stage("prod", session)).letters(datetime.now(UTC))
    next(looking)
    looking.close()
    assert len(stage.take("NotificationDeadLetterQueue")) == 8


def test_a_stage_that_was_provisioned_by_an_older_release_is_one_line(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {**TEMPLATE, "Outputs": {"NotificationQueueUrl": {"Value": {"Ref": "NotificationQueue"}}}}
    boto3.client("cloudformation").update_stack(
        StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(old)
    )
    assert run("list") == 1
    assert "provision the stage again" in capsys.readouterr().err


def test_a_stage_that_is_not_provisioned_is_one_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "dev", "--region", "us-east-2", "list"]) == 1
    assert capsys.readouterr().err == "dead letters: There is no stack transaction-notifier-dev-data.\n"


STATEMENT = Expected("eazycard", "a0", "awa", period_named("2026-W24"))


def put_statement(stage: Stage, payload: Any, reason: str = "refused: MESSAGE_REJECTED") -> None:
    stage.put("NotificationDeadLetterQueue", payload, reason, source="statements")


def test_a_statement_is_put_back_into_the_index_of_what_is_due_and_the_letter_is_gone(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    given_up = replace(STATEMENT, account="a1", put_off_since=datetime(2026, 6, 15, 8, tzinfo=UTC))
    put_statement(stage, STATEMENT.to_json())
    put_statement(stage, given_up.to_json(), "given_up: ACCOUNT_THROTTLED")
    stage.put("NotificationDeadLetterQueue", letter("t1"), "refused: MESSAGE_REJECTED")
    before = datetime.now(UTC)
    assert run("redrive") == 0
    assert "3 sent through again, 0 kept" in capsys.readouterr().out
    due = stage.statements_due
    assert sorted((one for _, one in due), key=lambda one: one.account) == [
        replace(STATEMENT, again=True),
        replace(STATEMENT, account="a1", again=True),  # SES is asked as if for the first time
    ]
    assert all(before - timedelta(seconds=1) <= at <= datetime.now(UTC) + timedelta(minutes=5) for at, _ in due)
    assert [notice.transaction.id for notice in told_again(stage)] == ["t1"]
    assert stage.take("NotificationDeadLetterQueue") == []


def test_a_statement_goes_through_again_by_its_reason_or_id_only(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    put_statement(stage, STATEMENT.to_json(), "too_many_transactions")
    put_statement(stage, replace(STATEMENT, account="a1").to_json(), "malformed_holder: ZoneInfoNotFoundError")
    assert run("redrive", "--reason", "malformed_holder") == 0
    assert [one.account for _, one in stage.statements_due] == ["a1"]
    capsys.readouterr()
    run("list")
    letter_id = capsys.readouterr().out.splitlines()[1].split("\t")[0]
    assert run("redrive", "--id", letter_id[:8]) == 0
    assert {one.account for _, one in stage.statements_due} == {"a0", "a1"}
    assert stage.take("NotificationDeadLetterQueue") == []


@pytest.mark.parametrize(
    "payload", ["no statement", {"bank": "eazycard"}, {**STATEMENT.to_json(), "period": "then"}, 7]
)
def test_what_is_no_statement_stays(stage: Stage, payload: Any) -> None:
    put_statement(stage, payload, "malformed_statement")
    assert run("redrive") == 1
    assert stage.statements_due == []
    assert len(stage.take("NotificationDeadLetterQueue")) == 1


def test_what_only_looks_like_a_statement_is_none_in_another_function_s_letter(stage: Stage) -> None:
    stage.put("NotificationDeadLetterQueue", STATEMENT.to_json(), "malformed_notice: KeyError")
    assert run("redrive") == 1
    assert stage.statements_due == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "the AWS credentials may not call"),
        ("ThrottlingException", "takes nothing for now"),
    ],
)
def test_when_the_index_takes_nothing_the_letter_stays(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    class Closed(DeadLetterQueues):
        """Dead-letter queues beside a statements table that refuses what is put."""

        def __init__(self, sqs: Any, urls: Any, return_urls: Any, _: StatementIndex, *others: Any) -> None:
            client = Refusing(boto3.client("dynamodb"), refusal(code), "batch_write_item")
            statements = StatementIndex(DueRepository(client, stage.urls["StatementsTable"]))
            super().__init__(sqs, urls, return_urls, statements, *others)

    monkeypatch.setattr(dead_letter_queues, "DeadLetterQueues", Closed)
    put_statement(stage, STATEMENT.to_json())
    assert run("redrive") == 1
    assert said in capsys.readouterr().err
    assert len(stage.take("NotificationDeadLetterQueue")) == 1


def test_an_event_that_sqs_moved_is_told_to_the_operators_again_and_one_that_is_none_stays(stage: Stage) -> None:
    event = json.dumps({"detail-type": TRANSACTION_FLAGGED, "detail": flagged_detail(flagging("t1"))})
    stage.put_raw("OperatorAlertsDeadLetterQueue", event)
    stage.put("OperatorAlertsDeadLetterQueue", "{", "malformed_event: JSONDecodeError")
    assert run("redrive") == 1
    assert stage.take("OperatorAlertsQueue") == [event]
    (kept,) = stage.take("OperatorAlertsDeadLetterQueue")
    assert json.loads(kept)["payload"] == "{"


CHANGE = ChangeNotice(
    HolderChange(
        "eazycard",
        "A1",
        "alerts_ended",
        "holder",
        datetime(2026, 1, 10, 14, tzinfo=UTC),
        Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, datetime(2026, 1, 10, 14, tzinfo=UTC)),
    )
)


def test_an_e_mail_about_a_changed_holder_goes_through_again_as_one_that_had_failed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = "NotificationDeadLetterQueue"
    stage.put(queue, change_notice.to_payload(CHANGE), "refused: MESSAGE_REJECTED", source="alert_mailer")
    stage.put(queue, change_notice.pack(CHANGE), "refused_by_queue", source="alert_mailer")
    stage.put_raw(queue, change_notice.pack(CHANGE))
    stage.put(queue, {"holder_change": {}}, "malformed_change: KeyError", source="alert_mailer")
    assert run("redrive") == 1  # one is kept
    assert "3 sent through again, 1 kept" in capsys.readouterr().out
    sent = [change_notice.unpack(body) for body in stage.take("NotificationQueue")]
    assert [(notice.key, notice.again) for notice in sent] == [(CHANGE.key, True)] * 3


class Flagged:
    """A stage's tables of transactions and cases, by their names in it."""

    def __init__(self, stage: Stage) -> None:
        self.client = OneCallAtATime(boto3.client("dynamodb"))
        self.tables = {name: stage.urls[name] for name in ("CasesTable", "TransactionsTable")}
        self.flags = FlagRepository(self.client, self.tables["TransactionsTable"], sleep=lambda _: None)
        self.cases = CaseRepository(self.client, self.tables["CasesTable"], self.tables["TransactionsTable"])

    def store(self, one: Flagging) -> None:
        self.client.put_item(TableName=self.tables["TransactionsTable"], Item=transaction_item(one.transaction))

    def row(self, one: Flagging, name: str = "INSERT") -> dict[str, Any]:
        """Return what the stream brings of the flags of a transaction."""
        key = to_item({"transaction_key": f"eazycard#{one.transaction.id}#flags"})
        return record(self.client.get_item(TableName=self.tables["TransactionsTable"], Key=key)["Item"], name)

    def history(self, one: Flagging) -> list[str]:
        return [event.what.value for event in self.cases.get("eazycard", one.transaction.id).history]


@pytest.fixture
def flagged(stage: Stage) -> Flagged:
    return Flagged(stage)


def test_a_case_that_was_not_opened_is_opened_once_however_often_it_is_sent_through(
    stage: Stage, flagged: Flagged, capsys: pytest.CaptureFixture[str]
) -> None:
    one = flagging("t1")
    flagged.flags.record([one])
    stage.put("StreamDeadLetterQueue", flagged.row(one), "case_not_opened: KeyError")
    assert run("redrive") == 0  # the transaction still isn't there
    (again,) = stage.take("StreamDeadLetterQueue")
    assert json.loads(again)["reason"] == "case_not_opened: KeyError"
    with pytest.raises(CaseNotFound):
        flagged.cases.get("eazycard", "t1")
    flagged.store(one)
    for _ in range(3):
        stage.put_raw("StreamDeadLetterQueue", again)
        stage.put_raw("StreamDeadLetterQueue", again)
        assert run("redrive") == 0
        assert flagged.history(one) == ["opened"]
    assert stage.take("StreamDeadLetterQueue") == stage.take("NotificationQueue") == []
    assert "2 sent through again, 0 kept" in capsys.readouterr().out


def test_a_case_whose_flags_a_later_release_can_read_is_opened(
    stage: Stage, flagged: Flagged, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = flagging("t1")
    flagged.store(one)
    flagged.flags.record([one])
    transactions = TransactionRepository(flagged.client, flagged.tables["TransactionsTable"])
    letters = DeadLetters(Queue(boto3.client("sqs"), stage.urls["StreamDeadLetterQueue"]), "transaction_stream")

    def unreadable(_row: Any) -> Any:
        raise KeyError("answer")

    with monkeypatch.context() as release:
        release.setattr("chalicelib.cases.opener.answers_in", unreadable)
        CaseOpener(flagged.cases, transactions, letters, lambda: one.decided_at).handle([flagged.row(one)])
    with pytest.raises(CaseNotFound):
        flagged.cases.get("eazycard", "t1")
    assert run("redrive") == 0
    assert flagged.history(one) == ["opened"]
    assert stage.take("StreamDeadLetterQueue") == []


def test_an_answer_that_was_not_added_is_added_once_and_never_over_a_later_one(stage: Stage, flagged: Flagged) -> None:
    one = flagging("t1")
    flagged.store(one)
    flagged.flags.record([one])
    flagged.cases.put_new([case_item(opened(one))])
    flagged.flags.answer("eazycard", "t1", "awa", HolderSays.NOT_RECOGNIZED, one.decided_at + timedelta(minutes=1))
    stage.put("StreamDeadLetterQueue", flagged.row(one, "MODIFY"), "answer_not_added: ValueError")
    (letter,) = stage.take("StreamDeadLetterQueue")
    for _ in range(3):
        stage.put_raw("StreamDeadLetterQueue", letter)
        assert run("redrive") == 0
        assert flagged.history(one) == ["opened", "answered"]
    flagged.flags.answer("eazycard", "t1", "awa", HolderSays.RECOGNIZED, one.decided_at + timedelta(minutes=5))
    stage.put("StreamDeadLetterQueue", flagged.row(one, "MODIFY"), "answer_not_added: ValueError")
    stage.put_raw("StreamDeadLetterQueue", letter)
    assert run("redrive") == 0
    assert flagged.history(one) == ["opened", "answered", "answered"]
    assert flagged.cases.get("eazycard", "t1").answers["awa"].answer is HolderSays.RECOGNIZED
    assert stage.take("StreamDeadLetterQueue") == stage.take("NotificationQueue") == []


def test_a_row_of_flags_that_can_t_be_read_or_is_about_no_case_stays(stage: Stage, flagged: Flagged) -> None:
    one = flagging("t1")
    flagged.flags.record([one])
    row = flagged.row(one)
    stage.put("StreamDeadLetterQueue", row, "malformed_record: KeyError")
    stage.put("StreamDeadLetterQueue", record(transaction_item(TRANSACTION)), "case_not_opened: KeyError")
    broken = {**row["dynamodb"]["NewImage"], "answer#awa": {"S": "x"}}
    stage.put("StreamDeadLetterQueue", record(broken), "answer_not_added: KeyError")
    assert run("redrive") == 1
    assert len(stage.take("StreamDeadLetterQueue")) == 2
    assert len(stage.take("NotificationQueue")) == 1


ANSWER = HolderAnswer("awa", HolderSays.NOT_RECOGNIZED, TRANSACTION.timestamp, TRANSACTION.timestamp)
ANSWERED = {
    "transaction_key": "eazycard#t1#flags",
    "bank": "eazycard",
    "account": "A1",
    "id": "t1",
    "flags": {},
    attribute_of("awa"): to_value(ANSWER),
    LAST_ANSWER: "awa",
}
PAGE = {"transaction_key": "feed#eazycard#0", "holder": "2026-01-10T14:00:00.000000Z#0a", "changed": ["t1#awa"]}
# The records of streams that no queue takes, by the function that reads them and by the queue of its letters.
RECORDS = {
    ("transaction_stream", "StreamDeadLetterQueue"): record(to_item(ANSWERED), "MODIFY"),
    ("holder_changes", "StreamDeadLetterQueue"): changed(
        account_image("eazycard", "A1", holder()), account_image("eazycard", "A1", holder(email="new@example.com"))
    ),
    ("webhook_feeder", "WebhookDeadLetterQueue"): record(to_item(PAGE)),
}


@pytest.mark.parametrize(("source", "queue"), RECORDS)
def test_another_record_of_a_stream_goes_to_its_function_and_is_gone(
    stage: Stage, capsys: pytest.CaptureFixture[str], source: str, queue: str
) -> None:
    one = RECORDS[source, queue]
    stage.put(queue, one, "malformed_record: KeyError", source)
    assert run("redrive", "--reason", "malformed_record") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 sent through again, 0 kept."
    assert stage.functions.calls == [(f"transaction-notifier-prod-{source}", {"Records": [one]})]
    assert stage.take(queue) == stage.take("NotificationQueue") == stage.take("WebhookQueue") == []
    assert operators_actions(table=stage.urls["AuditTrail"].partition("/")[0]) == ["dead_letters.redrive"]


@pytest.mark.parametrize(("source", "queue"), RECORDS)
def test_a_record_over_which_its_function_fails_stays_and_keeps_no_other_from_going_through(
    stage: Stage, capsys: pytest.CaptureFixture[str], source: str, queue: str
) -> None:
    stage.functions.failing.add(f"transaction-notifier-prod-{source}")
    stage.put(queue, RECORDS[source, queue], "malformed_record: KeyError", source)
    stage.put("NotificationDeadLetterQueue", letter("t1"), "refused: MESSAGE_REJECTED")
    assert run("redrive") == 1
    why = "they can't be read, or their functions fail over them"
    assert capsys.readouterr().out.splitlines()[-1] == f"1 sent through again, 1 kept: {why}."
    assert len(stage.take(queue)) == len(told_again(stage)) == 1


@pytest.mark.parametrize(
    ("source", "queue", "payload"),
    [
        *(
            (source, queue, payload)
            for source, queue in RECORDS
            for payload in (record({}), {}, [], "x", {"dynamodb": {"NewImage": {"changed": {"S": "x"}}}})
            if (source, payload) != ("webhook_feeder", record({}))
        ),
        (
            "transaction_stream",
            "StreamDeadLetterQueue",
            record(to_item({**ANSWERED, attribute_of("awa"): "x"}), "MODIFY"),
        ),
        ("transaction_stream", "StreamDeadLetterQueue", RECORDS["holder_changes", "StreamDeadLetterQueue"]),
        ("archiver", "StreamDeadLetterQueue", RECORDS["holder_changes", "StreamDeadLetterQueue"]),
    ],
)
def test_a_record_that_its_function_still_can_not_read_stays(
    stage: Stage, source: str, queue: str, payload: Any
) -> None:
    stage.put(queue, payload, "malformed_record: KeyError", source)
    assert run("redrive") == 1
    assert stage.functions.calls == []
    assert len(stage.take(queue)) == 1


def test_a_letter_of_another_reason_goes_to_no_function(stage: Stage) -> None:
    (source, queue), one = next(iter(RECORDS.items()))
    stage.put(queue, one, "answer_not_added: KeyError", "holder_changes")
    stage.put(queue, one, "refused_by_queue", source)
    run("redrive")
    assert stage.functions.calls == []
