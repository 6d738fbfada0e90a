"""Baselines in DynamoDB: many at once, each row in them once, and none so broken that it holds up the others."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.analytics.turns import Step
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.stored_form import place_of
from chalicelib.ledger.transaction import Transaction
from tests.analytics_world import (
    NOW,
    Counting,
    Died,
    DyingAt,
    assert_baselines,
    baselines_of,
    expected_baselines,
    made,
    row,
)
from tests.fakes import Metered


def repository(client: Any) -> BaselineRepository:
    return BaselineRepository(client, "AnalyticsTable")


def by_account(transactions: list[Transaction]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the transactions' rows as a step of the job has them."""
    step = Step(max_days=len(transactions), max_accounts=len(transactions))
    step.fold(map(row, sorted(transactions, key=place_of)))
    return step.rows


def of_many_accounts(count: int) -> list[Transaction]:
    return [made(number, account=f"A{number}", status="settled") for number in range(count)]


def test_baselines_come_back_as_they_were_put(each_dynamodb: Any) -> None:
    baselines = expected_baselines(made(number) for number in range(60))
    repository(each_dynamodb).put(baselines)
    assert repository(each_dynamodb).of(baselines, is_consistent=True) == baselines


def test_an_account_without_a_baseline_is_left_out_and_no_other_bank_s_is_found(each_dynamodb: Any) -> None:
    baselines = {"eazycard#A1": expected_baselines([made(1)])["other-bank#A1"]}
    repository(each_dynamodb).put(baselines)
    assert repository(each_dynamodb).of(["other-bank#A1", "eazycard#A1", "eazycard#A"], is_consistent=True) == baselines
    assert repository(each_dynamodb).of([]) == {}


def test_a_hundred_are_read_in_a_call_and_25_written(each_dynamodb: Any) -> None:
    transactions = of_many_accounts(250)
    counting = Counting(each_dynamodb)
    repository(counting).add(by_account(transactions))
    assert counting.calls == {"batch_get_item": 3, "batch_write_item": 10}
    assert_baselines(each_dynamodb, transactions)
    assert len(repository(counting).of(by_account(transactions))) == 250


@pytest.mark.parametrize("is_consistent", [True, False])
def test_a_consistent_read_costs_a_unit_and_another_one_half(each_dynamodb: Any, is_consistent: bool) -> None:
    baselines = expected_baselines(of_many_accounts(20))
    repository(each_dynamodb).put(baselines)
    calls: Any = defaultdict(int)
    units: Any = defaultdict(float)
    repository(Metered(each_dynamodb, calls, units)).of(baselines, is_consistent=is_consistent)
    assert units["read"] == (20 if is_consistent else 10)


def test_rows_that_are_in_already_are_passed_over_and_nothing_is_written(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    repository(each_dynamodb).add(by_account(transactions[20:]))
    counting = Counting(each_dynamodb)
    repository(counting).add(by_account(transactions[20:]))
    assert counting.calls == {"batch_get_item": 1}
    assert_baselines(each_dynamodb, transactions[20:])


def test_only_what_is_new_of_an_account_s_rows_is_added(each_dynamodb: Any) -> None:
    first = [made(number) for number in range(30)]
    new = [made(number, recorded_at=NOW + timedelta(microseconds=number)) for number in range(30, 60)]
    repository(each_dynamodb).add(by_account(first))
    repository(each_dynamodb).add(by_account(first + new))
    assert_baselines(each_dynamodb, first + new)


@pytest.mark.parametrize("answer_lost", [True, False])
def test_what_was_written_before_a_death_is_not_written_again(each_dynamodb: Any, answer_lost: bool) -> None:
    transactions = of_many_accounts(130)
    with pytest.raises(Died):
        repository(DyingAt(each_dynamodb, 3, "batch_write_item", answer_lost=answer_lost)).add(by_account(transactions))
    counting = Counting(each_dynamodb)
    repository(counting).add(by_account(transactions))
    # 130 are written in six calls; three or four of them were made before.
    assert counting.calls["batch_write_item"] == (2 if answer_lost else 3)
    assert_baselines(each_dynamodb, transactions)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"amounts": {"S": "many"}},
        {"amounts": {"M": {"EUR#debit": {"L": [{"N": "1"}]}}}},
        {"countries": {"NULL": True}},
        {"recents": {"L": [{"S": "yesterday"}]}},
        {"recents": {"L": [{"N": "1"}]}},
        {"positions": {"M": {"00": {"N": "1"}}}},
        {},
    ],
    ids=str,
)
def test_a_baseline_that_can_t_be_read_is_begun_anew_and_told_without_the_account(
    each_dynamodb: Any, logged: Callable[[], str], spoilt: dict[str, Any]
) -> None:
    old = [made(2 * number, account="A-secret", status="settled") for number in range(5)]
    others = of_many_accounts(3)
    repository(each_dynamodb).add(by_account(old + others))
    key = {"owner": {"S": "account#eazycard#A-secret"}, "entry": {"S": "baseline"}}
    item = each_dynamodb.get_item(TableName="AnalyticsTable", Key=key)["Item"] if spoilt else key
    each_dynamodb.put_item(TableName="AnalyticsTable", Item={**item, **spoilt})
    assert set(repository(each_dynamodb).of([*by_account(old + others)], is_consistent=True)) == set(by_account(others))
    told = logged()
    assert '"malformed_baseline"' in told
    assert '"MalformedBaselines":[1.0]' in told
    assert "A-secret" not in told

    new = [made(10, account="A-secret", status="settled", recorded_at=NOW)]
    repository(each_dynamodb).add(by_account(new))
    assert_baselines(each_dynamodb, new + others)


def test_an_empty_baseline_comes_back_empty(each_dynamodb: Any) -> None:
    repository(each_dynamodb).put({"eazycard#A1": Baseline()})
    assert baselines_of(each_dynamodb) == {"eazycard#A1": Baseline()}
