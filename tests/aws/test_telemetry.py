"""Metrics: lines in CloudWatch's embedded metric format, one for each count."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.aws.telemetry import SECONDS, about, count, logger, measured, note, of_request, without_account


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_count_is_one_line_of_the_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    count("TransactionsCreated", 3)
    (line,) = lines(capsys)
    assert (
        line.pop("_aws").items()
        >= {
            "CloudWatchMetrics": [
                {
                    "Namespace": "TransactionNotifier",
                    "Dimensions": [["stage"]],
                    "Metrics": [{"Name": "TransactionsCreated", "Unit": "Count"}],
                }
            ]
        }.items()
    )
    assert line == {"service": "transaction-notifier", "stage": "test", "TransactionsCreated": [3.0]}


def test_nothing_is_left_over_for_the_next_count(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("A", "B", "A"):
        count(name)
    assert [
        {name: line[name] for name in line if name not in ("_aws", "service", "stage")} for line in lines(capsys)
    ] == [
        {"A": [1.0]},
        {"B": [1.0]},
        {"A": [1.0]},
    ]


def test_nothing_is_written_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    count("TransactionsCreated", 0)
    assert lines(capsys) == []


@pytest.fixture
def _hurry() -> Iterator[None]:
    """Let threads take turns so often that they meet in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_hurry")
def test_counts_of_many_threads_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, ["Counted"] * 500, range(1, 501)))
    assert sorted(value for line in lines(capsys) for value in line["Counted"]) == list(range(1, 501))


def test_what_is_logged_and_counted_of_a_request_names_its_id_and_nothing_after_it_does(logged: Any) -> None:
    with of_request("request-1"):
        logger.info("inside")
        count("Inside")
    logger.info("after")
    count("After")
    written = [json.loads(line) for line in logged().splitlines() if line.startswith('{"')]
    ids = [(line.get("message") or "After", line.get("Inside"), line.get("request_id")) for line in written]
    assert sorted(ids, key=str) == [
        ("After", None, None),
        ("after", None, None),
        ("inside", None, "request-1"),
        ("request", [1], "request-1"),
    ]


def test_requests_at_the_same_time_keep_their_own_ids(capsys: pytest.CaptureFixture[str]) -> None:
    def counted(number: int) -> None:
        with of_request(f"request-{number}"):
            count("Counted", number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(counted, range(1, 201)))
    assert all(line["request_id"] == f"request-{line['Counted'][0]:.0f}" for line in lines(capsys))


def metrics_of(line: dict[str, Any]) -> list[tuple[list[list[str]], dict[str, str]]]:
    directives = line["_aws"]["CloudWatchMetrics"]
    assert all(one["Namespace"] == "TransactionNotifier" for one in directives)
    return [(one["Dimensions"], {each["Name"]: each["Unit"] for each in one["Metrics"]}) for one in directives]


def test_a_request_is_one_line_with_its_counts_and_what_was_noted(capsys: pytest.CaptureFixture[str]) -> None:
    with of_request("request-1"):
        note(bank="eazycard", transactions=about([("eazycard", "1")]))
        for _ in range(2):
            count("TransactionsCreated")
        note(method="POST", route="/transactions", status=201)
    note(bank="nobody's")
    (line,) = lines(capsys)
    assert metrics_of(line) == [([["stage"]], {"TransactionsCreated": "Count", "RequestTime": "Milliseconds"})]
    assert line.pop("_aws")["Timestamp"] > 0
    (took_ms,) = line.pop("RequestTime")
    assert 0 <= took_ms < 60_000
    assert line == {
        "service": "transaction-notifier",
        "stage": "test",
        "message": "request",
        "request_id": "request-1",
        "bank": "eazycard",
        "transactions": ["eazycard#1"],
        "method": "POST",
        "route": "/transactions",
        "status": 201,
        "TransactionsCreated": [2],
    }


def test_a_refusal_is_counted_by_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with of_request("request-1"):
        note(code="transaction_conflict")
    (line,) = lines(capsys)
    assert metrics_of(line)[1] == ([["stage", "code"]], {"Refused": "Count"})
    assert (line["code"], line["Refused"]) == ("transaction_conflict", [1])


def test_a_request_that_breaks_off_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), of_request("request-1"):
        raise KeyError
    count("After")
    request, after = lines(capsys)
    assert request["request_id"] == "request-1"
    assert "request_id" not in after


def test_durations_are_measured_by_themselves_and_by_kind_a_hundred_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured("PostToAccepted", SECONDS, map(float, range(150)), kind="debit")
    first, second = lines(capsys)
    expected = {"PostToAccepted": "Seconds"}
    assert metrics_of(first) == [([["stage"]], expected), ([["stage", "kind"]], expected)]
    assert (len(first["PostToAccepted"]), len(second["PostToAccepted"]), first["kind"]) == (100, 50, "debit")
    measured("AcceptedToDelivered", SECONDS, [1.5])
    measured("AcceptedToDelivered", SECONDS, [])
    (line,) = lines(capsys)
    assert metrics_of(line) == [([["stage"]], {"AcceptedToDelivered": "Seconds"})]


def test_transactions_are_named_once_and_nothing_that_has_an_account_s_number() -> None:
    keys = [("b", "1"), ("b", "2"), ("b", "1"), ("b", "statement@A123@2026-W01"), ("c", "1")]
    assert about(keys) == ["b#1", "b#2", "c#1"]


@pytest.mark.parametrize(
    ("id_", "name"),
    [("1", "b#1"), ("t.1_-", "b#t.1_-"), ("statement@A123@2026-W01", "b#statement@"), ("digest@A@1@2", "b#digest@")],
)
def test_what_stands_in_a_transaction_s_place_is_named_by_its_kind(id_: str, name: str) -> None:
    assert without_account("b", id_) == name
