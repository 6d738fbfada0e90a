"""Suppressed addresses: listed by their hashes, and lifted by address or by time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.audit.repository import AuditRepository
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.late_suppression import LateSuppression, pack
from chalicelib.holders.repository import HolderRepository
from chalicelib.notifications.suppressing import PUT_OFF_S
from operations.suppressions import main
from tests.audit_trail import operators_actions
from tests.fakes import Refusing, refusal
from tests.tables import create_tables

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
TABLES = ("AddressesTable", "AccountsTable", "BanksTable")
QUEUE_URL = "https://sqs.us-east-2.amazonaws.com/123456789012/feedback"
TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {
        "AuditTrail": {"Value": "AuditTable/10"},
        "CursorSecretArn": {"Value": "cursors"},
        "FeedbackQueueUrl": {"Value": QUEUE_URL},
        **{table: {"Value": table} for table in TABLES},
    },
}
BANKS = ("one", "two")


class Stage:
    """A provisioned stage with two banks, each with three holders whose addresses bounced, an hour apart."""

    def __init__(self) -> None:
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(TEMPLATE)
        )
        client: Any = boto3.client("dynamodb")
        create_tables(client)
        self.sqs: Any = boto3.client("sqs")
        self.sqs.create_queue(QueueName="feedback")
        boto3.client("secretsmanager").create_secret(Name="cursors", SecretString="a secret")
        self.holders = HolderRepository(client, "AccountsTable", make_alias=str)
        self.addresses = AddressRepository(client, "AddressesTable")
        self.enrolment = Enrolment(self.addresses, self.holders)
        for bank in BANKS:
            BankRepository(client, "BanksTable").put_bank(Bank(bank, bank, "EUR", "standard"))
            for number in range(3):
                holder = Holder("awa", "Awa", f"awa{number}@example.com", "fr", "UTC", {}, NOW)
                self.enrolment.enrol(bank, f"A{number}", holder)
                event = Suppressed("hard_bounce", NOW + timedelta(hours=number))
                self.enrolment.suppress(Address.of(bank, holder.email), event, event.since)

    def suppressed(self, bank: str) -> list[bool]:
        holders = [holder for number in range(3) for holder in self.holders.of_account(bank, f"A{number}")]
        return [holder.suppressed is not None for holder in holders]


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with mock_aws():
        found = Stage()
        capsys.readouterr()
        yield found


def run(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", "us-east-2", *arguments])


def test_addresses_are_listed_by_their_hashes_alone(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--bank", "one") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "bank\taddress (hash)\treason\tsince\tuntil"
    shown = Address.of("one", "awa0@example.com").digest[:12]
    assert f"one\t{shown}\thard_bounce\t2026-01-10T14:00:00Z\t" in lines
    assert len(lines) == 3
    assert run("list", "--json", "--since", "2026-01-10T15:00:00Z", "--until", "2026-01-10T16:00:00Z") == 0
    out = capsys.readouterr().out
    assert {(one["bank"], one["since"]) for one in json.loads(out)} == {
        (bank, "2026-01-10T15:00:00Z") for bank in BANKS
    }
    assert "example.com" not in out


def test_an_address_is_lifted_for_one_bank_or_for_all_in_any_spelling(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("lift", "--address", "AWA1@Example.com", "--bank", "one") == 0
    assert capsys.readouterr().out == "1 lifted.\n"
    assert (stage.suppressed("one"), stage.suppressed("two")) == ([True, False, True], [True, True, True])
    (entry,) = AuditRepository(boto3.client("dynamodb"), "AuditTable", 10).of_bank("one", NOW, datetime.now(UTC))
    assert (entry.action, entry.author.kind) == ("suppression.lift", "operator")
    assert entry.subject
    assert not Address.of("one", "awa1@example.com").digest.startswith(entry.subject)
    assert run("lift", "--address", "awa1@example.com") == 0
    out, err = capsys.readouterr()
    assert out == "1 lifted, 1 not suppressed.\n"
    assert stage.suppressed("two") == [True, False, True]
    assert "awa1" not in out + err


def test_a_lifting_of_an_address_that_broke_off_is_completed_by_its_repetition(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    # The entry is lifted, then the holders' records can't be reached.
    broken = HolderRepository(
        Refusing(boto3.client("dynamodb"), refusal("ThrottlingException"), "batch_get_item"), "AccountsTable"
    )
    with pytest.raises(TemporarilyUnavailable):
        Enrolment(stage.addresses, broken).lift_address(Address.of("one", "awa1@example.com"), datetime.now(UTC))
    assert stage.suppressed("one") == [True, True, True]
    lift = ("lift", "--address", "awa1@example.com", "--bank", "one")
    assert run(*lift) == 0
    assert capsys.readouterr().out == "0 lifted, 1 that an earlier lifting had begun completed.\n"
    assert stage.suppressed("one") == [True, False, True]
    assert run(*lift) == 1
    assert "one has not suppressed this address" in capsys.readouterr().err
    assert operators_actions("one") == []  # who lifted it has noted it


def test_a_mark_that_no_sweep_has_taken_out_is_gone_when_the_suppression_after_it_has_lapsed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    address = Address.of("one", "awa1@example.com")
    # It bounced for good, was lifted, and refused by a policy. Neither of the last two was swept.
    stage.addresses.lift(address, NOW + timedelta(hours=2))
    since = NOW + timedelta(hours=3)
    stage.addresses.suppress(address, Suppressed("policy_bounce", since, until=since + timedelta(days=14)))
    now = since + timedelta(days=14)
    (holder,) = stage.holders.of_account("one", "A1")
    assert holder.suppression(now) is not None
    assert run("lift", "--address", "awa1@example.com", "--bank", "one") == 0
    assert capsys.readouterr().out == "0 lifted, 1 that had lapsed (its holders' records say so, too).\n"
    (holder,) = stage.holders.of_account("one", "A1")
    assert holder.suppression(now) is None
    assert operators_actions("one") == []  # nothing was lifted


@pytest.mark.parametrize(
    "arguments",
    [
        ["--address", "awa9@example.com"],
        ["--since", "2026-01-11T14:00:00Z", "--until", "2026-01-11T15:00:00Z"],
    ],
)
def test_who_lifts_is_told_of_suppressions_that_are_put_off_and_lifts_those_that_came(
    stage: Stage, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    stage.sqs.send_message(QueueUrl=QUEUE_URL, MessageBody="feedback that waits for the function")
    run("lift", *arguments)
    assert "retried" not in capsys.readouterr().err
    at = NOW + timedelta(days=1)
    late = LateSuppression(Address.of("one", "awa9@example.com"), Suppressed("hard_bounce", at), began_at=at)
    stage.sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=pack(late), DelaySeconds=PUT_OFF_S)
    run("lift", *arguments)
    assert "about 1 suppression or step of a sweep waits to be retried, and may still come" in capsys.readouterr().err
    stage.sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=pack(late), DelaySeconds=PUT_OFF_S)
    run("lift", *arguments)
    assert "about 2 suppressions or steps of sweeps wait to be retried" in capsys.readouterr().err
    stage.enrolment.suppress(late.address, late.suppressed, NOW + timedelta(days=2))
    assert run("lift", *arguments, "--yes") == 0
    assert capsys.readouterr().out.startswith("1 lifted")


@pytest.mark.parametrize("code", ["AccessDenied", "ThrottlingException"])
def test_a_queue_that_can_not_be_asked_stops_no_lifting(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    client = boto3.client("sqs")

    def refusing(self: Any, name: str, **options: Any) -> Any:
        return Refusing(client, refusal(code), "get_queue_attributes") if name == "sqs" else make(self, name, **options)

    make = boto3.Session.client
    monkeypatch.setattr(boto3.Session, "client", refusing)
    assert run("lift", "--address", "awa1@example.com", "--bank", "one") == 0
    out, err = capsys.readouterr()
    assert out == "1 lifted.\n"
    why = {"AccessDenied": "AccessDenied"}.get(code, "temporarily unavailable")
    assert f"could not be counted ({why})" in err


def test_only_the_banks_that_have_suppressed_an_address_have_an_entry_of_its_lifting(stage: Stage) -> None:
    stage.enrolment.lift_address(Address.of("two", "awa1@example.com"), datetime.now(UTC))
    assert run("lift", "--address", "awa1@example.com") == 0
    assert run("lift", "--address", "nobody@example.com") == 1
    assert (operators_actions("one"), operators_actions("two")) == (["suppression.lift"], [])


def test_what_was_suppressed_within_a_time_is_lifted_when_that_is_confirmed_and_once(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    within = ("lift", "--since", "2026-01-10T14:30:00Z", "--until", "2026-01-10T15:30:00Z")
    assert run(*within) == 1  # nobody is there to confirm
    out, err = capsys.readouterr()
    assert out == "Nothing was lifted.\n"
    assert "2 addresses would be lifted: run this again with --yes." in err
    assert stage.suppressed("one") == [True, True, True]
    assert run(*within, "--yes") == 0
    assert capsys.readouterr().out == "2 lifted.\n"
    assert stage.suppressed("one") == stage.suppressed("two") == [True, False, True]
    assert run(*within, "--yes") == 0
    assert capsys.readouterr().out == "0 lifted.\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lift"], "lift needs --address, or --since and --until"),
        (["lift", "--since", "2026-01-10T14:00:00Z"], "lift needs --address, or --since and --until"),
        (["list", "--since", "yesterday"], "RFC 3339"),
        *(
            ([command, "--since", "2026-01-10T16:00:00Z", "--until", until], "--until must be after --since")
            for command in ("list", "lift")
            for until in ("2026-01-10T14:00:00Z", "2026-01-10T17:00:00+01:00")
        ),
    ],
)
def test_a_lifting_of_nothing_in_particular_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
