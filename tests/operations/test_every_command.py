"""What docs/operations.md promises of every command: how lists are printed, and what an unknown name ends in."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.audit.entry import API_KEY, STAGE, Author
from chalicelib.audit.repository import AuditRepository
from chalicelib.audit.trail import Trail
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.banks.webhook_endpoints import states_after
from chalicelib.ledger.archive import Archiver
from operations import dead_letter_queues
from tests.audit_trail import operators_actions
from tests.samples import PROJECT_DIR, transaction
from tests.stream_world import records
from tests.tables import TABLES, create_tables, template_outputs

FAILED = "aws/lambda/uuid/shard/2026/01/10/1"
BATCH = {
    "requestContext": {
        "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:transaction-notifier-prod-transaction_stream",
        "condition": "RetryAttemptsExhausted",
    },
    "timestamp": "2026-01-10T14:00:05.517Z",
    "payload": {"Records": []},
}
# The commands that print a list, for a stage on which each list but a few has an entry.
LISTS = {
    "archive": [["list"]],
    "audit": [["list"]],
    "banks": [["list"]],
    "dead_letters": [["list"]],
    "failed_batches": [["list"]],
    "reconcile": [["--date", "2026-01-10"]],
    "staff": [["list"]],
    "suppressions": [["list"]],
    "webhooks": [["list", "one"]],
}
# These print a report or one thing as an object with --json.
OBJECTS = {"settings_trial"}
# What a name that there isn't ends in, of each option that selects by a name and each command about one bank.
UNKNOWN = [
    ("archive", ["add", "on", "t1"], "there is no bank on."),
    ("archive", ["add", "one", "t9"], "one has no transaction t9."),
    ("archive", ["list", "--bank", "on"], "there is no bank in the archive on: there are 'one'."),
    ("archive", ["replay", "--bank", "on"], "there is no bank in the archive on: there are 'one'."),
    ("audit", ["list", "--bank", "on"], "there is no bank on."),
    ("audit", ["list", "--author", "operators"], "--author can be 'api_key:1a2b'"),
    ("audit", ["list", "--action", "holder.putt"], "--action can be 'holder.put'"),
    ("audit", ["list", "--bank", "one", "--account", "A1", "--holder", "ben"], "no entry of this time is about"),
    ("audit", ["show", "on", "x"], "on has no entry x."),
    ("banks", ["disable", "on"], "there is no bank on."),
    ("banks", ["emails", "on", "--as-planned"], "there is no bank on."),
    ("banks", ["enable", "on"], "there is no bank on."),
    ("banks", ["plan", "on", "volume"], "there is no bank on."),
    ("banks", ["rotate", "on"], "there is no bank on."),
    ("banks", ["sender", "on", "--name", "On"], "there is no bank on."),
    ("banks", ["show", "on"], "there is no bank on."),
    ("banks", ["sign", "on"], "there is no bank on."),
    ("banks", ["unsign", "on"], "there is no bank on."),
    ("dead_letters", ["show", "nothing"], "no letter is selected by id 'nothing': id can be '"),
    ("dead_letters", ["redrive", "--id", "nothing"], "--id can be '"),
    ("dead_letters", ["redrive", "--reason", "no_links"], "--reason can be 'no_link'."),
    ("failed_batches", ["show", "aws/lambda/x"], "there is no aws/lambda/x."),
    ("failed_batches", ["send", "--key", "aws/lambda/x"], f"--key can be '{FAILED}'"),
    ("failed_batches", ["send", "--function", "archive"], "--function can be 'transaction_stream'."),
    ("reconcile", ["--date", "2026-01-10", "--bank", "on"], "there is no bank on."),
    ("search_index", ["fill", "--bank", "on"], "there is no bank on."),
    ("settings_trial", ["--bank", "on", "--days", "1"], "there is no bank on."),
    ("staff", ["list", "--bank", "on"], "there is no bank on."),
    ("suppressions", ["list", "--bank", "on"], "there is no bank on."),
    ("suppressions", ["lift", "--bank", "on", "--address", "awa@example.com"], "there is no bank on."),
    ("suppressions", ["lift", "--address", "awa@example.com"], "no bank has suppressed this address"),
    ("webhooks", ["list", "on"], "there is no bank on."),
    ("webhooks", ["resend", "on"], "there is no bank on."),
    ("webhooks", ["resend", "ready", "t9"], "there is no webhook for a transaction 't9'."),
    ("webhooks", ["secret", "on"], "there is no bank on."),
    ("webhooks", ["show", "on", "t1"], "there is no bank on."),
    ("webhooks", ["show", "one", "t9"], "there is no webhook for a transaction 't9'."),
]
# What a command refuses for another reason: its arguments, and what it says.
REFUSED = [
    ("banks", ["create", "--id", "one", "--name", "One", "--currency", "EUR"], "there is a bank one already"),
    ("banks", ["create", "--id", "new", "--name", "New", "--currency", "EURO"], "the currency EURO"),
    ("banks", ["create", "--id", "new", "--name", " ", "--currency", "EUR"], "a bank's name is"),
    ("banks", ["emails", "one", "--per-day", "5000000"], "a limit of its own must be lower."),
    ("banks", ["sender", "one", "--name", " "], "a sender's name is"),
    ("banks", ["sender", "one", "--address", "nothing"], "the address"),
    ("banks", ["sender", "one", "--bounce-domain", "b.one.example"], "--bounce-domain is for an address"),
    ("banks", ["sender", "one", "--address", "a@one.example", "--bounce-domain", "b.two.example"], "must be below"),
    ("banks", ["delete", "one", "--confirm", "on"], "nothing was deleted"),
    ("staff", ["add", "eve@example.com", "--bank", "one", "--name", " "], "name"),
    ("staff", ["disable", "eve@example.com"], "eve@example.com"),
    ("webhooks", ["resend", "one"], "nothing is sent."),
]
# A command that changes something, with nothing that it could change.
NOTHING = [
    ("archive", ["replay", "--from", "2026-02-01"]),
    ("banks", ["delete", "on", "--confirm", "on"]),
    ("reconcile", ["--date", "2026-01-09", "--repair"]),
    ("search_index", ["fill"]),
    ("webhooks", ["resend", "ready"]),
]


def provision() -> None:
    """Make the data stack of `prod`: its tables, a bucket for each purpose, queues and a user pool."""
    client: Any = boto3.client("dynamodb")
    create_tables(client)
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    cognito: Any = boto3.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="staff")["UserPool"]["Id"]
    for group in ("viewer", "analyst", "admin"):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    for bucket in ("archive", "failed"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
    outputs = {name: name for name in template_outputs()}
    outputs |= {table: table for table in TABLES}
    outputs |= {"AuditTrail": "AuditTable/10", "ArchiveBucket": "archive", "StaffPool": f"{pool}/c1/tn"}
    outputs |= {"FailedBatchesBucketArn": "arn:aws:s3:::failed", "KeepDays": "400 90 90", "RecordedShards": "4"}
    outputs["OperatorAlertsTopicArn"] = "arn:aws:sns:us-east-2:123456789012:operator-alerts"
    secret = boto3.client("secretsmanager").create_secret(Name="cursors", SecretString="a secret")
    outputs["CursorSecretArn"] = secret["ARN"]
    for name in {name for pair in dead_letter_queues.QUEUES.values() for name in pair}:
        outputs[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
    template = {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(template)
    )
    banks = BankRepository(client, "BanksTable")
    banks.put_bank(Bank("one", "One", "EUR", "standard"))
    banks.put_bank(Bank("ready", "Ready", "EUR", "standard", webhook_secret_arn="arn"))
    settings = BankSettings(webhook_url="https://ready.example/")
    banks.put_settings("ready", StoredSettings(settings, {}, 1, states_after(settings.endpoints, {})))
    trail = Trail(AuditRepository(client, "AuditTable", 10), lambda: "a secret", lambda: datetime.now(UTC))
    trail.by(Author(API_KEY, "1a2b"), "one").of_holder("holder.put", "A1", "awa")
    DeadLetters(Queue(sqs, outputs["StreamDeadLetterQueueUrl"]), "mailer").put([({}, "no_link")])
    s3.put_object(Bucket="failed", Key=FAILED, Body=json.dumps(BATCH).encode())
    Archiver(s3, "archive").handle(records(transaction(bank="one")))


@pytest.fixture(scope="module")
def stage() -> Iterator[None]:
    """A stage, for commands that change nothing of it."""
    with mock_aws():
        provision()
        yield


def run(command: str, *arguments: str) -> int:
    status: int = import_module(f"operations.{command}").main(["--stage", "prod", "--region", "us-east-2", *arguments])
    return status


@pytest.mark.parametrize(
    ("command", "arguments"), [(command, one) for command, several in LISTS.items() for one in several]
)
@pytest.mark.usefixtures("stage")
def test_a_list_has_a_header_and_tabs_and_with_json_it_is_an_array_of_the_same(
    command: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, *arguments, "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert isinstance(listed, list)
    assert run(command, *arguments) == 0
    header, *lines = capsys.readouterr().out.splitlines() or [""]
    assert len(lines) == len(listed)
    assert "  " not in header
    for line, one in zip(lines, listed, strict=True):
        assert header.split("\t") == list(one)
        assert len(line.split("\t")) == len(one)
        assert line.split("\t")[0] == str(next(iter(one.values())))


def test_no_command_with_a_list_is_left_out() -> None:
    sources = {path.stem: path.read_text() for path in (PROJECT_DIR / "operations").glob("*.py")}
    with_lists = {name for name, text in sources.items() if re.search(r'add_json_option\(|add_parser\(\s*"list"', text)}
    assert with_lists - {"listing"} == LISTS.keys()
    assert {name for name, text in sources.items() if '"--json"' in text} - {"listing"} == OBJECTS


def printed_by_a_refusal(command: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that is refused with these words and not noted; return what it printed besides."""
    before = noted()
    assert run(command, *arguments) == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert noted() == before
    return printed.out


@pytest.mark.parametrize(("command", "arguments", "says"), UNKNOWN)
@pytest.mark.usefixtures("stage")
def test_a_name_that_there_is_not_ends_in_status_1_and_says_what_there_is(
    command: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "sent" not in printed_by_a_refusal(command, arguments, says, capsys)


@pytest.mark.parametrize(("command", "arguments", "says"), REFUSED)
@pytest.mark.usefixtures("stage")
def test_what_is_refused_ends_in_status_1_and_is_not_noted(
    command: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed_by_a_refusal(command, arguments, says, capsys)


@pytest.mark.parametrize(("command", "arguments"), NOTHING)
@pytest.mark.usefixtures("stage")
def test_what_changes_nothing_is_not_noted(command: str, arguments: list[str]) -> None:
    before = noted()
    assert run(command, *arguments) == 0
    assert noted() == before


def noted() -> list[str]:
    return [action for bank in (STAGE, "one", "ready", "on", "new") for action in operators_actions(bank)]


def test_every_command_about_one_bank_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    tried = {
        (command, arguments[0]) for command, arguments, _ in UNKNOWN if arguments[1] == "on" and arguments[0][0] != "-"
    }
    found = set()
    for path in (PROJECT_DIR / "operations").glob("*.py"):
        if "def main(" in path.read_text():
            for subcommand in re.findall(r"[\w-]+", bracketed(usage(capsys, path.stem))):
                # What is left of the usage without its options, whose names repeat those of what they take.
                taken = re.sub(r"\[[^]]*\]|\([^)]*\)|--\S+ \S+", "", usage(capsys, path.stem, subcommand)).split()
                if "bank" in taken or (path.stem == "banks" and "id" in taken):
                    found.add((path.stem, subcommand))
    # A bank that has left may have data still: `delete` looks for it, and says that there is nothing.
    assert found - {("banks", "delete")} == tried


def usage(capsys: pytest.CaptureFixture[str], command: str, *subcommand: str) -> str:
    with pytest.raises(SystemExit):
        import_module(f"operations.{command}").main([*subcommand, "--help"])
    return capsys.readouterr().out.partition("\n\n")[0]


def bracketed(usage: str) -> str:
    """Return the subcommands in a usage, "" if there are none."""
    return usage.rpartition("{")[2].partition("}")[0] if usage.rstrip().endswith("...") else ""


def test_what_selects_by_a_name_is_in_the_table() -> None:
    tried = {(command, argument) for command, arguments, _ in UNKNOWN for argument in arguments if argument[:2] == "--"}
    names = r'add_argument\(\s*"(--(?:bank|id|key|reason|function|author|action|holder|address))"'
    selecting = {
        (path.stem, option)
        for path in (PROJECT_DIR / "operations").glob("*.py")
        for option in re.findall(names, path.read_text())
    }
    makes = {("banks", "--id"), ("banks", "--address"), ("staff", "--bank")}  # `create`, `sender`; `add` names one too
    assert selecting - makes <= tried


COMMANDS = sorted(path for path in (PROJECT_DIR / "operations").glob("*.py") if "__main__" in path.read_text())


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_each_ends_as_the_one_helper_ends_it_also_when_its_reader_or_its_operator_stops(path: Path) -> None:
    (main,) = (node for node in ast.parse(path.read_text()).body if getattr(node, "name", "") == "main")
    assert re.search(r"\breturn run\(", ast.unparse(main))
