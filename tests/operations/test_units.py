"""What a transaction uses at a rate: by hand of figures that are easy to follow, and by the triggers of app.py."""

import ast
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from operations import units as module
from operations.price import table
from operations.price_stage import usd_a_month
from operations.units import LOOK_S, TRIGGERS, found_by, lines, objects_per_day

PROJECT = Path(__file__).parents[2]
# As few as never come together, and so many that each call is of what it takes at most.
QUIET, FULL = Decimal("0.001"), Decimal(10**12)


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Units that are easy to follow, in the place of those that were counted."""

    def run(times: int, invocations: float) -> dict[str, Any]:
        return {
            "calls": {
                "bank apigateway": {"calls": times},
                "api_handler dynamodb": {"calls": times, "write_units": 4.0 * times},
                "transaction_stream dynamodb": {"write_units": 0.5 * times},
                "mailer dynamodb": {"write_units": 3.0 * times},
                "root sns": {"calls": 1},
                "mailer sqs": {"calls": 0.5 * times},
            },
            "functions": {
                "transaction_stream": {"invocations": invocations},
                "mailer": {"invocations": invocations, "gb_s": 0.01 * times, "log_bytes": 100.0 * times},
            },
        }

    found = {"runs": {"alone": run(2, 1.0), "full": run(1, 0.01)}}
    path = tmp_path / "units.json"
    path.write_text(json.dumps(found))
    monkeypatch.setattr(module, "UNITS", path)
    return found


def units(per_day: Decimal, batch: int = 1) -> dict[str, tuple[Decimal, Decimal]]:
    return {line.name: (line.a_transaction, line.an_email) for line in lines(per_day, batch)}


@pytest.mark.usefixtures("counted")
def test_units_are_of_the_post_of_what_follows_and_of_the_e_mail() -> None:
    full = units(FULL)
    assert full["DynamoDB, write units"] == (Decimal("8.5"), 3), "posted alone, and then in full batches"
    assert full["SQS, requests with their group"] == (0, Decimal("1.5")), "with SNS's own"
    assert full["CloudWatch, GB of logs"] == (Decimal("2.5E-7"), Decimal("1E-7")), "with the line in the access log"
    assert full["SES, e-mails"] == (0, 1)
    assert units(FULL, batch=100)["DynamoDB, write units"] == (Decimal("4.5"), 3)
    assert units(QUIET)["DynamoDB, write units"] == (9, 6)


@pytest.mark.usefixtures("counted")
def test_what_a_call_costs_by_itself_is_shared_by_what_comes_meanwhile() -> None:
    # 1.5936 come to each of four shards between two looks, on average; e^-1.5936 of the looks find none.
    per_day = Decimal("1.5936242600400397") * 4 * 4 * 86_400
    assert float(found_by("mailer", per_day)) == pytest.approx(2)
    # A call of one costs 6, one of a hundred 300: 2.97 for each, and 3.03 for the call.
    assert units(per_day)["DynamoDB, write units"][1] == Decimal("4.48"), "2.97 and a half of 3.03"
    assert units(per_day)["Lambda, invocations"][1] == Decimal("0.5")


@pytest.mark.parametrize(
    ("function", "per_day", "holders", "found"),
    [
        ("mailer", "0.001", "1", 1),
        ("transaction_stream", "1e10", "1", 100),  # its batch
        ("transaction_stream", "138240000", "1", 100),
        ("transaction_stream", "69120000", "1", 50),  # 800 a second: the chance that a look finds none is nothing
        ("archiver", "86400", "1", 76),  # the first one, and what 300 seconds bring to one of four shards
        ("feedback", "864000", "0.5", 6),  # five e-mails a second for five readers, and the first one
        ("feedback", "864000", "2", 21),
        ("transaction_stream", "864000", "2", 1.34),  # 10 a second, whoever is told of them
    ],
)
def test_what_a_function_finds_at_a_rate(function: str, per_day: str, holders: str, found: float) -> None:
    assert float(found_by(function, Decimal(per_day), Decimal(holders))) == pytest.approx(found, rel=0.01)


@pytest.mark.usefixtures("counted")
def test_a_day_without_e_mails_and_with_them_by_hand() -> None:
    one = dict(table(FULL, Decimal(1), 1))
    assert one["SES, e-mails"] == FULL * 30 / 10_000
    assert one["DynamoDB, write units"] == Decimal("11.5") * FULL * 30 * Decimal("0.000000625")
    assert one["a stage by itself"] == usd_a_month()
    assert one["sum"] == sum(usd for name, usd in one.items() if not name.startswith("sum"))
    assert one["sum without SES"] == one["sum"] - one["SES, e-mails"]


def test_the_more_there_are_the_less_each_costs() -> None:
    of_each = [
        dict(table(Decimal(10**power), Decimal("1.3"), 1))["sum without SES"] / 10**power for power in range(2, 10)
    ]
    assert of_each == sorted(of_each, reverse=True)


def test_functions_find_what_their_triggers_in_app_py_let_them_find() -> None:
    declared = {}
    for function in ast.parse((PROJECT / "app.py").read_text()).body:
        for one in getattr(function, "decorator_list", []):
            named = {given.arg: getattr(given.value, "value", 0) for given in getattr(one, "keywords", [])}
            if "batch_size" in named:
                window = Decimal(named.get("maximum_batching_window_in_seconds", 0))
                declared[function.name] = (max(window, LOOK_S), named["batch_size"])  # type: ignore[attr-defined]
    for name in ("transaction_stream", "archiver", "feedback", "webhook_feeder"):
        trigger = TRIGGERS[name]
        assert (trigger.window_s, trigger.at_most) == declared[name], name
    for name in ("mailer", "alert_mailer"):  # a message has many e-mails: they come as the stream handler found them
        assert TRIGGERS[name] == TRIGGERS["transaction_stream"]


@pytest.mark.parametrize(
    ("per_day", "banks", "objects"),
    [
        (100, 1_000, 100),  # each goes through alone
        (86_400 * 4, 1, 86_400 * 4 / 301),  # with the first one of each window in each of the first four shards
        (86_400 * 4, 100, 86_400 * 4 / 3.01),
        (432_000_000, 1, 432_000_000 / 4_000),  # 5,000 a second, in full batches
        (432_000_000, 10, 432_000_000 / 400),
    ],
)
def test_the_archive_has_an_object_of_each_bank_in_a_batch(per_day: int, banks: int, objects: float) -> None:
    assert float(objects_per_day(Decimal(per_day), banks)) == pytest.approx(objects)


def test_a_line_of_the_access_log_is_as_long_as_it_is_priced() -> None:
    app = json.loads((PROJECT / "infra" / "app.json").read_text())
    values = {
        "requestId": "5a0c1a1e-2b0f-4f53-9d3e-6b1f4f3f6a55",
        "requestTimeEpoch": "1796000000000",
        "httpMethod": "POST",
        "resourcePath": "/transactions",
        "status": "201",
        "responseLatency": "35",
        "identity.apiKeyId": "abcdefghij",
        "error.responseType": "-",
    }
    line = str(app["Resources"]["RestAPI"]["Properties"]["AccessLogSetting"]["Format"])
    for name, value in values.items():
        line = line.replace(f"$context.{name}", value)
    assert "$" not in line
    assert 0 <= module.ACCESS_LOG_LINE - (len(line) + 26) < 40, "CloudWatch counts 26 bytes more for each line"
