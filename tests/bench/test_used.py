"""From the meter's counts to what a transaction uses: by hand, from figures that are easy to follow."""

from typing import Any

import pytest

from bench.used import as_text, figures, without_idle

WORKED = {"invocations": 4, "errors": 0, "ms": 80, "processor_ms": 20.0, "memory_mb_calls": 4 * 512, "log_bytes": 4_000}
COUNTS: dict[str, Any] = {
    "calls": {
        "mailer sesv2 SendBulkEmail": {"calls": 2, "bytes_in": 1_000, "bytes_out": 200},
        "mailer dynamodb UpdateItem": {"calls": 6, "write_units": 6.0, "read_units": 0.0},
        "mailer dynamodb GetItem": {"calls": 2, "write_units": 0.0, "read_units": 1.0},
        "mailer sqs poller": {"calls": 8},
    },
    "functions": {"mailer": WORKED},
}


def test_calls_of_a_service_are_added_up_for_each_transaction() -> None:
    found = figures(COUNTS, 10)["calls"]
    assert found["mailer dynamodb"] == {"calls": 0.8, "read_units": 0.1, "write_units": 0.6}
    assert found["mailer sesv2"] == {"bytes_in": 100, "bytes_out": 20, "calls": 0.2}


def test_less_memory_works_longer_and_is_paid_while_it_waits() -> None:
    found = figures(COUNTS, 10)["functions"]["mailer"]
    works_ms, waits_ms = 20 * 1_769 / 512, 2 * 50 + 8 * 5  # what Lambda's poller asks is not the function's time
    assert found["gb_s"] == pytest.approx((works_ms + waits_ms) / 1000 * 0.5 / 10, rel=1e-3)
    assert (found["invocations"], found["log_bytes"]) == (0.4, 400)


def test_what_the_functions_of_each_minute_use_with_nothing_to_do_is_taken_off() -> None:
    idle = {
        "calls": {"analytics_job dynamodb Query": {"calls": 4, "read_units": 2.0}},
        "functions": {"analytics_job": {"invocations": 1, "ms": 10}},
    }
    counts = {
        "calls": {"analytics_job dynamodb Query": {"calls": 9, "read_units": 10.0}, "mailer sqs poller": {"calls": 1}},
        "functions": {"analytics_job": {"invocations": 2, "ms": 15}},
    }
    found = without_idle(counts, idle)
    assert found["calls"]["analytics_job dynamodb Query"] == {"calls": 1, "read_units": 6.0}
    assert found["calls"]["mailer sqs poller"] == {"calls": 1}
    assert found["functions"]["analytics_job"] == {"invocations": 0, "ms": 0.0}
    assert without_idle(counts, {"calls": {}, "functions": {}}) == counts


def test_the_table_has_a_line_for_each_function_and_service() -> None:
    lines = as_text("full", figures(COUNTS, 10)).splitlines()
    assert lines[0] == "full"
    assert [line.split()[:2] for line in lines[2:5]] == [["mailer", "dynamodb"], ["mailer", "sesv2"], ["mailer", "sqs"]]
    assert lines[-1].split() == ["mailer", "0.400", "8.0", "2.00", "0.0105", "400"]
