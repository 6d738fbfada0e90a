"""The analytics job: each settled transaction counts once, whatever is late, repeated, at once or cut short."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics import MAX_ROLL_UPS_A_STEP, SAFETY_MARGIN, AnalyticsJob, Day, Sums, fold
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.repository import RECORDED_SHARDS, transaction_item
from chalicelib.transactions import STATUSES, TYPES, Transaction
from tests.fakes import Failing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BANKS = ("eazycard", "other-bank")
PLENTY_S = 60.0


class Died(BaseException):
    """The function's process is killed: no handler of exceptions sees it."""


class DyingAt:
    """A client whose process dies at its n-th call (from 0): before the call, or after it with the answer lost."""

    def __init__(self, client: Any, at: int, *, answer_lost: bool) -> None:
        self._client = client
        self._left = at
        self._answer_lost = answer_lost

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def dying(**arguments: Any) -> Any:
            self._left -= 1
            if self._left == -1 and not self._answer_lost:
                raise Died
            answer = operation(**arguments)
            if self._left == -1:
                raise Died
            return answer

        return dying


class Cancelling:
    """A client whose transactions DynamoDB cancels for a reason."""

    def __init__(self, client: Any, reason: str) -> None:
        self._client = client
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **_: Any) -> Any:
        error = refusal("TransactionCanceledException")
        error.response["CancellationReasons"] = [{"Code": "None"}, {"Code": self._reason}]
        raise error


def made(number: int, **changes: Any) -> Transaction:
    """Return the n-th transaction: of any bank, day, currency, type and shard, recorded some minutes ago."""
    one = Transaction(
        bank=BANKS[number % 2],
        id=f"t{number}",
        account=f"A{number % 5}",
        amount=Decimal(number * 7 + 1).scaleb(-2),
        type=TYPES[number % 3 % 2],
        timestamp=NOW - timedelta(days=number % 4, minutes=number),
        currency=("EUR", "USD")[number % 5 % 2],
        status=STATUSES[number % 7] if number % 7 < 4 else "settled",
        recorded_at=NOW - timedelta(minutes=5, microseconds=number),
    )
    return dataclasses.replace(one, **changes)


def store(client: Any, transactions: Iterable[Transaction]) -> None:
    for transaction in transactions:
        client.put_item(TableName="TransactionsTable", Item=transaction_item(transaction))


def job(client: Any, now: datetime = NOW) -> AnalyticsJob:
    return AnalyticsJob(client, "TransactionsTable", "AnalyticsTable", lambda: now)


def run(client: Any, now: datetime = NOW) -> int:
    return job(client, now).run(lambda: PLENTY_S)


def folded(client: Any) -> dict[Day, Sums]:
    found: dict[Day, Sums] = {}
    for bank in BANKS:
        found |= job(client).roll_ups(bank)
    return found


def expected(transactions: Iterable[Transaction]) -> dict[Day, Sums]:
    """Return the sums as anyone would add them up."""
    sums: dict[Day, Sums] = defaultdict(Sums)
    for one in transactions:
        if one.status == "settled":
            sums[Day(one.bank, one.timestamp.date().isoformat(), one.currency)].add(one.type, one.amount)
    return dict(sums)


def row(transaction: Transaction) -> dict[str, Any]:
    item = transaction_item(transaction)
    return {
        "bank": transaction.bank,
        "timestamp": item["timestamp"]["S"],
        "recorded_key": item["recorded_key"]["S"],
        **{name: getattr(transaction, name) for name in ("amount", "currency", "type", "status")},
    }


def test_sums_are_kept_by_bank_day_and_currency_and_by_type() -> None:
    one = made(0, status="settled", type="credit", amount=Decimal("0.10"), currency="EUR", timestamp=NOW)
    rows = [
        row(one),
        row(dataclasses.replace(one, amount=Decimal("0.20"))),
        row(dataclasses.replace(one, type="debit", amount=Decimal("999999999999999.99"))),
        row(dataclasses.replace(one, currency="USD", amount=Decimal(5))),
        row(dataclasses.replace(one, bank="other-bank", amount=Decimal(7))),
        row(dataclasses.replace(one, timestamp=NOW - timedelta(days=1), amount=Decimal(11))),
    ]
    sums, position = fold(rows)
    assert sums == {
        Day("eazycard", "2026-01-10", "EUR"): Sums(2, Decimal("0.30"), 1, Decimal("999999999999999.99")),
        Day("eazycard", "2026-01-10", "USD"): Sums(1, Decimal(5)),
        Day("other-bank", "2026-01-10", "EUR"): Sums(1, Decimal(7)),
        Day("eazycard", "2026-01-09", "EUR"): Sums(1, Decimal(11)),
    }
    assert position == rows[-1]["recorded_key"]


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "settled"])
def test_only_settled_transactions_count_and_the_others_are_passed_over_for_good(status: str) -> None:
    passed_over = row(made(1, status=status))
    assert fold([passed_over]) == ({}, passed_over["recorded_key"])


def test_no_rows_fold_to_nothing() -> None:
    assert fold([]) == ({}, None)


@pytest.mark.parametrize("spoilt", [{"amount": "twelve"}, {"amount": Decimal("NaN")}, {"currency": None}, {"bank": 1}])
def test_a_malformed_row_is_passed_over_and_the_others_count(spoilt: dict[str, Any]) -> None:
    rows = [row(made(1)), {**row(made(2)), **spoilt}, row(made(3))]
    sums, position = fold(rows)
    assert sums == expected([made(1), made(3)])
    assert position == rows[-1]["recorded_key"]


def test_a_day_is_the_utc_day_of_the_transactions_own_time() -> None:
    midnight = datetime(2026, 1, 10, tzinfo=UTC)
    around = [midnight - timedelta(microseconds=1), midnight]
    days = [day.date for day in fold([row(made(0, timestamp=moment)) for moment in around])[0]]
    assert days == ["2026-01-09", "2026-01-10"]


def test_folding_stops_before_the_row_that_would_need_one_day_too_many() -> None:
    rows = [row(made(0, timestamp=NOW - timedelta(days=day))) for day in (0, 1, 0, 2, 0)]
    for number, each in enumerate(rows):
        each["recorded_key"] = str(number)
    sums, position = fold(rows, max_days=2)
    assert [day.date for day in sums] == ["2026-01-10", "2026-01-09"]
    assert position == "2"


@given(st.lists(st.integers(0, 300).map(made)), st.integers(1, 5))
def test_any_rows_folded_in_steps_give_the_same_sums_as_at_once(transactions: list[Transaction], days: int) -> None:
    rows = [row(transaction) for transaction in transactions]
    for number, each in enumerate(rows):
        each["recorded_key"] = number
    total: dict[Day, Sums] = {}
    start = 0
    while start < len(rows):
        sums, position = fold(rows[start:], days)
        assert isinstance(position, int)
        start = position + 1
        for day, add in sums.items():
            old = total.get(day, Sums())
            total[day] = Sums(
                old.credit_count + add.credit_count,
                old.credit + add.credit,
                old.debit_count + add.debit_count,
                old.debit + add.debit,
            )
    assert total == expected(transactions)


def test_the_job_gives_exact_sums_and_running_it_again_changes_nothing(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    assert run(each_dynamodb) == len(RECORDED_SHARDS)  # one step for each shard
    assert folded(each_dynamodb) == expected(transactions)
    assert run(each_dynamodb) == 0
    assert folded(each_dynamodb) == expected(transactions)


def test_what_is_new_is_added_to_what_is_old(each_dynamodb: Any) -> None:
    old = [made(number) for number in range(30)]
    store(each_dynamodb, old)
    run(each_dynamodb)
    new = [made(number, recorded_at=NOW + timedelta(microseconds=number)) for number in range(30, 60)]
    store(each_dynamodb, new)
    run(each_dynamodb, NOW + timedelta(minutes=2))
    assert folded(each_dynamodb) == expected(old + new)


def test_a_late_transaction_counts_in_the_day_of_its_own_time(each_dynamodb: Any) -> None:
    store(each_dynamodb, [made(0, id="today", timestamp=NOW)])
    run(each_dynamodb)
    late = made(0, id="late", timestamp=NOW - timedelta(days=400), recorded_at=NOW, amount=Decimal(9))
    store(each_dynamodb, [late])
    run(each_dynamodb, NOW + timedelta(minutes=2))
    assert folded(each_dynamodb)[Day("eazycard", "2024-12-06", "EUR")] == Sums(1, Decimal(9))


def test_nothing_inside_of_the_safety_margin_is_folded_and_all_of_it_later(each_dynamodb: Any) -> None:
    edge = NOW - SAFETY_MARGIN
    inside = [made(2 * n, id=f"in{n}", recorded_at=edge + timedelta(microseconds=n)) for n in (0, 1, 30_000_000)]
    outside = [made(2 * n, id=f"out{n}", recorded_at=edge - timedelta(microseconds=n + 1)) for n in (0, 1)]
    store(each_dynamodb, inside + outside)
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(outside)
    run(each_dynamodb, NOW + SAFETY_MARGIN)
    assert folded(each_dynamodb) == expected(inside + outside)


def test_transactions_of_the_same_moment_in_a_shard_all_count(each_dynamodb: Any) -> None:
    transactions = [made(number, recorded_at=NOW - timedelta(minutes=5)) for number in range(60)]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_run_whose_clock_is_behind_another_runs_changes_nothing(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    assert run(each_dynamodb, NOW - timedelta(hours=1)) == 0
    assert folded(each_dynamodb) == expected(transactions)


def test_two_jobs_at_once_count_everything_once(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    with ThreadPoolExecutor(4) as pool:
        steps = list(pool.map(lambda _: run(each_dynamodb), range(4)))
    run(each_dynamodb)
    assert sum(steps) <= len(RECORDED_SHARDS)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_step_that_was_prepared_before_another_job_made_it_is_not_made_again(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)

    class OvertakenBeforeItsFirstStep:
        """A client through which another job runs as a whole just before the first step is committed."""

        overtaken = False

        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items" and not self.overtaken:
                self.overtaken = True
                run(each_dynamodb)
            return getattr(each_dynamodb, name)

    assert run(OvertakenBeforeItsFirstStep()) == 0
    assert folded(each_dynamodb) == expected(transactions)


@pytest.mark.parametrize("answer_lost", [False, True], ids=["before the call", "after the call"])
def test_a_job_that_dies_at_any_call_is_made_good_by_the_next_one(each_dynamodb: Any, answer_lost: bool) -> None:
    stored: list[Transaction] = []
    deaths = 0
    for call in range(100):
        new = [made(30 * call + n, recorded_at=NOW + timedelta(minutes=call, microseconds=n)) for n in range(16)]
        store(each_dynamodb, new)
        stored += new
        now = NOW + timedelta(minutes=call + 2)
        try:
            run(DyingAt(each_dynamodb, call, answer_lost=answer_lost), now)
        except Died:
            deaths += 1
        else:
            break
        run(each_dynamodb, now)
        assert folded(each_dynamodb) == expected(stored)
    # The checkpoints, and for each shard a page, a step and a page that is empty.
    assert deaths >= 1 + 2 * len(RECORDED_SHARDS)
    assert folded(each_dynamodb) == expected(stored)


def of_one_shard(count: int) -> list[Transaction]:
    """Return transactions of one shard, each of another day."""
    found: list[Transaction] = []
    number = 0
    while len(found) < count:
        one = made(0, id=f"t{number}", status="settled", timestamp=NOW - timedelta(days=len(found)))
        one = dataclasses.replace(one, recorded_at=NOW - timedelta(hours=1) + timedelta(seconds=len(found)))
        if transaction_item(one)["recorded_shard"]["S"] == "03":
            found.append(one)
        number += 1
    return found


# The next two run on moto only: DynamoDB takes 100 actions in a transaction, the DynamoDB Local of 2020 only 10.
def test_more_days_than_one_dynamodb_transaction_takes_are_committed_in_steps(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    transactions = of_one_shard(2 * MAX_ROLL_UPS_A_STEP + 1)
    store(dynamodb, transactions)
    assert run(dynamodb) == 3
    assert folded(dynamodb) == expected(transactions)


def test_a_job_that_dies_between_two_steps_of_a_page_goes_on_from_the_first(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    transactions = of_one_shard(MAX_ROLL_UPS_A_STEP + 1)
    store(dynamodb, transactions)
    # The checkpoints, three empty shards, and then the fourth's page, step, and page.
    with pytest.raises(Died):
        run(DyingAt(dynamodb, 6, answer_lost=False))
    assert len(folded(dynamodb)) == MAX_ROLL_UPS_A_STEP
    assert run(dynamodb) == 1
    assert folded(dynamodb) == expected(transactions)


def test_a_job_that_runs_out_of_time_stops_at_a_step_and_goes_on_in_the_next_run(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    seconds = iter([20.0, 10.0, 5.0, *[4.9] * 100])
    assert job(each_dynamodb).run(lambda: next(seconds)) == 2
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_step_that_is_cancelled_in_passing_is_left_to_the_next_run(each_dynamodb: Any, reason: str) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    assert run(Cancelling(each_dynamodb, reason)) == 0
    assert folded(each_dynamodb) == {}
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_step_that_can_never_be_made_fails_loudly(each_dynamodb: Any) -> None:
    store(each_dynamodb, [made(0)])
    with pytest.raises(ClientError):
        run(Cancelling(each_dynamodb, "ValidationError"))


def test_a_throttled_table_fails_the_run_and_the_next_one_makes_it_good(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    with pytest.raises(TemporarilyUnavailable):
        run(Failing(each_dynamodb, refusal("ProvisionedThroughputExceededException"), at=4))
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_run_costs_what_is_new_and_not_what_is_stored(each_dynamodb: Any) -> None:
    class Counting:
        calls = 0

        def __getattr__(self, name: str) -> Any:
            self.calls += 1
            return getattr(each_dynamodb, name)

    store(each_dynamodb, [made(number) for number in range(200)])
    run(each_dynamodb)
    idle = Counting()
    run(idle)
    assert idle.calls == 1 + len(RECORDED_SHARDS)
    new = made(999, recorded_at=NOW)
    store(each_dynamodb, [new])
    busy = Counting()
    run(busy, NOW + timedelta(minutes=2))
    assert busy.calls == idle.calls + 2


def test_a_banks_roll_ups_are_its_own(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    assert {day.bank for day in job(each_dynamodb).roll_ups("eazycard")} == {"eazycard"}
    assert job(each_dynamodb).roll_ups("nobody") == {}
