"""The rows of activity, on each engine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import NOTHING, Counted, HourOfActivity
from chalicelib.activity.repository import KEPT_DAYS, ActivityRepository
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, refusal

TEN = datetime(2026, 11, 28, 10, tzinfo=UTC)
ELEVEN = TEN + timedelta(hours=1)


def test_what_is_added_is_added_up_by_bank_and_hour(each_dynamodb: Any) -> None:
    hours = ActivityRepository(each_dynamodb, "DeferralsTable")
    for _ in range(3):
        hours.add("one", TEN, {Counted.SENT: 2, Counted.FAILED: 0}, Histogram.of([0.1, 70]))
    hours.add("one", ELEVEN, {Counted.DELIVERED: 1}, Histogram())
    hours.add("on", TEN, {Counted.SENT: 50}, Histogram())
    assert list(hours.between("one", TEN, ELEVEN)) == [
        HourOfActivity(TEN, {Counted.SENT: 6}, Histogram.of([0.1, 70] * 3)),
        HourOfActivity(ELEVEN, {Counted.DELIVERED: 1}),
    ]
    assert [one.counts for one in hours.between("on", TEN, ELEVEN)] == [{Counted.SENT: 50}]
    assert list(hours.between("one", ELEVEN + timedelta(hours=1), ELEVEN + timedelta(days=1))) == []


def test_an_hour_ends_after_its_days_and_nothing_is_written_for_nothing(dynamodb: Any, table_names: Any) -> None:
    table = table_names["DeferralsTable"]
    hours = ActivityRepository(dynamodb, table)
    hours.add("one", TEN, NOTHING, Histogram())
    assert dynamodb.scan(TableName=table)["Items"] == []
    hours.add("one", TEN, {Counted.SENT: 1}, Histogram())
    (item,) = dynamodb.scan(TableName=table)["Items"]
    assert int(item["expires_at"]["N"]) == (TEN + timedelta(days=KEPT_DAYS)).timestamp()
    assert item["due"] == {"S": "2026-11-28T10"}


def test_a_table_that_throttles_is_a_passing_error(dynamodb: Any, table_names: Any) -> None:
    failing = Failing(dynamodb, refusal("ThrottlingException"), 0, "update_item")
    with pytest.raises(TemporarilyUnavailable):
        ActivityRepository(failing, table_names["DeferralsTable"]).add("one", TEN, {Counted.SENT: 1}, Histogram())
