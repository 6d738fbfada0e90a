"""The price of a day's transactions: the same as in the documentation, and refused nonsense."""

from decimal import Decimal
from pathlib import Path

import pytest

from operations.price import main, printed, secrets_usd, table
from operations.price_stage import OF_A_STAGE, usd_a_month
from operations.units import lines

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"
BUSY = Decimal(1_000_000)


def rows() -> dict[str, list[str]]:
    """Return the cells of the document's first table by the name of the line."""
    found = [row for row in SCALING.read_text("utf-8").splitlines() if row.startswith("| ")]
    return {cells[1]: cells for cells in ([cell.strip() for cell in row.split("|")] for row in found)}


def beside_ses(per_day: int, batch: int, holders: str = "1", percent: int | None = None) -> Decimal:
    """Return the USD for a million transactions."""
    found = dict(table(Decimal(per_day), Decimal(holders), batch, percent=percent))["sum without SES"]
    return found / (per_day * 30) * 10**6


@pytest.mark.parametrize(
    ("per_day", "options"), [(1_000, []), (1_000_000, []), (100_000_000, []), (100_000_000, ["--steady"])]
)
def test_the_documentation_has_what_the_command_prints(
    per_day: int, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--per-day", str(per_day), "--holders", "1.3", *options]) == 0
    assert f"```\n{capsys.readouterr().out}```" in SCALING.read_text("utf-8")


def test_the_documentation_has_the_price_of_what_is_posted_in_batches() -> None:
    found = [beside_ses(100_000_000, 100, holders, percent) for percent in (None, 70) for holders in ("1.3", "1")]
    said = (
        "cost {:.2f} USD a million beside SES, and {:.2f} USD with one holder of each account. "
        "In the next section's stage they cost {:.2f} and {:.2f}."
    )
    assert said.format(*found) in SCALING.read_text("utf-8")


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        (
            None,
            "at a hundred million a day they are {:.2f} and {:.2f} with one holder, at a million {:.2f} and {:.2f}.",
        ),
        (70, "(`--steady`) at a hundred million a day they are {:.2f} and {:.2f}, at a million {:.2f} and {:.2f}."),
    ],
)
def test_the_documentation_compares_with_what_was_wanted(percent: int | None, said: str) -> None:
    found = [beside_ses(per_day, batch, percent=percent) for per_day in (100_000_000, 1_000_000) for batch in (1, 100)]
    assert said.format(*found) in SCALING.read_text("utf-8")


@pytest.mark.parametrize(
    ("said", "per_day", "holders", "percent"),
    [
        ("from about twenty million a day on ({:.2f} and {:.2f})", 20_000_000, "1", 70),
        ("45 % of the capacity must be used on average, nights included ({:.2f} and {:.2f})", 100_000_000, "1", 45),
        ("With 1.3 they are {:.2f} and {:.2f} at a hundred million", 100_000_000, "1.3", 70),
        ("both are reached from about forty million a day on", 40_000_000, "1.3", 70),
    ],
)
def test_what_was_wanted_is_reached_on_the_documented_conditions_and_not_far_below_them(
    said: str, per_day: int, holders: str, percent: int
) -> None:
    found = [beside_ses(per_day, batch, holders, percent) for batch in (1, 100)]
    assert said.format(*found) in SCALING.read_text("utf-8")
    assert found[0] <= 8
    assert found[1] <= 5
    if per_day < 100_000_000:
        assert beside_ses(per_day * 8 // 10, 1, holders, percent) > 8
    elif percent < 70:
        assert beside_ses(per_day, 1, holders, percent - 1) > 8


def test_a_third_of_the_use_is_dearer_than_on_demand() -> None:
    on_demand = beside_ses(100_000_000, 1)
    assert beside_ses(100_000_000, 1, percent=25) > on_demand > beside_ses(100_000_000, 1, percent=35)


def test_the_documentation_has_what_a_hundred_banks_cost_of_their_own() -> None:
    rows = dict(table(BUSY, Decimal("1.3"), 1, banks=100))
    both = rows["S3, writes to the archive"] + rows["Secrets Manager, banks' secrets"]
    assert f"cost {both:.2f} USD a month for both" in SCALING.read_text("utf-8")


def test_the_documentation_has_what_a_stage_costs_by_itself() -> None:
    for one in OF_A_STAGE:
        assert rows()[one.name][2:5] == [str(one.number), f"{one.usd:.2f}", one.source]
    assert f"`a stage by itself` ({usd_a_month():.2f} USD)" in SCALING.read_text("utf-8")


def test_the_documentation_has_every_lines_units_and_price() -> None:
    by_load = [lines(Decimal(per_day)) for per_day in (1_000, 1_000_000, 100_000_000)]
    for at_load in zip(*by_load, strict=True):
        cells = rows()[at_load[0].name]
        units = [unit for line in at_load for unit in (line.a_transaction, line.an_email)]
        values = (*units, at_load[0].usd_a_million)
        assert [Decimal(cell.replace(",", "")) for cell in cells[2:9]] == list(values), at_load[0].name


def test_batches_save_requests() -> None:
    alone, batched = (dict(table(Decimal(500_000), Decimal(2), batch)) for batch in (1, 100))
    assert batched["API Gateway, requests"] * 100 == alone["API Gateway, requests"]
    assert all(batched[name] <= alone[name] for name in alone)


def requests_usd(requests: Decimal) -> Decimal:
    """Return what API Gateway takes for so many requests in a month."""
    (one,) = [line for line in lines(BUSY) if line.name == "API Gateway, requests"]
    return one.usd(requests, Decimal(0))


@pytest.mark.parametrize(
    ("millions", "usd"),
    [
        ("0.001", "0.0035"),
        ("333", "1165.5"),
        ("334", "1168.3"),
        ("1000", "3033.1"),
        ("3000", "7793.1"),  # a hundred million a day, posted one by one
        ("20000", "48253.1"),
        ("20001", "48254.61"),
    ],
)
def test_requests_cost_less_each_the_more_there_are_in_a_month(millions: str, usd: str) -> None:
    assert requests_usd(Decimal(millions) * 10**6) == Decimal(usd)


def test_a_month_s_requests_are_priced_together() -> None:
    assert dict(table(Decimal(10**8), Decimal(2), 1))["API Gateway, requests"] == requests_usd(Decimal(3 * 10**9))
    (first,) = [line for line in lines(BUSY) if line.name == "API Gateway, requests"]
    assert requests_usd(Decimal(10**6)) == first.usd_a_million


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


@pytest.mark.parametrize("wrong", ["0", "501", "-1", "many", "1.5"])
def test_a_batch_that_no_request_takes_is_refused_with_the_bound(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--per-day=1000", f"--batch={wrong}"])
    assert ended.value.code == 2
    assert "must be from 1 to 500" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "101", "-1", "half"])
def test_a_use_that_no_capacity_has_is_refused_with_the_bound(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--per-day=1000", f"--steady={wrong}"])
    assert ended.value.code == 2
    assert "must be from 1 to 100 percent" in capsys.readouterr().err


@pytest.mark.parametrize("percent", [None, 1])
def test_the_columns_are_in_line(percent: int | None) -> None:
    assert len({len(line) for line in printed(Decimal(10**9), Decimal(20), 1, percent=percent).splitlines()}) == 1
