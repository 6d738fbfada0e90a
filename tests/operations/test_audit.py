"""The command that reads the audit trail, and the entries that operators' commands add to it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.audit.entry import API_KEY, STAGE, Author
from chalicelib.audit.repository import AuditRepository
from chalicelib.audit.trail import Trail
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.holders.holder import Holder
from chalicelib.holders.repository import HolderRepository
from operations import audit, banks, failed_batches
from tests.tables import create_tables

TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "failed"}}},
    "Outputs": {
        "AuditTrail": {"Value": "AuditTable/10"},
        "AccountsTable": {"Value": "AccountsTable"},
        "BanksTable": {"Value": "BanksTable"},
        "DeferralsTable": {"Value": "DeferralsTable"},
        "CursorSecretArn": {"Value": "cursors"},
        "FailedBatchesBucketArn": {"Value": "arn:aws:s3:::failed"},
    },
}
ON_PROD = ["--stage", "prod", "--region", "us-east-2"]
KEY = Author(API_KEY, "1a2b3c4d", "192.0.2.7", "request-1")


@pytest.fixture
def trail(capsys: pytest.CaptureFixture[str]) -> Iterator[Trail]:
    """The trail of a provisioned stage with the banks `one` and `two`, and nothing in it."""
    with mock_aws():
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(TEMPLATE)
        )
        client = boto3.client("dynamodb")
        create_tables(client)
        boto3.client("secretsmanager").create_secret(Name="cursors", SecretString="a secret")
        for bank in ("one", "two"):
            BankRepository(client, "BanksTable").put_bank(Bank(bank, bank, "EUR", "standard"))
        capsys.readouterr()
        yield Trail(AuditRepository(client, "AuditTable", 10), lambda: "a secret", lambda: datetime.now(UTC))


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert audit.main([*ON_PROD, "list", "--json", *arguments]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_entries_of_all_banks_are_listed_and_one_is_shown(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    trail.by(KEY, "one").of_holder("holder.put", "A123", "awa", ["email", "name"])
    assert audit.main([*ON_PROD, "list"]) == 0
    header, line = capsys.readouterr().out.splitlines()
    values = dict(zip(header.split("\t"), line.split("\t"), strict=True))
    assert values["author"] == "api_key:1a2b3c4d"
    assert (values["bank"], values["action"], values["fields"]) == ("one", "holder.put", "email,name")
    assert (values["source_ip"], values["request_id"]) == ("192.0.2.7", "request-1")
    assert audit.main([*ON_PROD, "show", "one", values["id"]]) == 0
    assert json.loads(capsys.readouterr().out)["subject"] == trail.holder("one", "A123", "awa")
    assert audit.main([*ON_PROD, "show", "two", values["id"]]) == 1
    assert capsys.readouterr().err == f"audit: two has no entry {values['id']}.\n"


def test_entries_are_chosen_by_bank_time_author_action_and_holder(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    trail.by(KEY, "one").of_holder("holder.put", "A123", "awa")
    trail.by(KEY, "one").of_holder("holder.delete", "A123", "ben")
    trail.by(Author("operator", "arn:aws:iam::123456789012:user/eve"), "two").of_bank("bank.plan")
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    for arguments, actions in (
        ([], ["holder.put", "holder.delete", "bank.plan"]),
        (["--bank", "two"], ["bank.plan"]),
        (["--from", tomorrow], []),
        (["--to", "2026-01-01T00:00:00Z", "--from", "2025-12-01"], []),
        (["--author", "operator"], ["bank.plan"]),
        (["--author", "1a2b"], ["holder.put", "holder.delete"]),
        (["--action", "holder.d"], ["holder.delete"]),
        (["--bank", "one", "--account", "A123", "--holder", "awa"], ["holder.put"]),
    ):
        assert [one["action"] for one in listed(capsys, *arguments)] == actions, arguments


def test_what_an_option_selects_of_a_holder_s_entries_goes_by_those_alone(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    trail.by(KEY, "one").of_holder("holder.put", "A123", "awa")
    trail.by(KEY, "one").of_member("member.add", "eve@example.com")
    awa = ["--bank", "one", "--account", "A123", "--holder", "awa"]
    assert audit.main([*ON_PROD, "list", *awa, "--action", "member."]) == 1
    printed = capsys.readouterr().err
    assert printed == (
        "audit: no entry of this time is selected by --action 'member.': --action can be 'holder.put'.\n"
    )


def test_a_holder_whom_nobody_has_changed_in_the_time_has_an_empty_list_and_one_who_is_not_there_fails(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    ben = Holder("ben", "Ben", "ben@example.com", "fr", "UTC", {}, datetime.now(UTC))
    HolderRepository(boto3.client("dynamodb"), "AccountsTable").put("one", "A123", ben)
    on_account = ["--bank", "one", "--account", "A123"]
    for action in ([], ["--action", "holder."]):
        assert listed(capsys, *on_account, "--holder", "ben", *action) == []
    assert audit.main([*ON_PROD, "list", *on_account, "--holder", "ben"]) == 0
    assert capsys.readouterr().err == "no entry of this time is about that holder.\n"
    assert audit.main([*ON_PROD, "list", *on_account, "--holder", "bem"]) == 1
    assert "the account has no such holder now" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "yesterday"], "must be a date like"),
        (["--holder", "awa"], "come together, with --bank"),
        (["--from", "2026-01-10", "--to", "2026-01-09"], "--from is after --to"),
    ],
)
def test_a_filter_that_can_not_be_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        audit.main(["list", *arguments])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_an_operator_s_change_has_an_entry_with_the_principal(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    s3 = boto3.client("s3")
    context = {"functionArn": "arn:aws:lambda:us-east-2:123456789012:function:gone", "condition": "RecordAgeExceeded"}
    batch = {"requestContext": context, "timestamp": "2026-01-10T14:00:05.517Z", "payload": {"Records": []}}
    s3.put_object(Bucket="failed", Key="aws/lambda/1", Body=json.dumps(batch).encode())
    assert banks.main([*ON_PROD, "disable", "one"]) == 0
    assert banks.main([*ON_PROD, "show", "one"]) == 0
    assert failed_batches.main([*ON_PROD, "send"]) == 1  # its function is not there
    capsys.readouterr()
    of_stage, of_bank = listed(capsys)
    assert (of_stage["bank"], of_stage["action"]) == (STAGE, "failed_batches.send")
    assert (of_bank["bank"], of_bank["action"], of_bank["fields"]) == ("one", "bank.disable", ["disabled"])
    for entry in (of_stage, of_bank):
        assert re.fullmatch(r"operator:arn:aws:(iam|sts)::\d{12}:.+", entry["author"])


def test_a_change_whose_entry_can_not_be_stored_is_not_made(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    client = boto3.client("dynamodb")
    client.delete_table(TableName="AuditTable")
    assert banks.main([*ON_PROD, "disable", "one"]) == 1
    stored = BankRepository(client, "BanksTable").bank("one")
    assert stored is not None
    assert not stored.disabled
    assert banks.main([*ON_PROD, "disable", "nobody"]) == 1
    assert "there is no bank nobody." in capsys.readouterr().err
