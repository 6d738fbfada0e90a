"""Metrics are read from lines as CloudWatch reads them, from lines that the service itself writes."""

import json

import pytest

from chalicelib.aws import telemetry
from local_cloud.metric_lines import Value, by_period, metric, statistic, values_in

OWN = {"stage": "test"}


def test_what_the_service_writes_is_read_by_metric_and_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.count("TransactionsCreated", 2)
    telemetry.measured("PostToAccepted", telemetry.SECONDS, [0.5, 1.5], kind="debit")
    telemetry.measured("PostToAccepted", telemetry.SECONDS, [9.0], kind="credit")
    found = values_in(capsys.readouterr().out.splitlines())
    assert {one: [value.value for value in values] for one, values in found.items()} == {
        metric("TransactionNotifier", "TransactionsCreated", OWN): [2.0],
        metric("TransactionNotifier", "PostToAccepted", OWN): [0.5, 1.5, 9.0],
        metric("TransactionNotifier", "PostToAccepted", {**OWN, "kind": "debit"}): [0.5, 1.5],
        metric("TransactionNotifier", "PostToAccepted", {"kind": "credit", **OWN}): [9.0],
    }


def test_a_request_s_line_has_its_metrics_and_a_refusal_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with telemetry.of_request("r-1"):
        telemetry.note(code="not_found")
    found = values_in(capsys.readouterr().out.splitlines())
    refused = metric("TransactionNotifier", "Refused", {**OWN, "code": "not_found"})
    assert [value.value for value in found[refused]] == [1.0]
    assert metric("TransactionNotifier", "RequestTime", OWN) in found


def test_a_line_without_metrics_and_a_value_outside_of_a_list_are_read() -> None:
    directive = {"Namespace": "N", "Dimensions": [[]], "Metrics": [{"Name": "M"}]}
    line = json.dumps({"_aws": {"Timestamp": 1500, "CloudWatchMetrics": [directive]}, "M": 4})
    assert values_in(["START RequestId: 1", '{"message":"told"}', line]) == {metric("N", "M", {}): [Value(1.5, 4.0)]}


def test_values_are_gathered_by_period_and_periods_without_values_are_left_out() -> None:
    values = [Value(at, value) for at, value in ((185.0, 4.0), (0.0, 1.0), (59.9, 2.0), (60.0, 8.0))]
    assert by_period(values, "Sum", 60) == [Value(0, 3.0), Value(60, 8.0), Value(180, 4.0)]
    assert by_period(values, "Maximum", 300) == [Value(0, 8.0)]
    assert by_period([], "Sum", 60) == []


@pytest.mark.parametrize(
    ("stat", "expected"),
    [("Sum", 5050), ("Maximum", 100), ("Average", 50.5), ("p50", 50), ("p95", 95), ("p99", 99)],
)
def test_statistics(stat: str, expected: float) -> None:
    assert statistic(list(range(100, 0, -1)), stat) == expected


def test_percentiles_of_one_value_are_the_value() -> None:
    assert [statistic([7.0], stat) for stat in ("p50", "p95", "p99")] == [7.0, 7.0, 7.0]
