"""What a day needs in each second, by hand; what there is without asking is what the templates set."""

import json
from decimal import Decimal

import pytest

from operations.needs import IN_A_STEADY_STAGE, THERE_IS, needs, printed
from operations.units import lines
from tests.samples import PROJECT_DIR
from tests.tables import template

A_THOUSAND_A_SECOND = Decimal(86_400_000)


def by_name(
    per_day: Decimal, holders: str = "1", batch: int = 1, percent: int | None = None
) -> dict[str, tuple[Decimal, Decimal]]:
    return {one.name: (one.average, one.peak) for one in needs(per_day, Decimal(holders), batch, percent)}


def test_a_thousand_a_second_by_hand() -> None:
    found = by_name(A_THOUSAND_A_SECOND, holders="1.5", batch=10)
    assert found["requests a second"] == (100, 2_000)
    assert found["e-mails a second"] == (1_500, 30_000)
    assert found["RecordedShards"] == (4, 20)


def test_units_and_seconds_are_those_of_the_rate() -> None:
    found = by_name(A_THOUSAND_A_SECOND)
    for times, place in ((1, 0), (20, 1)):
        at_rate = {line.name: line.a_transaction + line.an_email for line in lines(A_THOUSAND_A_SECOND * times)}
        assert found["write units a second"][place] == at_rate["DynamoDB, write units"] * 1_000 * times
        seconds = at_rate["Lambda, GB-seconds"] * 1_000 * times
        assert found["functions side by side"][place] == seconds / Decimal("0.5"), "each has half a GB"


def test_the_number_to_set_is_the_rate_by_the_use_of_the_capacity() -> None:
    assert "SteadyTransactions" not in by_name(A_THOUSAND_A_SECOND)
    assert by_name(A_THOUSAND_A_SECOND, percent=50)["SteadyTransactions"] == (2_000, 40_000)
    assert by_name(A_THOUSAND_A_SECOND, percent=70)["SteadyTransactions"] == (1_429, 28_572), "rounded up"
    assert by_name(A_THOUSAND_A_SECOND, percent=70).keys() - by_name(A_THOUSAND_A_SECOND) == {"SteadyTransactions"}


def test_an_account_s_capacity_is_for_as_many_transactions_as_there_are_tables_and_indexes_to_share_it() -> None:
    writes = [one for one in template()["Resources"].values() if "WriteCapacityUnits" in json.dumps(one)]
    assert IN_A_STEADY_STAGE["SteadyTransactions"].startswith(f"0, up to {80_000 // len(writes):,} by account")


def test_what_there_is_without_asking_is_what_the_templates_set() -> None:
    app = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    of_all = app["Resources"]["RestAPI"]["Properties"]["MethodSettings"][0]
    assert THERE_IS["requests a second"].startswith(f"{of_all['ThrottlingRateLimit']:,} by infra/app.json")
    data = (PROJECT_DIR / "infra" / "data.yaml").read_text()
    parameter = data[data.index("  RecordedShards:\n") :]
    assert "Default: 4\n    MinValue: 4\n    MaxValue: 64" in parameter[:120]
    assert THERE_IS["RecordedShards"] == "4, up to 64"


@pytest.mark.parametrize(
    ("percent", "there_are"), [(None, THERE_IS), (70, THERE_IS | IN_A_STEADY_STAGE)], ids=["on demand", "steady"]
)
@pytest.mark.parametrize("per_day", ["1", "1e12"])
def test_the_columns_are_in_line(per_day: str, percent: int | None, there_are: dict[str, str]) -> None:
    header, *rows = printed(Decimal(per_day), Decimal(20), percent=percent).splitlines()
    assert all(row.startswith(f"{name:26}") for row, name in zip(rows, there_are, strict=True))
    place = header.index("there is")
    assert all(row[place - 1] == " " for row in rows)
    assert all(row[place:] == there_is for row, there_is in zip(rows, there_are.values(), strict=True))
