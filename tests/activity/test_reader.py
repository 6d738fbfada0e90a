"""Reading hours: every hour of the range, empty or not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import Counted, HourOfActivity
from chalicelib.activity.reader import ActivityReader
from chalicelib.activity.repository import ActivityRepository

NINE = datetime(2026, 11, 28, 9, tzinfo=UTC)


def test_every_hour_of_the_range_is_there_oldest_first(dynamodb: Any, table_names: Any) -> None:
    hours = ActivityRepository(dynamodb, table_names["DeferralsTable"])
    reader = ActivityReader(hours)
    for number in (-1, 0, 2, 4):
        hours.add("one", NINE + timedelta(hours=number), {Counted.SENT: 10 + number}, Histogram.of([0.2]))
    found = reader.between("one", NINE + timedelta(minutes=59), NINE + timedelta(hours=3))
    assert [one.hour for one in found] == [NINE + timedelta(hours=number) for number in range(4)]
    assert [one.emails["sent"] for one in found] == [10, 0, 12, 0]
    assert [one.latency.count for one in found] == [1, 0, 1, 0]
    assert reader.between("another", NINE, NINE) == [HourOfActivity(NINE)]
    assert reader.between("one", NINE, NINE - timedelta(hours=1)) == []
