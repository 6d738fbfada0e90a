"""The trial of flag settings: what it counts, on which transactions, in which order, and that it writes nothing."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import StoredSettings, load_settings
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS, FLAGS
from chalicelib.cases.case import Outcome, opened
from chalicelib.cases.moves import answered, claim, close
from chalicelib.cases.stored_form import case_item
from chalicelib.flags.answers import Answer, HolderAnswer
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.flags.trial import MAX_EXAMPLES, FlagTrial
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction
from operations.flag_trial import as_json
from operations.settings_trial import main, recorded, settings_in
from tests.case_world import ANA
from tests.samples import PROJECT_DIR, REAL_DATA
from tests.tables import create_tables

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TABLES = ("TransactionsTable", "BanksTable", "AnalyticsTable", "CasesTable")
TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {table: {"Value": table} for table in TABLES},
}
BAKERY = {"name": "Boulangerie Akwa", "country": "CM"}


def made(number: int, **changes: Any) -> Transaction:
    """Return the number-th transaction of an account that buys for 10.00 every hour of January."""
    at = changes.pop("at", datetime(2026, 1, 2, tzinfo=UTC) + timedelta(hours=number))
    ordinary = Transaction(
        bank="eazycard",
        id=f"t{number}",
        account="A1",
        amount=Decimal("10.00") + number % 2,
        type="debit",
        timestamp=at,
        currency="EUR",
        merchant=BAKERY,
        recorded_at=at,
    )
    return replace(ordinary, **changes)


class Stage:
    """A provisioned stage's tables, and the command on it."""

    def __init__(self) -> None:
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(TEMPLATE)
        )
        self.dynamodb = boto3.client("dynamodb")
        create_tables(self.dynamodb)
        self.banks = BankRepository(self.dynamodb, "BanksTable")
        self.banks.put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard"))
        self.transactions = TransactionRepository(self.dynamodb, "TransactionsTable")

    def store(self, *transactions: Transaction) -> None:
        for transaction in transactions:
            self.transactions.add(transaction)

    def run(self, *arguments: str) -> int:
        options = ["--stage", "prod", "--region", "us-east-2"]
        span = [] if {"--days", "--from"} & set(arguments) else ["--days", "31"]
        return main([*options, "--bank", "eazycard", *span, *arguments], lambda: NOW)

    def everything(self) -> list[Any]:
        return [self.dynamodb.scan(TableName=table)["Items"] for table in TABLES]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mock_aws():
        yield Stage()


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A settings file with which an amount is large from 500.01 on, and unusual never."""
    file = tmp_path / "changed.json"
    file.write_text(
        json.dumps({"flags": {"large_amount": {"thresholds": {"EUR": 500}}, "unusual_amount": {"mode": "off"}}})
    )
    return file


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def counts(report: Any, which: str = "now") -> dict[str, int]:
    return {name: rule[which] for name, rule in report["rules"].items() if rule[which]}


# What is counted


def test_what_both_settings_flag_is_counted_side_by_side(
    stage: Stage, changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store(*map(made, range(30)), made(30, amount=Decimal(600)), made(31, amount=Decimal(5000)))
    assert stage.run("--settings", str(changed)) == 0
    assert capsys.readouterr().out == (
        "eazycard, 2026-01-01 to 2026-01-31 (UTC): 32 transactions of 1 accounts, 32 judged\n"
        "\n"
        "rule                    mode      now      share      mode  changed      share  difference\n"
        "large_amount              on        1    3.125 %        on        2    6.250 %          +1\n"
        "velocity                  on        0    0.000 %        on        0    0.000 %          +0\n"
        "unusual_amount            on        2    6.250 %       off        0    0.000 %          -2\n"
        "duplicate_suspect         on        0    0.000 %        on        0    0.000 %          +0\n"
        "new_country               on        0    0.000 %        on        0    0.000 %          +0\n"
        "any of them                         2    6.250 %                  2    6.250 %          +0\n"
        "\n"
        "                                        by the present settings                      by the changed settings\n"
        "alarms              true  false  unclear  unlabelled  precision  true  false  unclear  unlabelled  precision\n"
        "large_amount           0      0        0           1          -     0      0        0           2          -\n"
        "velocity               0      0        0           0          -     0      0        0           0          -\n"
        "unusual_amount         0      0        0           2          -     0      0        0           0          -\n"
        "duplicate_suspect      0      0        0           0          -     0      0        0           0          -\n"
        "new_country            0      0        0           0          -     0      0        0           0          -\n"
        "any of them            0      0        0           2          -     0      0        0           2          -\n"
        "\n"
        "large_amount, the last examples:\n"
        "  + t30  amount 600.00  currency EUR  threshold 500.00\n"
        "    t31  amount 5000.00  currency EUR  threshold 500.00\n"
        "\n"
        "unusual_amount, the last examples:\n"
        "  - t30  amount 600.00  currency EUR  usual 10.50  times 57.1  count 30\n"
        "  - t31  amount 5000.00  currency EUR  usual 29.52  times 169.3  count 31\n"
    )


def test_as_json_it_says_the_same(stage: Stage, changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage.store(*map(made, range(30)), made(30, amount=Decimal(600)))
    assert stage.run("--json", "--settings", str(changed)) == 0
    report = told(capsys)
    assert {name: report[name] for name in ("transactions", "accounts", "judged", "malformed")} == {
        "transactions": 31,
        "accounts": 1,
        "judged": 31,
        "malformed": 0,
    }
    nothing = {"true": 0, "false": 0, "unclear": 0, "unlabelled": 0, "precision": None}
    alarms = {"now": nothing, "changed": {**nothing, "unlabelled": 1}}
    assert report["flagged"] == {
        "now": 1,
        "changed": 1,
        "difference": 0,
        "alarms": {"now": {**nothing, "unlabelled": 1}, "changed": {**nothing, "unlabelled": 1}},
    }
    assert list(report["rules"]) == list(FLAGS)
    assert report["rules"]["large_amount"] == {
        "mode": "on",
        "now": 0,
        "share_now": 0.0,
        "mode_changed": "on",
        "changed": 1,
        "share_changed": 1 / 31,
        "difference": 1,
        "alarms": alarms,
        "examples": {
            "flagged": [],
            "added": [{"id": "t30", "evidence": {"amount": "600.00", "currency": "EUR", "threshold": "500.00"}}],
            "removed": [],
        },
    }


def test_without_changed_settings_only_the_present_ones_are_told_of(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store(made(0, amount=Decimal(5000)))
    assert stage.run() == 0
    assert "changed" not in capsys.readouterr().out
    assert stage.run("--json") == 0
    assert "changed" not in capsys.readouterr().out


def test_the_present_settings_are_the_banks_own(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    own = load_settings({"flags": {"large_amount": {"mode": "shadow", "thresholds": {"EUR": Decimal(5)}}}})
    stage.banks.put_settings("eazycard", StoredSettings(own, {}, 1))
    stage.store(*map(made, range(4)))
    assert stage.run("--json") == 0
    report = told(capsys)
    assert (report["rules"]["large_amount"]["mode"], report["rules"]["large_amount"]["now"]) == ("shadow", 4)


def test_the_examples_are_the_last_ones(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.store(*(made(number, amount=Decimal(5000)) for number in range(MAX_EXAMPLES + 4)))
    assert stage.run("--json") == 0
    examples = told(capsys)["rules"]["large_amount"]["examples"]["flagged"]
    assert [one["id"] for one in examples] == [f"t{number}" for number in range(4, MAX_EXAMPLES + 4)]


def test_it_writes_nothing(stage: Stage, changed: Path) -> None:
    stage.store(*map(made, range(30)), made(30, amount=Decimal(5000)))
    before = stage.everything()
    assert stage.run("--settings", str(changed)) == 0
    assert stage.everything() == before


# What is known of it


def labelled(stage: Stage, transaction: Transaction, *answers: Answer, outcome: Outcome | None = None) -> None:
    """Store a flagged transaction's case, with the answers of its holders, and closed if there is an outcome."""
    case = opened(Flagging(transaction, {"large_amount": {"amount": "5000.00"}}, frozenset(), NOW))
    case = answered(case, [HolderAnswer(f"h{number}", given, NOW, NOW) for number, given in enumerate(answers)], NOW)
    if outcome is not None:
        case = close(claim(case, ANA, NOW), ANA, NOW, outcome)
    stage.dynamodb.put_item(TableName="CasesTable", Item=case_item(case))


def test_it_says_how_many_true_and_false_alarms_the_present_and_the_changed_settings_give(
    stage: Stage, changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fraud, denied, recognized, found_legitimate, unclear = (
        made(number, amount=Decimal(5000), merchant=None) for number in range(5)
    )
    small, unknown = made(5, amount=Decimal(600), merchant=None), made(6, amount=Decimal(700), merchant=None)
    stage.store(fraud, denied, recognized, found_legitimate, unclear, small, unknown)
    labelled(stage, fraud, Answer.RECOGNIZED, outcome=Outcome.FRAUD)
    labelled(stage, denied, Answer.RECOGNIZED, Answer.NOT_RECOGNIZED)
    labelled(stage, recognized, Answer.RECOGNIZED)
    labelled(stage, found_legitimate, Answer.NOT_RECOGNIZED, outcome=Outcome.LEGITIMATE)
    labelled(stage, unclear, outcome=Outcome.UNCLEAR)
    labelled(stage, small, Answer.RECOGNIZED)
    labelled(stage, made(5, bank="other-bank", id=unknown.id), Answer.NOT_RECOGNIZED)
    assert stage.run("--json", "--settings", str(changed)) == 0
    report = told(capsys)
    now = {"true": 2, "false": 2, "unclear": 1, "unlabelled": 0, "precision": "0.50"}
    then = {"true": 2, "false": 3, "unclear": 1, "unlabelled": 1, "precision": "0.40"}
    assert report["rules"]["large_amount"]["alarms"] == {"now": now, "changed": then}
    assert report["flagged"]["alarms"] == {"now": now, "changed": then}
    assert stage.run("--json") == 0
    assert told(capsys)["flagged"]["alarms"] == {"now": now}
    assert stage.run() == 0
    assert "any of them            2      2        1           0       0.50\n" in capsys.readouterr().out


def test_a_transaction_that_two_rules_flag_is_one_alarm_of_both_together(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = made(30, amount=Decimal(5000))
    stage.store(*map(made, range(30)), twice)
    labelled(stage, twice, Answer.NOT_RECOGNIZED)
    assert stage.run("--json") == 0
    report = told(capsys)
    assert [report["rules"][name]["alarms"]["now"]["true"] for name in ("large_amount", "unusual_amount")] == [1, 1]
    assert report["flagged"]["alarms"]["now"]["true"] == 1


def test_of_a_file_nothing_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", str(write(tmp_path / "t.csv.gz", rows(20))), "--json"]) == 0
    assert "alarms" not in json.dumps(told(capsys))


# Which transactions, in which order


def test_transactions_are_judged_as_they_were_recorded_and_not_shard_by_shard(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    # Recorded first of all, it had nothing to be compared with; recorded last, it has.
    stage.store(made(0, id="early", amount=Decimal(1500)), *map(made, range(1, 41)))
    stage.store(made(41, id="late", amount=Decimal(1500)))
    assert stage.run("--json") == 0
    examples = told(capsys)["rules"]["unusual_amount"]["examples"]["flagged"]
    assert [one["id"] for one in examples] == ["late"]


def test_a_range_is_of_the_transactions_own_days_however_late_they_were_recorded(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    large = {"amount": Decimal(5000), "merchant": None}
    day = datetime(2026, 1, 10, tzinfo=UTC)
    stage.store(
        made(0, id="before", at=day - timedelta(microseconds=1), **large),
        made(1, id="first", at=day, **large),
        made(2, id="recorded-ahead", at=day, recorded_at=day - timedelta(minutes=5), **large),
        made(3, id="last", at=day + timedelta(days=2, microseconds=-1), **large),
        made(4, id="recorded-late", at=day, recorded_at=NOW - timedelta(seconds=1), **large),
        made(5, id="after", at=day + timedelta(days=2), **large),
        made(6, bank="other-bank", at=day, **large),
    )
    assert stage.run("--json", "--from", "2026-01-10", "--to", "2026-01-11") == 0
    assert counts(told(capsys)) == {"large_amount": 4}
    assert stage.run("--json", "--from", "2026-01-10") == 0
    assert counts(told(capsys)) == {"large_amount": 5}
    assert stage.run("--json", "--from", "0001-01-01", "--to", "2026-01-09") == 0
    assert counts(told(capsys)) == {"large_amount": 1}


def test_the_last_days_end_with_today(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for days_ago in (0, 1, 2):
        stage.store(made(days_ago, at=NOW - timedelta(days=days_ago, minutes=1), amount=Decimal(5000)))
    for days in (1, 2, 3):
        assert stage.run("--json", "--days", str(days)) == 0
        assert told(capsys)["transactions"] == days


def test_flags_that_were_recorded_are_no_transactions(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    transaction = made(0, amount=Decimal(5000))
    stage.store(transaction)
    flags = FlagRepository(stage.dynamodb, "TransactionsTable")
    flags.record([Flagging(transaction, {"large_amount": {"amount": "5000.00"}}, frozenset(), NOW)])
    assert stage.run("--json") == 0
    report = told(capsys)
    assert (report["transactions"], report["malformed"]) == (1, 0)


@pytest.mark.parametrize(
    "spoilt", [{"amount": {"S": "much"}}, {"timestamp": {"S": "2026-02-30T14:00:00Z"}}, {"merchant": {"S": "a shop"}}]
)
def test_a_malformed_row_is_counted_and_holds_up_no_other(
    stage: Stage, capsys: pytest.CaptureFixture[str], spoilt: dict[str, Any]
) -> None:
    stage.store(made(0), made(1))
    (item, *_) = stage.dynamodb.scan(TableName="TransactionsTable")["Items"]
    stage.dynamodb.put_item(TableName="TransactionsTable", Item={**item, **spoilt})
    assert stage.run() == 0
    assert ": 1 transactions of 1 accounts, 1 judged, 1 malformed rows left out" in capsys.readouterr().out


def test_a_settlement_that_says_what_its_authorization_said_is_not_judged_again(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    large = {"amount": Decimal(5000)}
    stage.store(
        made(0, id="auth", status="authorized", **large),
        made(1, id="same", authorization_id="auth", **large),
        made(2, id="more", authorization_id="auth", amount=Decimal(5001)),
        made(3, id="auth-of-another", account="A2", status="authorized", **large),
        made(4, id="not-its-own", authorization_id="auth-of-another", **large),
        made(5, id="unknown", authorization_id="never-sent", **large),
        made(6, id="declined", status="declined", **large),
    )
    assert stage.run("--json") == 0
    report = told(capsys)
    assert (report["transactions"], report["judged"]) == (7, 5)
    assert counts(report) == {"large_amount": 5}


class Pages:
    """An index of many pages, that counts how many were read."""

    def __init__(self) -> None:
        self.read = 0

    def recorded(
        self, shard: str, after: str | None, until: str, limit: int | None = None, bank: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        self.read += 1
        at = f"2026-01-10T14:00:00.{self.read:06d}Z"
        names = {"bank": "eazycard", "id": f"t{self.read}", "account": "A1", "currency": "EUR", "type": "debit"}
        row = {**names, "amount": Decimal(1), "status": "settled", "timestamp": at, "recorded_key": f"{at}#k"}
        return [row], row["recorded_key"]


def test_no_more_than_a_page_of_each_shard_is_held() -> None:
    pages: Any = Pages()
    judged = recorded(pages, "eazycard", date(2026, 1, 10), date(2026, 1, 10), NOW, lambda: None)
    for number in range(1, 50):
        share, _ = next(judged)
        assert 0 < share < 1
        assert pages.read <= number + 4


def test_of_a_million_transactions_only_the_accounts_histories_are_held() -> None:
    trial = FlagTrial(DEFAULT_THRESHOLDS, None)
    for number in range(3000):
        trial.judge(made(number, id=f"a{number}", status="authorized", account=f"A{number % 3}"))
        trial.judge(made(number, authorization_id=f"a{number}", account=f"A{number % 3}"))
    assert as_json(trial)["transactions"] == 6000
    assert trial.accounts == 3
    assert not trial._purchases


# A file


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows(count: int, **changes: str) -> list[dict[str, str]]:
    usual = {
        "account": "A1",
        "amount": "10.00",
        "type": "debit",
        "timestamp": "1993-01-01T00:00:00Z",
        "currency": "CZK",
    }
    return [{"id": str(number), **usual, **changes} for number in range(count)]


def test_a_file_is_judged_in_its_order_by_the_defaults_and_by_changed_settings(
    tmp_path: Path, changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unusual = {**rows(1)[0], "id": "big", "amount": "600.00", "timestamp": "1993-03-01T00:00:00Z"}
    file = write(tmp_path / "t.csv.gz", [*rows(20), unusual])
    assert main(["--file", str(file), "--settings", str(changed), "--json"]) == 0
    report = told(capsys)
    assert counts(report) == {"unusual_amount": 1, "velocity": 15}
    assert counts(report, "changed") == {"velocity": 15}
    backwards = write(tmp_path / "b.csv.gz", [unusual, *rows(20)])
    assert main(["--file", str(backwards), "--json"]) == 0
    assert "unusual_amount" not in counts(told(capsys))


def test_a_files_transactions_without_a_currency_need_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "t.csv.gz", rows(2, currency="", amount="5000"))
    assert main(["--file", str(file)]) == 1
    assert "transaction 1 has no currency: give one with --currency" in capsys.readouterr().err
    assert main(["--file", str(file), "--currency", "EUR", "--json"]) == 0
    assert counts(told(capsys)) == {"large_amount": 2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": "-5"}, "transaction 1: amount: Must be over 0."),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "transaction 1: timestamp: Must be at most 5 minutes ahead of now."),
        ({"currency": "XXX"}, "transaction 1: currency: Must be an active ISO 4217 code"),
        ({"price": "5"}, "'price' is no field of a transaction."),
    ],
)
def test_a_file_that_is_wrong_is_told_of_with_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], message: str
) -> None:
    file = write(tmp_path / "t.csv.gz", rows(1, **changes))
    assert main(["--file", str(file)]) == 1
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", str(tmp_path / "none.csv")]) == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.skipif(not REAL_DATA.exists(), reason="the file of real transactions is not beside the project")
def test_real_transactions_are_flagged_as_a_naive_count_in_exact_fractions_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "changed.json"
    settings.write_text('{"flags": {"velocity": {"count": 2, "minutes": 60}, "unusual_amount": {"min_count": 10}}}')
    assert main(["--file", str(REAL_DATA), "--settings", str(settings), "--json"]) == 0
    report = told(capsys)
    sums: dict[Any, tuple[int, Fraction, Fraction]] = defaultdict(lambda: (0, Fraction(0), Fraction(0)))
    times: dict[str, list[datetime]] = defaultdict(list)
    naive: Counter[str] = Counter()
    with gzip.open(REAL_DATA, "rt", newline="") as file:
        for row in csv.DictReader(file):
            key, amount = (row["account"], row["type"]), Fraction(row["amount"])
            count, total, squares = sums[key]
            for name, least in (("now", 20), ("changed", 10)):
                if count >= least and amount > 3 * total / count:
                    variance = (squares - total * total / count) / (count - 1)
                    naive[name] += (amount - total / count) ** 2 > 9 * variance
            sums[key] = count + 1, total + amount, squares + amount * amount
            at = datetime.fromisoformat(row["timestamp"])
            hour = [one for one in times[row["account"]] if at - timedelta(hours=1) < one <= at]
            naive["fast"] += len(hour) + 1 > 2
            times[row["account"]] = [*hour, at]
    rules = report["rules"]
    assert report["transactions"] == 30_000
    assert (rules["unusual_amount"]["now"], rules["unusual_amount"]["changed"]) == (naive["now"], naive["changed"])
    assert (rules["velocity"]["now"], rules["velocity"]["changed"]) == (0, naive["fast"])
    assert naive["now"] > 0
    assert naive["fast"] > 0


# What can go wrong


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"flags": {"velocity": {"count": 0}}}', "flags.velocity.count: Must be a whole number from 1 to 15."),
        (
            b'{"flags": {"theft": {}}, "alert_addresses": ["x"]}',
            "flags.theft: Unknown field.; alert_addresses.0: Must be an e-mail address.",
        ),
        (b"{", "The body is not valid JSON"),
        (b"[]", "The body must be a JSON object, not a list."),
    ],
)
def test_a_settings_file_that_is_wrong_names_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    file = tmp_path / "changed.json"
    file.write_bytes(content)
    assert main(["--file", str(tmp_path / "t.csv"), "--settings", str(file)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"settings trial: {file}: ")
    assert message in error


def test_a_settings_file_that_is_not_there_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", str(tmp_path / "t.csv"), "--settings", str(tmp_path / "none.json")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_the_suggested_settings_of_the_documentation_are_settings() -> None:
    suggested = settings_in(PROJECT_DIR / "docs" / "suggested-settings.json")
    assert suggested.velocity_count < DEFAULT_THRESHOLDS.velocity_count
    assert suggested != DEFAULT_THRESHOLDS


def test_an_unknown_bank_is_told_of(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "prod", "--region", "us-east-2", "--bank", "nobank", "--days", "1"]) == 1
    assert capsys.readouterr().err.startswith("settings trial: there is no bank nobank. ")


def test_an_empty_range_is_told_of(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.store(made(0))
    assert stage.run("--from", "2026-01-20", "--to", "2026-01-21") == 1
    message = "settings trial: there are no transactions in eazycard, 2026-01-20 to 2026-01-21 (UTC).\n"
    assert message in capsys.readouterr().err


def test_a_stage_that_is_not_provisioned_is_told_of(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "dev", "--region", "us-east-2", "--bank", "eazycard", "--days", "1"]) == 1
    assert "settings trial: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--bank", "eazycard"],
        ["--bank", "eazycard", "--days", "0"],
        ["--bank", "eazycard", "--days", "367"],
        ["--bank", "eazycard", "--days", "7", "--from", "2026-01-01"],
        ["--bank", "eazycard", "--days", "7", "--to", "2026-01-01"],
        ["--bank", "eazycard", "--to", "2026-01-01"],
        ["--bank", "eazycard", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["--bank", "eazycard", "--from", "yesterday"],
        ["--bank", "eazycard", "--days", "7", "--currency", "EUR"],
        ["--bank", "eazycard", "--file", "t.csv"],
        ["--file", "t.csv", "--days", "7"],
        ["--file", "t.csv", "--to", "2026-01-01"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, lambda: NOW)
    assert ended.value.code == 2


@pytest.mark.parametrize("name", ["two-accounts.sta", "camt053-v08.xml", "camt054-v08.xml"])
def test_a_statement_file_of_a_bank_is_judged_like_a_file_of_transactions(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(__file__).parents[1] / "data" / name
    assert main(["--file", str(file), "--currency", "EUR", "--json"]) == 0
    judged = json.loads(capsys.readouterr().out)
    assert judged["transactions"] == len((file.parent / f"{name}.jsonl").read_text().splitlines())
