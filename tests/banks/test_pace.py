"""Transactions a second by plan: over all copies of the function, with a burst, and at little cost."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.banks.pace import Pace
from chalicelib.banks.pace_repository import BURST_S, PaceRepository
from chalicelib.banks.plans import pace_of
from tests.fakes import Refusing, refusal

RATES = [("trial", 50), ("standard", 1_000), ("unknown", 1_000)]


class Copies:
    """Copies of a function that share the table and the time."""

    def __init__(self, dynamodb: Any) -> None:
        self.now = datetime(2026, 1, 10, 14, 0, 0, 400, tzinfo=UTC)
        self.dynamodb = dynamodb
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self.dynamodb, name)

    def copy(self, client: Any = None) -> Pace:
        return Pace(PaceRepository(client or self, "DeferralsTable"), lambda: self.now)


@pytest.fixture
def copies(each_dynamodb: Any) -> Copies:
    return Copies(each_dynamodb)


@pytest.mark.each_moment
@pytest.mark.parametrize(("plan", "rate"), RATES)
def test_all_copies_together_give_out_the_rate_and_one_burst(copies: Copies, plan: str, rate: int) -> None:
    luck, seconds, each_second = random.Random(plan), 20, 8
    functions = [copies.copy() for _ in range(5)]
    given = 0
    for _ in range(seconds * each_second):
        given += luck.choice(functions).take("eazycard", plan, luck.randint(2, rate))[0]
        copies.now += timedelta(seconds=1 / each_second)
    asked_much = rate * (seconds + BURST_S)
    assert 0.95 * asked_much <= given <= asked_much


@pytest.mark.parametrize(("plan", "rate"), RATES)
def test_after_the_time_that_is_told_what_was_refused_is_let_through(copies: Copies, plan: str, rate: int) -> None:
    one, other = copies.copy(), copies.copy()
    burst = rate * BURST_S
    assert one.take("eazycard", plan, burst - 10) == (burst - 10, 0)
    granted, wait_s = other.take("eazycard", plan, 10 + 3 * rate)
    assert (granted, wait_s) == (10, 3)
    copies.now += timedelta(seconds=wait_s)
    assert one.take("eazycard", plan, 3 * rate) == (3 * rate, 0)
    assert one.take("other-bank", plan, burst) == (burst, 0)


def test_more_than_the_burst_is_let_through_in_part(copies: Copies) -> None:
    assert copies.copy().take("eazycard", "trial", 501) == (500, 1)


@pytest.mark.parametrize("batch", [2, 100, 500])
def test_a_bank_that_posts_steadily_below_its_rate_is_never_refused(copies: Copies, batch: int) -> None:
    functions = [copies.copy() for _ in range(3)]
    for number in range(60):
        assert functions[number % 3].take("eazycard", "standard", batch) == (batch, 0)
        copies.now += timedelta(seconds=batch / 1_000)


@pytest.mark.parametrize("pause_s", [0.1, 5])
def test_a_batch_costs_one_call_whether_the_bank_is_busy_or_not(copies: Copies, pause_s: float) -> None:
    function = copies.copy()
    function.take("eazycard", "standard", 500)
    before = copies.calls
    for _ in range(10):
        copies.now += timedelta(seconds=pause_s)
        function.take("eazycard", "standard", 500)
    assert copies.calls - before == 10


def test_a_plan_without_a_limit_and_a_transaction_alone_cost_no_call(copies: Copies) -> None:
    assert pace_of("volume") is None
    assert copies.copy().take("eazycard", "volume", 500) == (500, 0)
    for alone in (0, 1):
        assert copies.copy().take("eazycard", "trial", alone) == (alone, 0)
    assert copies.calls == 0


def test_while_the_table_can_not_be_written_nothing_is_refused(copies: Copies) -> None:
    down = copies.copy(Refusing(copies.dynamodb, refusal("ThrottlingException"), "update_item"))
    for _ in range(3):
        assert down.take("eazycard", "trial", 500) == (500, 0)
