"""The price of a day's transactions: by hand for one line, the same as in the documentation, and refused nonsense."""

from decimal import Decimal
from pathlib import Path

import pytest

from operations.price import FIXED_USD, LINES, main, printed, table

SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"


@pytest.mark.parametrize("per_day", [1_000, 1_000_000, 100_000_000])
def test_the_documentation_has_what_the_command_prints(per_day: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--per-day", str(per_day), "--holders", "1.3"]) == 0
    assert f"```\n{capsys.readouterr().out}```" in SCALING.read_text("utf-8")


def test_the_documentation_has_every_lines_units_and_price() -> None:
    rows = {row.split("|")[1].strip(): row for row in SCALING.read_text("utf-8").splitlines() if row.startswith("| ")}
    for line in LINES:
        (row,) = (found for name, found in rows.items() if name.startswith(line.name))
        _, _, transaction, email, _, price, *_ = (cell.strip() for cell in row.split("|"))
        for cell, value in ((transaction, line.a_transaction), (email, line.an_email), (price, line.usd_a_million)):
            number = cell.replace(",", "").split(":")[0].split(" ")[0]
            assert Decimal(number) == value, (line.name, cell)


def test_a_day_without_e_mails_and_with_them_by_hand() -> None:
    one = dict(table(Decimal(1_000_000), Decimal(1), 1))
    assert one["SES, e-mails"] == 3_000
    assert one["DynamoDB, write units"] == Decimal("9.45") * 30 * Decimal("0.625")
    assert one["sum"] == sum(usd for name, usd in one.items() if not name.startswith("sum"))
    assert one["sum without SES"] == one["sum"] - 3_000


def test_batches_save_requests_and_nothing_else() -> None:
    alone, batched = (dict(table(Decimal(500_000), Decimal(2), batch)) for batch in (1, 100))
    differing = {name for name in alone if alone[name] != batched[name]} - {"sum", "sum without SES"}
    assert differing == {"API Gateway, requests"}
    assert batched["API Gateway, requests"] * 100 == alone["API Gateway, requests"]
    assert alone["a stage by itself"] == FIXED_USD


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "many", "1e13"])
def test_what_is_no_number_over_0_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--per-day={wrong}"])
    assert "must be a number over 0" in capsys.readouterr().err


def test_the_columns_are_in_line() -> None:
    assert len({len(line) for line in printed(Decimal(10**9), Decimal(20), 1).splitlines()}) == 1
