"""The command for webhooks: the secret that signs them, what became of them, and some sent again."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from standardwebhooks import Webhook as Verifier

from chalicelib.banks.signatures import valid_secrets
from chalicelib.banks.webhook_endpoints import NOTIFICATION_TYPES, WEBHOOK_TEST
from chalicelib.changes import answer_teller, change_teller
from chalicelib.changes.answer_teller import Answered
from chalicelib.flags.answers import Answer
from chalicelib.holders.change import HolderChange
from chalicelib.holders.holder import Holder
from chalicelib.notifications.feed import MARGIN
from chalicelib.webhooks import flagged
from chalicelib.webhooks.poster import Answer as Posting
from chalicelib.webhooks.webhook import TYPES
from operations import stage_webhooks
from operations.webhooks import COLUMNS, main
from tests.audit_trail import operators_actions
from tests.case_world import answer, flagging
from tests.fakes import OneCallAtATime
from tests.mail_world import NOW
from tests.samples import TRANSACTION
from tests.tables import TABLES, create_tables
from tests.webhook_desk import ALL, BROKEN, GONE, TAKEN, URL, Desk, messages_of, name

TEMPLATE = {
    "Resources": {"WebhookQueue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {
        "WebhookQueueUrl": {"Value": {"Ref": "WebhookQueue"}},
        "AccountsTable": {"Value": "AccountsTable"},
        "DeferralsTable": {"Value": "DeferralsTable"},
        "NotificationsTable": {"Value": "NotificationsTable"},
        "BanksTable": {"Value": "BanksTable"},
        "AuditTrail": {"Value": "AuditTable/10"},
    },
}
STACK = "transaction-notifier-prod-data"


class Stage(Desk):
    """A provisioned stage whose functions and endpoints the test plays, at the machine's own time."""

    def __init__(self) -> None:
        client = boto3.client("dynamodb")
        create_tables(client)
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        self._sqs = boto3.client("sqs")
        (self._url,) = self._sqs.list_queues()["QueueUrls"]
        super().__init__(OneCallAtATime(client), {name: name for name in TABLES})
        self.now = datetime.now(UTC) - timedelta(minutes=10)

    def change_and_send(self, *ids: str, **options: Any) -> None:
        self.change(*ids, **options)
        self.feed_webhooks()
        self.send()
        self.now += MARGIN + timedelta(seconds=1)

    def take_queued(self) -> None:
        """Let the sender take what the command has queued."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            self.sender.handle([message["Body"] for message in messages])


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mock_aws():
        yield Stage()


def run(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", "us-east-2", *arguments])


def rows(text: str) -> list[list[str]]:
    header, *lines = text.splitlines()
    assert tuple(header.split("\t"))[: len(COLUMNS)] == COLUMNS
    return [line.split("\t") for line in lines]


def test_webhooks_are_listed_with_what_became_of_them(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.change_and_send("t1")
    stage.endpoints.answers[URL] = [BROKEN]
    stage.change_and_send("t2", event="bounce", account="a2")
    stage.change("t3", account="a3")
    capsys.readouterr()
    assert run("list", "eazycard") == 0
    out, err = capsys.readouterr()
    told = {row[1]: row[2:] for row in rows(out)}
    assert told["t1"][:4] == ["awa", "notification.delivered", "delivered", "204"]
    assert told["t2"][:5] == ["awa", "notification.bounced", "waiting", "500", "1"]
    assert datetime.fromisoformat(told["t2"][6]) > datetime.fromisoformat(told["t2"][5])
    assert told["t3"] == ["awa", "notification.delivered", "never_tried", "", "0", "", ""]
    assert f"{URL} takes webhooks." in err
    for line in ("1 delivered", "1 waiting", "1 never_tried", "3 in all"):
        assert line in err
    assert run("list", "eazycard", "--undelivered") == 0
    assert {row[1] for row in rows(capsys.readouterr().out)} == {"t2", "t3"}


def test_a_holder_is_named_by_the_id_that_the_bank_knows(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.make_alias = lambda: "alias-of-awa"
    stage.change_and_send("t1", holder="alias-of-awa")
    stage.change_and_send("t1", event="bounce", holder="alias-of-awa")
    capsys.readouterr()
    for command in (("list", "eazycard"), ("show", "eazycard", "t1")):
        assert run(*command) == 0
        assert {row[2] for row in rows(capsys.readouterr().out)} == {"awa"}


def test_a_list_ends_where_it_is_told_to_begin(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.now -= timedelta(hours=30)
    stage.change_and_send("old")
    stage.now += timedelta(hours=30)
    stage.change_and_send("new", account="a2")
    capsys.readouterr()
    assert run("list", "eazycard") == 0
    assert {row[1] for row in rows(capsys.readouterr().out)} == {"new"}
    assert run("list", "eazycard", "--hours", "48") == 0
    assert {row[1] for row in rows(capsys.readouterr().out)} == {"old", "new"}


def test_a_list_goes_over_pages(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(stage_webhooks, "_PAGE", 3)
    ids = [f"t{number}" for number in range(10)]
    stage.change_and_send(*ids)
    capsys.readouterr()
    assert run("list", "eazycard") == 0
    # Each once, although its notification has changed twice: it was sent, then delivered.
    assert sorted(row[1] for row in rows(capsys.readouterr().out)) == sorted(ids)
    stage.endpoints.answers[URL] = [BROKEN]
    stage.change_and_send(*(one.upper() for one in ids), account="a2")
    capsys.readouterr()
    assert run("resend", "eazycard") == 0
    assert "10 queued" in capsys.readouterr().out


def test_a_transactions_webhooks_are_shown_with_their_bodies_and_those_of_states_that_it_left(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.change_and_send("t1")
    stage.change_and_send("t1", event="bounce")
    capsys.readouterr()
    assert run("show", "eazycard", "t1") == 0
    before, now = rows(capsys.readouterr().out)
    assert before[3:6] == ["notification.delivered", "delivered", "204"]
    assert now[3:6] == ["notification.bounced", "delivered", "204"]
    assert json.loads(now[-1])["data"]["state"] == "bounced"
    assert run("show", "eazycard", "t1", "--json") == 0
    assert json.loads(json.loads(capsys.readouterr().out)[1]["content"])["data"]["state"] == "bounced"
    assert run("show", "eazycard", "unknown") == 1
    assert "there is no webhook for a transaction 'unknown'" in capsys.readouterr().err


def test_what_was_not_delivered_is_sent_again_and_nothing_else(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.change_and_send("t1")
    stage.endpoints.answers[URL] = [BROKEN]
    stage.change_and_send("t2", account="a2")
    stage.endpoints.answers[URL] = [TAKEN]
    posts = len(stage.endpoints.posted)
    assert run("resend", "eazycard") == 0
    assert "1 queued" in capsys.readouterr().out
    stage.take_queued()
    assert [posted.told[1] for posted in stage.endpoints.posted[posts:]] == ["t2"]
    stage.now += timedelta(minutes=1)
    stage.send()  # the copy that waited falls away
    assert len(stage.endpoints.posted) == posts + 1
    assert run("resend", "eazycard") == 0
    assert "nothing to send" in capsys.readouterr().out
    assert operators_actions("eazycard") == ["webhook.resend"]


def test_a_transaction_that_is_named_is_sent_again_with_the_id_that_it_had(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.change_and_send("t1")
    assert run("resend", "eazycard", "t1", "unknown", "t1") == 1
    out, err = capsys.readouterr()
    assert "1 queued" in out
    assert "there is no webhook for a transaction 'unknown'" in err
    assert operators_actions("eazycard") == ["webhook.resend"]
    stage.take_queued()
    assert [posted.told[1] for posted in stage.endpoints.posted] == ["t1", "t1"]
    assert len({posted.id for posted in stage.endpoints.posted}) == 1


CHANGED = HolderChange(
    "eazycard",
    "a1",
    "alerts_ended",
    "holder",
    TRANSACTION.recorded_at,
    Holder("awa", "A", "a@b.cd", "fr", "UTC", {}, NOW),
)
# Webhooks about no notification, each as its function makes it: the transaction and the holder that `list` names.
OTHERS = {
    "transaction.flagged": (flagged.webhook_of(flagging("t1"), NOW), "t1", ""),
    "alert.answered": (
        answer_teller.webhook_of(Answered("eazycard", "a1", "t1", answer("awa", Answer.NOT_RECOGNIZED)), NOW),
        "t1",
        "awa",
    ),
    "holder.changed": (change_teller.webhook_of(CHANGED, NOW), CHANGED.id, "awa"),
}


def test_each_type_is_listed_one_way_or_the_other() -> None:
    assert {*OTHERS, *NOTIFICATION_TYPES, WEBHOOK_TEST} == {*TYPES}
    assert all(webhook.type == type_ for type_, (webhook, _, _) in OTHERS.items())


def send_others(stage: Stage, *answers: Posting, since: timedelta = timedelta(minutes=10)) -> None:
    """Let the sender try one of each type at an endpoint that answers so."""
    stage.now = datetime.now(UTC) - since
    name(stage, ALL)
    stage.send()  # the test, which makes it an endpoint in use
    stage.endpoints.answers[ALL.url] = list(answers)
    for webhook, _, _ in OTHERS.values():
        stage.sender.handle(messages_of(replace(webhook, first_at=stage.now).to(ALL.id)))


@pytest.mark.parametrize(("answered", "status"), [(BROKEN, "waiting"), (GONE, "not_sent"), (TAKEN, "delivered")])
def test_the_other_webhooks_are_listed_shown_and_sent_again_until_they_are_delivered(
    stage: Stage, capsys: pytest.CaptureFixture[str], answered: Posting, status: str
) -> None:
    send_others(stage, answered)
    capsys.readouterr()
    assert run("list", "eazycard") == 0
    listed = {row[3]: row for row in rows(capsys.readouterr().out)}
    # The first 410 disables the endpoint, and the others are not posted.
    assert {type_: row[1:3] + row[4:5] for type_, row in listed.items()} == {
        type_: [transaction, holder, status] for type_, (_, transaction, holder) in OTHERS.items()
    }
    for type_, (webhook, transaction, _) in OTHERS.items():
        assert run("show", "eazycard", transaction) == 0
        shown = {row[3]: row[-1] for row in rows(capsys.readouterr().out)}
        assert json.loads(shown[type_]) == json.loads(webhook.body)

    stage.webhook_queue.bodies, stage.webhook_queue.delays = [], []  # the copies that wait
    name(stage, ALL)
    stage.endpoints.answers[ALL.url] = [TAKEN]
    stage.send()
    stage.endpoints.posted.clear()
    assert run("resend", "eazycard") == 0
    assert ("3 queued" in capsys.readouterr().out) == (answered is not TAKEN)
    stage.now = datetime.now(UTC)
    stage.take_queued()
    posted = {posted.id for posted in stage.endpoints.posted}
    assert posted == (set() if answered is TAKEN else {webhook.to(ALL.id).id for webhook, _, _ in OTHERS.values()})
    assert run("resend", "eazycard") == 0
    assert "nothing to send" in capsys.readouterr().out


def test_the_other_webhooks_of_a_named_transaction_are_sent_again_once_and_have_three_days(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    send_others(stage, TAKEN, since=timedelta(days=6))
    assert run("resend", "eazycard", "t1", CHANGED.id) == 0
    assert "3 queued" in capsys.readouterr().out
    (stage.endpoints.answers[ALL.url], stage.now) = ([BROKEN], datetime.now(UTC))
    stage.take_queued()
    assert stage.webhook_letters.bodies == []
    assert len(stage.webhook_queue.bodies) == 3  # for their next try


@pytest.mark.parametrize(
    ("days", "hours", "is_listed", "is_known"),
    [(6, "160", True, True), (6, "24", False, True), (8, "24", False, False), (8, "480", False, False)],
)
def test_the_other_webhooks_are_known_for_the_log_s_seven_days_and_over_pages(
    stage: Stage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    hours: str,
    is_listed: bool,
    is_known: bool,
) -> None:
    monkeypatch.setattr(stage_webhooks, "_PAGE", 1)
    send_others(stage, BROKEN, since=timedelta(days=days))
    capsys.readouterr()
    assert run("list", "eazycard", "--hours", hours) == 0
    assert sorted(row[3] for row in rows(capsys.readouterr().out)) == (sorted(OTHERS) if is_listed else [])
    assert run("show", "eazycard", "t1") == 0
    shown = rows(capsys.readouterr().out)
    assert sorted(row[3] for row in shown) == ["alert.answered", "transaction.flagged"]
    assert [bool(row[-1]) for row in shown] == [is_known, is_known]  # the content
    assert run("resend", "eazycard", "t1") == (0 if is_known else 1)


@pytest.mark.parametrize(
    ("lack", "said"),
    [
        ("url", "has named no endpoint"),
        ("secret", "has no webhook secret"),
        ("disabled", "eazycard is disabled"),
        ("gone", "answered that it is gone (410)"),
    ],
)
def test_without_an_endpoint_nothing_is_sent_again_and_it_says_why(
    stage: Stage, capsys: pytest.CaptureFixture[str], lack: str, said: str
) -> None:
    if lack == "gone":
        stage.endpoints.answers[URL] = [GONE]
    stage.change_and_send("t1")
    if lack == "url":
        stage.name_endpoint("eazycard", None)
    elif lack == "secret":
        stage.banks.change_bank("eazycard", webhook_secret_arn=None)
    elif lack == "disabled":
        stage.banks.change_bank("eazycard", disabled=True)
    capsys.readouterr()
    assert run("resend", "eazycard", "t1") == 1
    assert said in capsys.readouterr().err
    assert run("list", "eazycard") == 0
    assert said in capsys.readouterr().err


def test_a_secret_is_shown_once_and_signs_what_is_sent(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.banks.change_bank("eazycard", webhook_secret_arn=None)
    capsys.readouterr()
    assert run("secret", "eazycard") == 0
    out = capsys.readouterr().out
    (secret,) = re.findall(r"whsec_\S+", out)
    assert "PUT /settings" in out
    bank = stage.banks.bank("eazycard")
    assert bank is not None
    assert bank.webhook_secret_arn is not None
    assert bank.signing_secret_arn is None  # the bank's own writes are another matter
    stored = boto3.client("secretsmanager").get_secret_value(SecretId=bank.webhook_secret_arn)
    assert stored["Name"] == "transaction-notifier-prod-webhook-eazycard"
    assert list(valid_secrets(stored["SecretString"], datetime.now(UTC))) == [secret]
    Verifier(secret)


def test_a_rotated_secret_signs_beside_the_one_before_until_that_ends(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.banks.change_bank("eazycard", webhook_secret_arn=None)
    run("secret", "eazycard")
    run("secret", "eazycard", "--grace-hours", "2")
    out = capsys.readouterr().out
    first, second = re.findall(r"whsec_\S+", out)
    assert "for another 2 h" in out
    stored = boto3.client("secretsmanager").get_secret_value(SecretId="transaction-notifier-prod-webhook-eazycard")
    now = datetime.now(UTC)
    assert list(valid_secrets(stored["SecretString"], now)) == [second, first]
    assert list(valid_secrets(stored["SecretString"], now + timedelta(hours=3))) == [second]
    assert run("secret", "eazycard", "--grace-hours", "0") == 0
    assert "the previous secret signs nothing any more" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["secret", "list", "resend"])
def test_an_unknown_bank_is_one_line(stage: Stage, capsys: pytest.CaptureFixture[str], command: str) -> None:
    capsys.readouterr()
    assert run(command, "nobody") == 1
    assert (
        capsys.readouterr().err
        == "webhooks: there is no bank nobody. `python -m operations.banks list` shows those that there are.\n"
    )


def test_a_stage_that_is_not_provisioned_or_by_an_older_release_is_one_line(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["--stage", "dev", "--region", "us-east-2", "list", "eazycard"]) == 1
    assert capsys.readouterr().err == "webhooks: There is no stack transaction-notifier-dev-data.\n"
    old = {**TEMPLATE, "Outputs": {"BanksTable": {"Value": "BanksTable"}}}
    boto3.client("cloudformation").update_stack(StackName=STACK, TemplateBody=json.dumps(old))
    assert run("list", "eazycard") == 1
    assert "provision the stage again" in capsys.readouterr().err


@pytest.mark.parametrize("hours", ["0", "-1", "x", "1e9", "nan"])
def test_hours_that_are_none_are_refused(capsys: pytest.CaptureFixture[str], hours: str) -> None:
    with pytest.raises(SystemExit):
        run("list", "eazycard", "--hours", hours)
    assert "hours" in capsys.readouterr().err


def test_an_answer_is_written_as_its_status_or_problem() -> None:
    assert [str(Posting(204)), str(Posting(problem="timeout"))] == ["204", "timeout"]
