"""Recording: one call for a bank, in the present hour, and no error that reaches the batch."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import ActivityRecorder, Happened
from chalicelib.activity.repository import ActivityRepository
from tests.fakes import Failing, Metered, OneCallAtATime, refusal
from tests.metrics import lines, lines_saying

NOW = datetime(2026, 11, 28, 10, 59, 59, tzinfo=UTC)
TEN = datetime(2026, 11, 28, 10, tzinfo=UTC)
SENT = {Counted.SENT: 1}


def counted(dynamodb: Any, table: str, *banks: str) -> list[int]:
    hours = ActivityRepository(dynamodb, table)
    return [sum(one.emails["sent"] for one in hours.between(bank, TEN, TEN)) for bank in banks]


def test_each_bank_is_one_call_in_the_present_hour(dynamodb: Any, table_names: Any) -> None:
    calls, units = Counter[str](), Counter[str]()
    table = table_names["DeferralsTable"]
    client = Metered(OneCallAtATime(dynamodb), calls, units)
    recorder = ActivityRecorder(ActivityRepository(client, table), lambda: NOW)
    banks = [f"bank-{number}" for number in range(20)]
    recorder.note({bank: Happened(SENT, Histogram.of([1.0])) for bank in banks})
    recorder.note({banks[0]: Happened(SENT)})
    recorder.note({banks[0]: Happened()})
    recorder.note({})
    assert calls == {"update_item": 21}
    assert counted(dynamodb, table, *banks) == [2, *[1] * 19]


@pytest.mark.parametrize(
    ("code", "error"), [("ThrottlingException", "TemporarilyUnavailable"), ("AccessDeniedException", "ClientError")]
)
def test_what_can_t_be_counted_is_itself_counted_and_fails_nothing(
    dynamodb: Any, table_names: Any, logged: Callable[[], str], code: str, error: str
) -> None:
    table = table_names["DeferralsTable"]
    failing = Failing(OneCallAtATime(dynamodb), refusal(code), 1, "update_item")
    recorder = ActivityRecorder(ActivityRepository(failing, table), lambda: NOW)
    recorder.note({bank: Happened(SENT) for bank in ("one", "two", "three")})
    assert sum(counted(dynamodb, table, "one", "two", "three")) == 2
    text = logged()
    (warning,) = lines_saying(text, "activity_not_counted")
    assert (warning["banks"], warning["error"]) == (1, error)
    assert [line["ActivityNotCounted"] for line in lines(text) if "ActivityNotCounted" in line] == [[1.0]]
