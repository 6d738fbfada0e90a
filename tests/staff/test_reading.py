"""How much a member of staff may ask in an hour: by leases, each member apart, and with the next hour anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.staff import reading
from chalicelib.staff.reading import ReadLimits
from chalicelib.staff.refusals import ReadLimitReached
from tests.fakes import Refusing, refusal


class Hall:
    """Functions that share the limits of members, and count their calls."""

    def __init__(self, dynamodb: Any) -> None:
        self.now = datetime(2026, 1, 10, 14, 20, tzinfo=UTC)
        self.calls = 0
        self._dynamodb = dynamodb

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self._dynamodb, name)

    def function(self, client: Any = None) -> ReadLimits:
        return ReadLimits(QuotaRepository(client or self, "DeferralsTable"), lambda: self.now)


@pytest.fixture
def hall(dynamodb: Any, table_names: Any, monkeypatch: pytest.MonkeyPatch) -> Hall:
    assert table_names
    monkeypatch.setattr(reading, "UNITS_AN_HOUR", 500)
    return Hall(dynamodb)


def asked(limits: ReadLimits, most: int, units: int = 1, subject: str = "s-1", bank: str = "eazycard") -> int:
    """Ask until it is refused, at most so often; return how often it was not."""
    for number in range(most):
        try:
            limits.take(bank, subject, units)
        except ReadLimitReached:
            return number
    return most


def test_a_member_has_so_many_units_whatever_functions_answer_and_few_writes(hall: Hall) -> None:
    one, other = hall.function(), hall.function()
    assert asked(one, 200) == 200
    assert hall.calls <= 6
    assert asked(other, 1_000) + asked(one, 1_000) + 200 == 500
    asked(other, 1)
    refused = hall.calls
    assert asked(one, 1_000) == asked(other, 1_000) == 0
    assert hall.calls == refused, "who is refused costs no call"


def test_dear_requests_cost_more(hall: Hall) -> None:
    assert asked(hall.function(), 1_000, units=10) == 50


def test_one_member_uses_up_nothing_of_another_s(hall: Hall) -> None:
    limits = hall.function()
    assert asked(limits, 1_000) == 500
    assert asked(limits, 1, subject="s-2") == 1
    assert asked(limits, 1, bank="other-bank") == 1


def test_it_begins_anew_with_the_hour_and_retry_after_says_when(hall: Hall) -> None:
    limits = hall.function()
    asked(limits, 1_000)
    with pytest.raises(ReadLimitReached) as error:
        limits.take("eazycard", "s-1", 1)
    assert error.value.retry_after_s == 40 * 60
    hall.now += timedelta(seconds=error.value.retry_after_s)
    assert asked(limits, 1_000) == 500
    hall.now += timedelta(days=1)
    assert asked(limits, 1_000) == 500


def test_while_the_table_takes_nothing_nobody_is_refused(hall: Hall) -> None:
    down = Refusing(hall, refusal("ThrottlingException"), "update_item")
    assert asked(hall.function(down), 700) == 700
