"""What the workers of a test run leave out of what they tell."""

from typing import Any

import pytest

from tests.quiet_workers import tells_nothing


@pytest.mark.parametrize(
    ("event", "told", "is_left_out"),
    [
        ("logstart", {"nodeid": "tests/test_x.py::test_y"}, True),
        ("logfinish", {"nodeid": "tests/test_x.py::test_y"}, True),
        ("testreport", {"data": {"when": "setup", "outcome": "passed"}}, True),
        ("testreport", {"data": {"when": "teardown", "outcome": "passed"}}, True),
        ("testreport", {"data": {"when": "call", "outcome": "passed"}}, False),
        *(
            ("testreport", {"data": {"when": when, "outcome": outcome}}, False)
            for when in ("setup", "call", "teardown")
            for outcome in ("failed", "skipped")
        ),
        ("runtest_protocol_complete", {"item_index": 1, "duration": 0.1}, False),
        ("collectionfinish", {"topdir": "/x", "ids": []}, False),
        ("collectreport", {"data": {"outcome": "failed"}}, False),
        ("warning_recorded", {}, False),
        ("workerfinished", {"workeroutput": {}}, False),
    ],
)
def test_what_is_left_out_is_what_nobody_would_read(event: str, told: dict[str, Any], is_left_out: bool) -> None:
    assert tells_nothing(event, told) is is_left_out
