"""Metrics: lines in CloudWatch's embedded metric format, one for each count."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.aws.telemetry import count, logger, of_request


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
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "TransactionsCreated", "Unit": "Count"}],
                }
            ]
        }.items()
    )
    assert line == {"service": "transaction-notifier", "TransactionsCreated": [3.0]}


def test_nothing_is_left_over_for_the_next_count(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("A", "B", "A"):
        count(name)
    assert [{name: line[name] for name in line if name not in ("_aws", "service")} for line in lines(capsys)] == [
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
    ids = [
        (line.get("message") or ("Inside" if "Inside" in line else "After"), line.get("request_id")) for line in written
    ]
    assert sorted(ids, key=str) == [("After", None), ("Inside", "request-1"), ("after", None), ("inside", "request-1")]


def test_requests_at_the_same_time_keep_their_own_ids(capsys: pytest.CaptureFixture[str]) -> None:
    def counted(number: int) -> None:
        with of_request(f"request-{number}"):
            count("Counted", number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(counted, range(1, 201)))
    assert all(line["request_id"] == f"request-{line['Counted'][0]:.0f}" for line in lines(capsys))
