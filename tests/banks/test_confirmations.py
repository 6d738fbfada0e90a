"""How many addresses a bank may have asked in a day: never more, and each bank for itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.banks.confirmations import CONFIRMATIONS_A_DAY, Confirmations
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Refusing, refusal

NOW = datetime(2026, 1, 10, 23, 59, tzinfo=UTC)


def test_a_bank_may_ask_so_many_in_a_day_and_the_next_day_again(each_dynamodb: Any) -> None:
    now = NOW
    confirmations = Confirmations(QuotaRepository(each_dynamodb, "DeferralsTable"), lambda: now)
    assert [confirmations.may_ask("eazycard") for _ in range(CONFIRMATIONS_A_DAY + 2)] == [
        *[True] * CONFIRMATIONS_A_DAY,
        *[False] * 2,
    ]
    assert confirmations.may_ask("other-bank")
    now += timedelta(minutes=1)
    assert confirmations.may_ask("eazycard")


def test_requests_at_once_ask_no_more_together(each_dynamodb: Any) -> None:
    confirmations = Confirmations(QuotaRepository(each_dynamodb, "DeferralsTable"), lambda: NOW)
    ready = threading.Barrier(8)

    def ask(_: int) -> int:
        ready.wait()
        return sum(confirmations.may_ask("eazycard") for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == CONFIRMATIONS_A_DAY


def test_a_throttled_table_is_told_from_a_bank_that_may_not(dynamodb: Any) -> None:
    throttled = Refusing(dynamodb, refusal("ThrottlingException"), "update_item")
    with pytest.raises(TemporarilyUnavailable):
        Confirmations(QuotaRepository(throttled, "DeferralsTable"), lambda: NOW).may_ask("eazycard")
