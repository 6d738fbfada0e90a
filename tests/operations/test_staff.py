"""Operators' command for staff: who is a member of which bank, what is audited, and what is never printed."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.audit.repository import AuditRepository
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from operations.staff import main
from operations.staff_directory import new_password
from tests.tables import create_tables

AWA = "awa@eazycard.example"
ADD = ("add", AWA, "--bank", "eazycard", "--name", "Awa Ndiaye")


class Stage:
    """A provisioned stage with two banks and an empty user pool, on which an operator runs the command."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.cognito: Any = boto3.client("cognito-idp")
        string = {"AttributeDataType": "String"}
        self.pool = self.cognito.create_user_pool(
            PoolName="staff",
            UsernameAttributes=["email"],
            Schema=[{"Name": "bank", **string, "Mutable": False}, {"Name": "name", **string, "Required": True}],
        )["UserPool"]["Id"]
        for group in ("viewer", "analyst", "admin", "auditors"):
            self.cognito.create_group(UserPoolId=self.pool, GroupName=group)
        outputs = {"AuditTrail": "AuditTable/10", "CursorSecretArn": "cursors", "BanksTable": "BanksTable"}
        template = {
            "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
            "Outputs": {
                name: {"Value": value} for name, value in (outputs | {"StaffPool": f"{self.pool}/c1/tn"}).items()
            },
        }
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(template)
        )
        client: Any = boto3.client("dynamodb")
        create_tables(client)
        boto3.client("secretsmanager").create_secret(Name="cursors", SecretString="a secret")
        for bank in ("eazycard", "other-bank"):
            BankRepository(client, "BanksTable").put_bank(Bank(bank, bank, "EUR", "standard"))
        self.trail = AuditRepository(client, "AuditTable", 10)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return the command's status and what it has printed."""
        status = main(["--stage", "prod", *arguments])
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    def succeed(self, *arguments: str) -> str:
        status, out, err = self.run(*arguments)
        assert (status, err) == (0, "")
        return out

    def fail(self, *arguments: str) -> str:
        status, out, err = self.run(*arguments)
        assert (status, out) == (1, "")
        return err

    def user(self, email: str = AWA) -> dict[str, Any]:
        found: dict[str, Any] = self.cognito.admin_get_user(UserPoolId=self.pool, Username=email)
        return found

    def audited(self, bank: str = "eazycard") -> list[tuple[str, tuple[str, ...]]]:
        now = datetime.now(UTC)
        entries = self.trail.of_bank(bank, now - timedelta(hours=1), now + timedelta(hours=1))
        return [(entry.action, entry.fields) for entry in sorted(entries, key=lambda entry: entry.at)]


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with mock_aws():
        yield Stage(capsys)


def test_a_member_is_added_with_a_bank_a_name_and_a_group_and_again_nothing_changes(stage: Stage) -> None:
    said = stage.succeed(*ADD, "--group", "analyst")
    assert said == (
        f"{AWA} is a member of eazycard. Cognito mails a temporary password, valid for 3 days.\n{AWA} is in analyst.\n"
    )
    attributes = {one["Name"]: one["Value"] for one in stage.user()["UserAttributes"]}
    assert attributes | {"sub": ""} == {
        "sub": "",
        "email": AWA,
        "email_verified": "true",
        "name": "Awa Ndiaye",
        "custom:bank": "eazycard",
    }
    audited = stage.audited()
    assert audited == [("member.add", ("bank", "name", "groups")), ("member.groups", ("groups",))]
    again = stage.succeed(*ADD, "--group", "analyst")
    assert again == f"{AWA} is a member of eazycard already.\n{AWA} is in analyst.\n"
    assert stage.audited() == audited


def test_the_address_is_one_in_whatever_letters(stage: Stage) -> None:
    stage.succeed("add", "Awa@EazyCard.example", "--bank", "eazycard", "--name", "Awa Ndiaye")
    assert "already" in stage.succeed(*ADD)
    assert stage.succeed("list").count("\n") == 2


def test_a_member_of_one_bank_is_not_added_to_another(stage: Stage) -> None:
    stage.succeed(*ADD)
    said = stage.fail("add", AWA, "--bank", "other-bank", "--name", "Awa")
    assert said == f"staff: {AWA} is a member of eazycard already: use another address for other-bank.\n"
    assert stage.audited("other-bank") == []


@pytest.mark.parametrize(
    ("email", "bank", "name", "said"),
    [
        (AWA, "no-bank", "Awa", "there is no bank no-bank."),
        ("no address", "eazycard", "Awa", "no address can't be used."),
        ("a" * 400 + "@x.example", "eazycard", "Awa", "It is too long."),
        (AWA, "eazycard", " ", "a name is 1 to 140 characters on one line."),
        (AWA, "eazycard", "Awa\n", "a name is 1 to 140 characters on one line."),
    ],
)
def test_what_can_t_be_a_member_is_refused_and_not_audited(
    stage: Stage, email: str, bank: str, name: str, said: str
) -> None:
    assert said in stage.fail("add", email, "--bank", bank, "--name", name)
    assert stage.audited() == []
    assert stage.cognito.list_users(UserPoolId=stage.pool)["Users"] == []


@pytest.mark.parametrize("command", ["invite", "disable", "enable", "groups"])
def test_who_is_no_member_is_named(stage: Stage, command: str) -> None:
    assert stage.fail(command, "eve@bank.example") == "staff: no member of staff signs in as eve@bank.example.\n"


def test_a_disabled_member_is_enabled_again_and_each_change_is_audited_once(stage: Stage) -> None:
    stage.succeed(*ADD)
    for command, is_enabled in (("disable", False), ("disable", False), ("enable", True), ("enable", True)):
        assert stage.succeed(command, AWA) == f"{AWA} is {command}d.\n"
        assert stage.user()["Enabled"] == is_enabled
    assert [action for action, _ in stage.audited()[2:]] == ["member.disable", "member.enable"]


def test_groups_are_shown_and_set_to_exactly_those_that_are_named(stage: Stage) -> None:
    stage.succeed(*ADD)
    assert stage.succeed("groups", AWA) == f"{AWA} is in viewer.\n"
    assert stage.succeed("groups", AWA, "admin", "analyst") == f"{AWA} is in analyst, admin.\n"
    assert stage.succeed("groups", AWA) == f"{AWA} is in analyst, admin.\n"
    assert stage.succeed("groups", AWA, "none") == f"{AWA} is in no group, and may see nothing.\n"
    assert stage.succeed("groups", AWA) == f"{AWA} is in no group, and may see nothing.\n"
    assert [action for action, _ in stage.audited()].count("member.groups") == 3


@pytest.mark.parametrize("groups", [("auditors",), ("none", "viewer")])
def test_an_unknown_group_is_refused(stage: Stage, groups: tuple[str, ...]) -> None:
    stage.succeed(*ADD)
    assert "the groups are viewer, analyst, admin" in stage.fail("groups", AWA, *groups)


def test_members_are_listed_by_bank_with_groups_and_state(stage: Stage) -> None:
    stage.succeed(*ADD, "--group", "viewer", "--group", "admin")
    stage.succeed("add", "bea@other.example", "--bank", "other-bank", "--name", "Bea")
    stage.succeed("disable", "bea@other.example")
    (awa,) = json.loads(stage.succeed("list", "--bank", "eazycard", "--json"))
    assert awa | {"subject": ""} == {
        "email": AWA,
        "name": "Awa Ndiaye",
        "bank": "eazycard",
        "groups": "viewer,admin",
        "state": "invited",
        "subject": "",
    }
    header, *lines = stage.succeed("list").splitlines()
    assert header.split("\t") == ["email", "name", "bank", "groups", "state", "subject"]
    states = {line.split("\t")[0]: line.split("\t")[4] for line in lines}
    assert states == {AWA: "invited", "bea@other.example": "disabled"}


def test_a_member_who_has_signed_in_gets_no_other_temporary_password(stage: Stage) -> None:
    stage.succeed(*ADD)
    assert "a new temporary password" in stage.succeed("invite", AWA)
    stage.cognito.admin_set_user_password(
        UserPoolId=stage.pool, Username=AWA, Password="Correct-horse-9-battery", Permanent=True
    )
    assert "has signed in before" in stage.fail("invite", AWA)


def test_no_password_is_printed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = stage.succeed(*ADD) + stage.succeed("invite", AWA) + stage.succeed("list")
    passwords = {line for line in printed.split() if len(line) >= 8 and any(one in "!#$%^&*" for one in line)}
    assert not passwords


def test_a_stage_of_an_earlier_release_has_to_be_provisioned_again(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data",
            TemplateBody=json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}),
        )
        assert main(["--stage", "prod", "list"]) == 1
    assert "has no StaffPool: provision the stage again." in capsys.readouterr().err


def test_a_password_is_long_random_and_of_all_kinds() -> None:
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 20
        assert all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[-_]"))
