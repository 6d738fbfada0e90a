"""A bank leaves a stage: everything of it is deleted, everything of another bank stays."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.audit.repository import AuditRepository
from chalicelib.aws.dynamo import to_item
from chalicelib.banks.bank import ApiKey, Bank
from chalicelib.banks.repository import BankRepository
from operations import banks
from tests.stored_rows import SHARED_ROWS, rows_of
from tests.tables import create_tables

TOPIC = "arn:aws:sns:us-east-2:123456789012:operator-alerts"
BANKS = ("eazycard", "holder")  # the other one's name is a word in keys


class Stage:
    """A provisioned stage with two banks, which have a row of every kind, archived objects, secrets, a topic, staff."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.dynamodb: Any = boto3.client("dynamodb")
        self.s3: Any = boto3.client("s3")
        self.secrets: Any = boto3.client("secretsmanager")
        self.sns: Any = boto3.client("sns")
        self.cognito: Any = boto3.client("cognito-idp")
        self.gateway: Any = boto3.client("apigateway")
        tables = create_tables(self.dynamodb)
        self.s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        self.s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
        self.secrets.create_secret(Name="cursors", SecretString="a secret")
        attribute = {"Name": "bank", "AttributeDataType": "String", "Mutable": False}
        pool = self.cognito.create_user_pool(PoolName="staff", UsernameAttributes=["email"], Schema=[attribute])
        self.pool = pool["UserPool"]["Id"]
        for group in ("viewer", "analyst", "admin"):
            self.cognito.create_group(UserPoolId=self.pool, GroupName=group)
        others = {"CursorSecretArn": "cursors", "ArchiveBucket": "archive", "OperatorAlertsTopicArn": TOPIC}
        outputs = {**tables, **others, "AuditTrail": "AuditTable/10", "StaffPool": f"{self.pool}/c1/tn"}
        template = {
            "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(template)
        )
        for table, row in SHARED_ROWS:
            self.dynamodb.put_item(TableName=table, Item=to_item(row))
        for bank in BANKS:
            self._fill(bank)

    def _fill(self, bank: str) -> None:
        for table, row in rows_of(bank):
            if table != "BanksTable":
                self.dynamodb.put_item(TableName=table, Item=to_item(row))
        store = BankRepository(self.dynamodb, "BanksTable")
        store.put_bank(Bank(bank, bank, "EUR", "standard"))
        key = self.gateway.create_api_key(name=f"transaction-notifier-prod-{bank}", enabled=True)["id"]
        store.put_api_key(ApiKey(f"hash-of-{bank}", bank, key))
        for day in (1, 2):
            self.s3.put_object(Bucket="archive", Key=f"bank={bank}/date=2026-01-0{day}/1.jsonl.gz", Body=b"lines")
        for purpose in ("signing", "webhook"):
            self.secrets.create_secret(Name=f"transaction-notifier-prod-{purpose}-{bank}", SecretString="a secret")
        self.sns.create_topic(Name=f"operator-alerts-{bank}")
        self.cognito.admin_create_user(
            UserPoolId=self.pool,
            Username=f"awa@{bank}.example",
            UserAttributes=[
                {"Name": "email", "Value": f"awa@{bank}.example"},
                {"Name": "custom:bank", "Value": bank},
            ],
            MessageAction="SUPPRESS",
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        status = banks.main(["--stage", "prod", "delete", *arguments])
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    def everything(self) -> Counter[str]:
        """Return all that is stored, as texts, but the audit trail."""
        found = Counter[str]()
        for table in {table for table, _ in (*rows_of("eazycard"), *SHARED_ROWS)}:
            found.update(f"{table} {json.dumps(item)}" for item in self.dynamodb.scan(TableName=table)["Items"])
        found.update(one["Key"] for one in self.s3.list_objects_v2(Bucket="archive").get("Contents", ()))
        found.update(one["Name"] for one in self.secrets.list_secrets()["SecretList"])
        found.update(one["TopicArn"] for one in self.sns.list_topics()["Topics"])
        found.update(one["name"] for one in self.gateway.get_api_keys()["items"])
        found.update(json.dumps(one["Attributes"]) for one in self.cognito.list_users(UserPoolId=self.pool)["Users"])
        return found


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with mock_aws():
        yield Stage(capsys)


def test_everything_of_the_bank_is_gone_and_everything_else_stays(stage: Stage) -> None:
    before = stage.everything()
    status, printed, said = stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")
    assert (status, said) == (0, "")
    assert "found nothing of eazycard" in printed
    after = stage.everything()
    assert not after - before
    assert not [one for one in after if "eazycard" in one]
    assert before - after == Counter({one: 1 for one in before if "eazycard" in one})
    assert stage.s3.list_objects_v2(Bucket="archive", Prefix="bank=holder/")["KeyCount"] == 2


def test_the_bank_whose_name_is_a_word_in_keys_goes_as_well(stage: Stage) -> None:
    before = stage.everything()
    status, _, _ = stage.run("holder", "--confirm", "holder", "--wait", "0")
    assert status == 0
    gone = before - stage.everything()
    assert not [one for one in gone if "eazycard" in one]
    assert len(gone) == len([one for one in before if "eazycard" in one])


def test_without_the_id_again_it_only_counts(stage: Stage) -> None:
    before = stage.everything()
    status, printed, said = stage.run("eazycard")
    assert (status, said) == (0, "")
    assert "2 archive" in printed
    assert "10 DeferralsTable" in printed
    assert "--confirm eazycard" in printed
    assert stage.everything() == before


def test_another_id_deletes_nothing(stage: Stage) -> None:
    before = stage.everything()
    status, _, said = stage.run("eazycard", "--confirm", "eazycart")
    assert (status, "nothing was deleted" in said) == (1, True)
    assert stage.everything() == before


def test_it_goes_on_after_an_interruption_and_a_second_run_finds_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupted = {"count": 0}

        def interrupt(*_: Any) -> Any:
            interrupted["count"] += 1
            raise KeyboardInterrupt

        patched.setattr("operations.bank_leaving.BankData.delete_objects", interrupt)
        assert stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")[0] == 130
    assert interrupted == {"count": 1}
    status, printed, _ = stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")
    assert (status, "deleted: 2 archive" in printed) == (0, True)
    status, printed, _ = stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")
    assert (status, "deleted: nothing" in printed) == (0, True)


def test_what_is_written_in_the_meantime_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.bank_leaving import BankData

    whole = BankData.delete_elsewhere

    def and_written(self: BankData) -> Counter[str]:
        stage.dynamodb.put_item(TableName="CasesTable", Item=to_item({"case_key": "eazycard#t2"}))
        return whole(self)

    monkeypatch.setattr(BankData, "delete_elsewhere", and_written)
    status, printed, _ = stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")
    assert (status, "LEFT: 1 CasesTable" in printed) == (1, True)


def rows_read(doing: str, said: str) -> list[int]:
    """Return the counts that bars of this name ended with: each is a line, which is written over and over."""
    return [int(count) for count in re.findall(rf"{doing}: (\d+)row[^\r\n]*\n", said)]


def test_each_look_at_the_tables_and_the_archive_shows_how_far_it_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.bank_leaving._BAR_AFTER_S", 0)
    _, _, said = stage.run("eazycard")
    (whole,) = rows_read("reading", said)
    _, _, said = stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")
    (first,) = rows_read("deleting", said)
    assert first > whole  # the last look is in it
    _, _, said = stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")  # its entry is gone
    (read,), (and_again,) = rows_read("reading", said), rows_read("deleting", said)
    assert 0 < read < and_again == 2 * read


def test_the_audit_trail_stays_and_says_who_deleted_it(stage: Stage) -> None:
    stage.run("eazycard", "--confirm", "eazycard", "--wait", "0")
    now = datetime.now(UTC)
    trail = AuditRepository(stage.dynamodb, "AuditTable", 10)
    (entry,) = trail.of_bank("eazycard", now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert (entry.action, entry.author.kind) == ("bank.delete", "operator")


def test_a_bank_that_never_was_has_nothing(stage: Stage) -> None:
    status, printed, _ = stage.run("nobody")
    assert (status, "nobody has: nothing" in printed) == (0, True)


def test_the_last_look_comes_after_what_the_archiver_still_holds() -> None:
    windows = re.findall(r"maximum_batching_window_in_seconds=(\d+)", Path("app.py").read_text())
    assert 60 + max(map(int, windows)) + 60 <= banks.WAIT_S
