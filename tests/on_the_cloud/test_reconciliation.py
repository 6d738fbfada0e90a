"""The job, the nightly reconciliation and the command as they are deployed: under their roles, on a stage's tables."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.analytics.repository import SAFETY_MARGIN
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from local_cloud.deploy import STAGE
from operations.reconcile import main
from tests.cloud import CloudUnderTest

pytestmark = pytest.mark.cloud
EVENT = Path(__file__).parents[1] / "events" / "schedule.json"
BANK = "reconciled-bank"


def invoke(cloud: CloudUnderTest, function: str) -> str:
    """Invoke a scheduled function; return the end of its log."""
    answer = cloud.client("lambda").invoke(
        FunctionName=f"transaction-notifier-{STAGE}-{function}", Payload=EVENT.read_bytes(), LogType="Tail"
    )
    said = answer["Payload"].read()
    assert "FunctionError" not in answer, said
    assert json.loads(said) is None
    return str(answer.get("LogResult", ""))


def test_what_is_recorded_is_folded_compared_and_repaired(
    cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.new_bank(BANK)
    dynamodb, names = cloud.client("dynamodb"), cloud.deployed.outputs
    now = datetime.now(UTC)
    yesterday = now - timedelta(days=1)
    for number in range(8):  # as if they had been recorded just before the margin ends: the job has not come so far
        one = Transaction(
            bank=BANK,
            id=f"t{number}",
            account="A1",
            amount=Decimal("12.50"),
            type="credit",
            timestamp=yesterday,
            currency="EUR",
            recorded_at=now - SAFETY_MARGIN + timedelta(seconds=2),
        )
        dynamodb.put_item(TableName=names["TransactionsTable"], Item=transaction_item(one))
    time.sleep(3)
    invoke(cloud, "analytics_job")
    day = yesterday.date().isoformat()
    key = {"owner": {"S": f"bank#{BANK}"}, "entry": {"S": f"day#{day}#EUR"}}
    folded: dict[str, Any] = dynamodb.get_item(TableName=names["AnalyticsTable"], Key=key)["Item"]
    assert (folded["credit_count"]["N"], Decimal(folded["credit"]["N"])) == ("8", Decimal(100))

    dynamodb.put_item(TableName=names["AnalyticsTable"], Item={**folded, "credit": {"N": "99"}})
    invoke(cloud, "nightly_reconciliation")
    cloud.use_by_commands(monkeypatch)
    command = ["--stage", "local", "--date", day, "--bank", BANK]
    capsys.readouterr()
    assert main(command) == 1
    _header, difference = capsys.readouterr().out.splitlines()
    assert difference == f"{BANK}\t{day}\tEUR\tcredit\t99.00\t100.00"
    assert main([*command, "--repair"]) == 0
    assert main(["--stage", "local", "--date", day]) == 0
    repaired = dynamodb.get_item(TableName=names["AnalyticsTable"], Key=key)["Item"]
    assert Decimal(repaired["credit"]["N"]) == Decimal(100)


def test_all_run_by_schedule(cloud: CloudUnderTest) -> None:
    events = cloud.client("events")
    schedules = {}
    for rule in [rule for rule in events.list_rules()["Rules"] if "ScheduleExpression" in rule]:
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        assert rule["State"] == "ENABLED"
        schedules[target["Arn"].rpartition(":")[2]] = rule["ScheduleExpression"]
    stage = f"transaction-notifier-{STAGE}"
    assert schedules == {
        f"{stage}-analytics_job": "rate(1 minute)",
        f"{stage}-release_deferred": "rate(1 minute)",
        f"{stage}-statements": "rate(1 minute)",
        f"{stage}-nightly_reconciliation": "cron(17 3 * * ? *)",
    }
