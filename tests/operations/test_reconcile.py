"""The command that reconciles a day: what it prints, its status, and that it changes nothing unless told to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from operations.reconcile import main
from tests.analytics_world import BANKS, MAX_DAYS, NOW, expected, folded, made, run, store
from tests.audit_trail import operators_actions
from tests.clone import PROJECT_DIR
from tests.fakes import OneCallAtATime
from tests.tables import create_tables

TABLES = ("TransactionsTable", "AnalyticsTable", "BanksTable")
TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {"AuditTrail": {"Value": "AuditTable/10"}, **{table: {"Value": table} for table in TABLES}},
}
TRANSACTIONS = [made(number) for number in range(40)]


@pytest.fixture
def dynamodb_of_prod() -> Iterator[Any]:
    """The tables of a provisioned stage, whose transactions the job has folded."""
    with mock_aws():
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(TEMPLATE)
        )
        client = boto3.client("dynamodb")
        create_tables(client)
        for bank in BANKS:
            BankRepository(client, "BanksTable").put_bank(Bank(bank, bank, "EUR", "standard"))
        store(client, TRANSACTIONS)
        run(OneCallAtATime(client), max_days=MAX_DAYS)
        yield client


def reconcile(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", "us-east-2", *arguments])


def roll_up(client: Any, bank: str, day: str = "2026-01-10") -> dict[str, Any]:
    key = {"owner": {"S": f"bank#{bank}"}, "entry": {"S": f"day#{day}#EUR"}}
    found: dict[str, Any] = client.get_item(TableName="AnalyticsTable", Key=key)["Item"]
    return found


def spoil(client: Any, bank: str = "eazycard", **changes: Any) -> None:
    client.put_item(TableName="AnalyticsTable", Item={**roll_up(client, bank), **changes})


def test_where_nothing_differs_it_says_so(dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()  # what the job logs is not the command's
    assert reconcile("--date", "2026-01-10") == 0
    assert capsys.readouterr() == ("", "2026-01-10 (UTC): 4 roll-ups compared, 0 differ\n")


def test_each_difference_is_a_line_and_the_status_and_nothing_is_changed(
    dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    right = roll_up(dynamodb_of_prod, "eazycard")
    spoil(dynamodb_of_prod, credit={"N": "1.25"}, debit_count={"N": "99"})
    spoilt = roll_up(dynamodb_of_prod, "eazycard")
    capsys.readouterr()
    assert reconcile("--date", "2026-01-10") == 1
    out, err = capsys.readouterr()
    assert [line.split("\t") for line in out.splitlines()] == [
        ["bank", "date", "currency", "field", "stored", "recomputed"],
        ["eazycard", "2026-01-10", "EUR", "credit", "1.25", f"{Decimal(right['credit']['N']):.2f}"],
        ["eazycard", "2026-01-10", "EUR", "debit_count", "99", right["debit_count"]["N"]],
    ]
    assert err == "2026-01-10 (UTC): 4 roll-ups compared, 1 differ: nothing was changed; --repair replaces them\n"
    assert roll_up(dynamodb_of_prod, "eazycard") == spoilt
    assert reconcile("--date", "2026-01-10", "--bank", "other-bank") == 0
    assert reconcile("--date", "2026-01-09") == 0


def test_what_differs_is_repaired_when_told_to(dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for bank in BANKS:
        spoil(dynamodb_of_prod, bank, credit={"N": "1.25"})
    assert reconcile("--date", "2026-01-10", "--bank", "eazycard", "--repair") == 0
    assert capsys.readouterr().err.endswith("2 roll-ups compared, 1 differ: repaired\n")
    assert reconcile("--date", "2026-01-10", "--bank", "eazycard") == 0
    assert reconcile("--date", "2026-01-10") == 1
    assert reconcile("--date", "2026-01-10", "--repair") == 0
    assert reconcile("--date", "2026-01-10") == 0
    assert folded(dynamodb_of_prod) == expected(TRANSACTIONS)
    assert reconcile("--date", "2026-01-10", "--repair") == 0
    assert operators_actions("eazycard") == operators_actions() == ["roll_ups.repair"]


def test_a_roll_up_of_a_day_without_transactions_is_found_by_the_list_of_banks(
    dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    phantom = {**roll_up(dynamodb_of_prod, "eazycard"), "entry": {"S": "day#2020-02-29#EUR"}}
    dynamodb_of_prod.put_item(TableName="AnalyticsTable", Item=phantom)
    assert reconcile("--date", "2020-02-29") == 1
    assert "eazycard\t2020-02-29\tEUR\tlargest\t" in capsys.readouterr().out
    assert reconcile("--date", "2020-02-29", "--repair") == 0
    assert reconcile("--date", "2020-02-29") == 0


def test_what_is_broken_elsewhere_is_named_and_is_the_status_of_a_repair_too(
    dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    late = made(0, id="late", status="settled", recorded_at=NOW)
    later = made(0, id="later", status="settled", timestamp=NOW - timedelta(days=1), recorded_at=NOW)
    store(dynamodb_of_prod, [late, later])
    run(OneCallAtATime(dynamodb_of_prod), NOW + timedelta(minutes=2))
    yesterday = roll_up(dynamodb_of_prod, "eazycard", "2026-01-09")
    dynamodb_of_prod.delete_item(TableName="AnalyticsTable", Key={name: yesterday[name] for name in ("owner", "entry")})
    spoil(dynamodb_of_prod, credit={"N": "1.25"})
    assert reconcile("--date", "2026-01-10", "--repair") == 1
    assert "reconcile 2026-01-09 of eazycard next" in capsys.readouterr().err
    assert reconcile("--date", "2026-01-09", "--repair") == 0
    assert folded(dynamodb_of_prod) == expected([*TRANSACTIONS, late, later])


def test_an_unknown_bank_or_stage_ends_in_one_line(dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert reconcile("--date", "2026-01-10", "--bank", "nobody") == 1
    assert capsys.readouterr() == (
        "",
        "reconcile: there is no bank nobody. `python -m operations.banks list` shows those that there are.\n",
    )
    assert main(["--stage", "dev", "--region", "us-east-2", "--date", "2026-01-10"]) == 1
    assert capsys.readouterr() == ("", "reconcile: There is no stack transaction-notifier-dev-data.\n")


def test_a_table_that_is_gone_ends_in_one_line(dynamodb_of_prod: Any, capsys: pytest.CaptureFixture[str]) -> None:
    dynamodb_of_prod.delete_table(TableName="AnalyticsTable")
    capsys.readouterr()
    assert reconcile("--date", "2026-01-10") == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("reconcile: ")
    assert "ResourceNotFoundException" in err


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("10.01.2026", "is no date like 2026-01-10"),
        ("2026-02-30", "is no date like 2026-01-10"),
        ((datetime.now(UTC) + timedelta(days=2)).date().isoformat(), "is a day in the future"),
    ],
)
def test_a_date_that_is_none_or_has_not_come_is_refused(day: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        reconcile("--date", day)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_help_tells_what_it_prints_and_what_its_status_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations.reconcile", "--help"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(option in done.stdout for option in ("--date", "--bank", "--repair", "--stage"))
    assert "status" in done.stdout
