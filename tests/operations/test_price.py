"""The price of a day's transactions: by hand for one line, the same as in the documentation, and refused nonsense."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from operations import price
from operations.price import FIXED_USD, QUIET_PER_DAY, lines, main, objects_per_day, printed, secrets_usd, table

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"
BUSY = Decimal(1_000_000)
QUIET = Decimal(1_000)


def rows() -> dict[str, list[str]]:
    """Return the cells of the document's first table by the name of the line."""
    found = [row for row in SCALING.read_text("utf-8").splitlines() if row.startswith("| ")]
    return {cells[1]: cells for cells in ([cell.strip() for cell in row.split("|")] for row in found)}


@pytest.mark.parametrize("per_day", [1_000, 1_000_000, 100_000_000])
def test_the_documentation_has_what_the_command_prints(per_day: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--per-day", str(per_day), "--holders", "1.3"]) == 0
    assert f"```\n{capsys.readouterr().out}```" in SCALING.read_text("utf-8")


def test_the_documentation_has_the_price_of_what_is_posted_in_batches() -> None:
    beside_ses = []
    for holders in ("1.3", "1"):
        beside_ses.append(dict(table(Decimal(100_000_000), Decimal(holders), 100))["sum without SES"] / 3_000)
    assert "cost {:.2f} USD a million beside SES, and {:.2f} USD with".format(*beside_ses) in SCALING.read_text("utf-8")


def test_the_documentation_has_what_a_hundred_banks_cost_of_their_own() -> None:
    rows = dict(table(BUSY, Decimal("1.3"), 1, banks=100))
    both = rows["S3, writes to the archive"] + rows["Secrets Manager, banks' secrets"]
    assert f"cost {both:.2f} USD a month for both" in SCALING.read_text("utf-8")


def test_the_documentation_has_every_lines_units_and_price() -> None:
    for busy, quiet in zip(lines(BUSY), lines(QUIET), strict=True):
        cells = rows()[busy.name]
        values = (busy.a_transaction, busy.an_email, quiet.a_transaction, quiet.an_email, busy.usd_a_million)
        assert [Decimal(cell.replace(",", "")) for cell in cells[2:7]] == list(values), busy.name


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Units that are easy to follow, in the place of those that were counted."""

    def run(times: int) -> dict[str, Any]:
        return {
            "calls": {
                "bank apigateway": {"calls": times},
                "api_handler dynamodb": {"calls": times, "write_units": 4.0 * times},
                "transaction_stream dynamodb": {"write_units": 0.5 * times},
                "mailer dynamodb": {"write_units": 3.0 * times},
                "root sns": {"calls": 1},
                "mailer sqs": {"calls": 0.5 * times},
            },
            "functions": {"mailer": {"invocations": 0.25 * times, "gb_s": 0.01 * times, "log_bytes": 100.0 * times}},
        }

    found = {"runs": {"alone": run(2), "full": run(1)}}
    path = tmp_path / "units.json"
    path.write_text(json.dumps(found))
    monkeypatch.setattr(price, "UNITS", path)
    return found


def units(per_day: Decimal, batch: int = 1) -> dict[str, tuple[Decimal, Decimal]]:
    return {line.name: (line.a_transaction, line.an_email) for line in lines(per_day, batch)}


@pytest.mark.usefixtures("counted")
def test_units_are_of_the_post_of_what_follows_and_of_the_e_mail() -> None:
    busy = units(BUSY)
    assert busy["DynamoDB, write units"] == (Decimal("8.5"), 3), "posted alone, and then in full batches"
    assert busy["SQS, requests with their group"] == (0, Decimal("1.5")), "with SNS's own"
    assert busy["CloudWatch, GB of logs"] == (0, Decimal("1E-7"))
    assert busy["SES, e-mails"] == (0, 1)
    assert units(BUSY, batch=100)["DynamoDB, write units"] == (Decimal("4.5"), 3)
    assert units(QUIET)["DynamoDB, write units"] == (9, 6)


@pytest.mark.usefixtures("counted")
def test_a_day_without_e_mails_and_with_them_by_hand() -> None:
    one = dict(table(BUSY, Decimal(1), 1))
    assert one["SES, e-mails"] == 3_000
    assert one["DynamoDB, write units"] == Decimal("11.5") * 30 * Decimal("0.625")
    assert one["a stage by itself"] == FIXED_USD
    assert one["sum"] == sum(usd for name, usd in one.items() if not name.startswith("sum"))
    assert one["sum without SES"] == one["sum"] - 3_000


@pytest.mark.usefixtures("counted")
def test_one_transaction_a_second_is_the_end_of_quiet() -> None:
    assert units(Decimal(QUIET_PER_DAY)) == units(QUIET)
    assert units(Decimal(QUIET_PER_DAY) + 1) == units(BUSY)


def test_batches_save_requests() -> None:
    alone, batched = (dict(table(Decimal(500_000), Decimal(2), batch)) for batch in (1, 100))
    assert batched["API Gateway, requests"] * 100 == alone["API Gateway, requests"]
    assert all(batched[name] <= alone[name] for name in alone)


@pytest.mark.parametrize(
    ("per_day", "banks", "objects"),
    [
        (100, 1, 100),  # each goes through alone
        (1_000_000, 1, 4 * 288),  # a window of each of the first four shards
        (1_000_000, 100, 4 * 288 * 100),
        (100_000, 1_000, 100_000),
        (432_000_000, 1, 432_000_000 / 4_000),  # 5,000 a second, in full batches
        (432_000_000, 10, 432_000_000 / 400),
    ],
)
def test_the_archive_has_an_object_of_each_bank_in_a_batch(per_day: int, banks: int, objects: int) -> None:
    assert objects_per_day(Decimal(per_day), banks) == objects


def test_a_bank_s_secret_is_read_every_minute_by_each_copy_of_a_function() -> None:
    one_copy, reads = Decimal(1_000_000), 1_440 * 30
    assert secrets_usd(one_copy, 1) == Decimal("0.40") + reads * Decimal("0.000005")
    assert secrets_usd(Decimal(86_400) * 1_000, 7) == 7 * (Decimal("0.40") + 50 * reads * Decimal("0.000005"))


def test_banks_cost_what_they_have_of_their_own() -> None:
    one, many = (dict(table(BUSY, Decimal(1), 1, banks)) for banks in (1, 100))
    assert many["Secrets Manager, banks' secrets"] == 100 * one["Secrets Manager, banks' secrets"]
    assert many["S3, writes to the archive"] == 100 * one["S3, writes to the archive"]
    assert many["DynamoDB, write units"] == one["DynamoDB, write units"]


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "many", "1e13"])
def test_what_is_no_number_over_0_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--per-day={wrong}"])
    assert "must be a number over 0" in capsys.readouterr().err


def test_the_columns_are_in_line() -> None:
    assert len({len(line) for line in printed(Decimal(10**9), Decimal(20), 1).splitlines()}) == 1
