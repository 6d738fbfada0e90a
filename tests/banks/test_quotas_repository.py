"""What banks have used of a day's quotas, in the table: never more than the limit, each bank and day by itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from chalicelib.banks.plans import Metered
from chalicelib.banks.quotas_repository import QuotaRepository, Used
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Refusing, refusal

DAY = date(2026, 1, 10)
TRANSACTIONS = Metered.TRANSACTIONS


def test_what_is_left_can_be_taken_and_no_more(each_dynamodb: Any) -> None:
    quotas = QuotaRepository(each_dynamodb, "DeferralsTable")
    assert quotas.used("eazycard", TRANSACTIONS, DAY) == Used()
    assert quotas.take("eazycard", TRANSACTIONS, DAY, 60, 100) == (60, Used(60))
    assert quotas.take("eazycard", TRANSACTIONS, DAY, 60, 100) == (40, Used(100))
    assert quotas.take("eazycard", TRANSACTIONS, DAY, 1, 100) == (0, Used(100))
    assert quotas.take("eazycard", TRANSACTIONS, DAY, 5, 200) == (5, Used(105))  # on another plan


def test_quotas_banks_and_days_are_apart(each_dynamodb: Any) -> None:
    quotas = QuotaRepository(each_dynamodb, "DeferralsTable")
    quotas.take("eazycard", TRANSACTIONS, DAY, 100, 100)
    for other in (
        ("other-bank", TRANSACTIONS, DAY),
        ("eazycard", Metered.EMAILS, DAY),
        ("eazycard", TRANSACTIONS, date(2026, 1, 11)),
    ):
        assert quotas.take(*other, 1, 100) == (1, Used(1))


def test_a_warning_is_remembered_beside_what_is_used(each_dynamodb: Any) -> None:
    quotas = QuotaRepository(each_dynamodb, "DeferralsTable")
    quotas.take("eazycard", TRANSACTIONS, DAY, 80, 100)
    quotas.note_warning("eazycard", TRANSACTIONS, DAY, 100, 80)
    assert quotas.take("eazycard", TRANSACTIONS, DAY, 1, 100) == (1, Used(81, {100: 80}))
    quotas.note_warning("eazycard", TRANSACTIONS, DAY, 80, 100)  # of a lower limit
    assert quotas.used("eazycard", TRANSACTIONS, DAY) == Used(81, {100: 80, 80: 100})


def test_of_two_warnings_of_a_limit_the_higher_stays_whichever_is_noted_last(each_dynamodb: Any) -> None:
    quotas = QuotaRepository(each_dynamodb, "DeferralsTable")
    for percent, noted in ((80, 80), (100, 100), (80, 100)):
        quotas.note_warning("eazycard", TRANSACTIONS, DAY, 100, percent)
        assert quotas.used("eazycard", TRANSACTIONS, DAY).warned == {100: noted}


def test_functions_at_once_take_no_more_together_than_there_is(each_dynamodb: Any) -> None:
    quotas = QuotaRepository(each_dynamodb, "DeferralsTable")
    ready = threading.Barrier(8)

    def take(number: int) -> int:
        ready.wait()
        return sum(quotas.take("eazycard", TRANSACTIONS, DAY, 7 + number, 300)[0] for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(take, range(8)))
    assert taken == quotas.used("eazycard", TRANSACTIONS, DAY).taken == 300


def test_a_throttled_table_is_told_from_a_used_quota(each_dynamodb: Any) -> None:
    throttled = Refusing(each_dynamodb, refusal("ThrottlingException"), "update_item", "get_item")
    with pytest.raises(TemporarilyUnavailable):
        QuotaRepository(throttled, "DeferralsTable").take("eazycard", TRANSACTIONS, DAY, 1, 100)
