"""What a day needs in each second, by hand; what there is without asking is what the templates set."""

import json
from decimal import Decimal

import pytest

from operations.needs import THERE_IS, needs, printed
from operations.units import lines
from tests.samples import PROJECT_DIR

A_THOUSAND_A_SECOND = Decimal(86_400_000)


def by_name(per_day: Decimal, holders: str = "1", batch: int = 1) -> dict[str, tuple[Decimal, Decimal]]:
    return {one.name: (one.average, one.peak) for one in needs(per_day, Decimal(holders), batch)}


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


def test_what_there_is_without_asking_is_what_the_templates_set() -> None:
    app = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    of_all = app["Resources"]["RestAPI"]["Properties"]["MethodSettings"][0]
    assert THERE_IS["requests a second"].startswith(f"{of_all['ThrottlingRateLimit']:,} by infra/app.json")
    data = (PROJECT_DIR / "infra" / "data.yaml").read_text()
    parameter = data[data.index("  RecordedShards:\n") :]
    assert "Default: 4\n    MinValue: 4\n    MaxValue: 64" in parameter[:120]
    assert THERE_IS["RecordedShards"] == "4, up to 64"


@pytest.mark.parametrize("per_day", ["1", "1e12"])
def test_the_columns_are_in_line(per_day: str) -> None:
    header, *rows = printed(Decimal(per_day), Decimal(20)).splitlines()
    assert all(row.startswith(f"{name:26}") for row, name in zip(rows, THERE_IS, strict=True))
    place = header.index("there is")
    assert all(row[place - 1] == " " for row in rows)
    assert all(row[place:] == there_is for row, there_is in zip(rows, THERE_IS.values(), strict=True))
