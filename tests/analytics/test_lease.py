"""The job's lease of the checkpoint: one run at a time writes baselines, whatever dies, and no sum hangs on it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.repository import RollUpsMoved
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.stored_form import SHARDS
from chalicelib.ledger.transaction import Transaction
from tests.analytics_world import (
    BANKS,
    NOW,
    PLENTY_S,
    Counting,
    Died,
    DyingAt,
    assert_baselines,
    baselines_of,
    expected,
    expected_baselines,
    folded,
    job,
    made,
    of_day,
    of_one_shard,
    read,
    roll_ups_of,
    run,
    spoil,
    store,
)
from tests.fakes import Failing, Interrupted, Refusing, refusal

# The time that a run has, and 40 s: another run's clock may be ahead, and the run's last write still on its way.
LEASE = timedelta(seconds=PLENTY_S + 40)
KEY = {"owner": {"S": "job"}, "entry": {"S": "checkpoint"}}
THROTTLED = refusal("ThrottlingException")


def some(count: int = 20) -> list[Transaction]:
    return [made(number) for number in range(count)]


def stored(client: Any, count: int = 20) -> list[Transaction]:
    transactions = some(count)
    store(client, transactions)
    return transactions


def busy_until(client: Any) -> str | None:
    item = client.get_item(TableName="AnalyticsTable", Key=KEY, ConsistentRead=True).get("Item", {})
    return item["busy_until"]["S"] if "busy_until" in item else None


def lose_lease(client: Any) -> None:
    """Take a run's lease away, as time does when the run stands still for longer than it can."""
    client.update_item(TableName="AnalyticsTable", Key=KEY, UpdateExpression="REMOVE busy_until")


def test_a_run_holds_the_checkpoint_through_its_steps_and_gives_it_up_with_the_last(each_dynamodb: Any) -> None:
    store(each_dynamodb, of_one_shard(19))
    seen: list[str | None] = []
    looking = Interrupted(each_dynamodb, lambda: seen.append(busy_until(each_dynamodb)), 2, "transact_write_items")
    counting = Counting(looking)
    assert run(counting) == 3
    assert seen == [(NOW + LEASE).isoformat(timespec="microseconds").replace("+00:00", "Z")]
    assert busy_until(each_dynamodb) is None
    assert counting.calls["update_item"] == 1


def test_a_run_with_nothing_new_takes_no_lease(each_dynamodb: Any) -> None:
    counting = Counting(each_dynamodb)
    assert run(counting) == 0
    assert counting.calls == {"get_item": 1, "query": SHARDS}


def test_beside_a_run_that_makes_steps_another_one_writes_nothing(each_dynamodb: Any) -> None:
    transactions = stored(each_dynamodb)
    others: list[Counter[str]] = []

    def run_another() -> None:
        counting = Counting(Refusing(each_dynamodb, AssertionError("written"), "batch_write_item", "put_item"))
        assert run(counting) == 0
        others.append(counting.calls)

    for operation in ("batch_write_item", "transact_write_items"):
        client = Interrupted(each_dynamodb, run_another, 0, operation)
        job(client, max_accounts=5).run(iter([PLENTY_S, 0.0]).__next__)
    assert len(others) == 2
    assert all(calls["transact_write_items"] == 0 for calls in others)
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)


def test_a_dead_runs_lease_ends_and_the_next_run_makes_its_step(each_dynamodb: Any) -> None:
    transactions = stored(each_dynamodb)
    with pytest.raises(Died):
        run(DyingAt(each_dynamodb, 0, "transact_write_items", answer_lost=False))
    assert run(each_dynamodb, NOW + LEASE) == 0
    assert read(each_dynamodb) == expected(transactions)
    assert run(each_dynamodb, NOW + LEASE + timedelta(microseconds=1)) > 0
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)


def test_a_run_that_fails_gives_its_lease_up(each_dynamodb: Any) -> None:
    transactions = stored(each_dynamodb)
    for operation, call in (("batch_get_item", 1), ("transact_write_items", 0)):
        with pytest.raises(TemporarilyUnavailable):
            run(Failing(each_dynamodb, THROTTLED, call, operation))
        assert busy_until(each_dynamodb) is None
    assert run(each_dynamodb) > 0
    assert_baselines(each_dynamodb, transactions)


def test_a_run_whose_time_is_over_gives_its_lease_up(each_dynamodb: Any) -> None:
    store(each_dynamodb, of_one_shard(19))
    assert job(each_dynamodb).run(iter([PLENTY_S, 0.0]).__next__) == 1
    assert busy_until(each_dynamodb) is None
    assert run(each_dynamodb) == 2


def test_a_lease_that_can_t_be_given_up_fails_nothing_and_ends(each_dynamodb: Any) -> None:
    store(each_dynamodb, of_one_shard(19))
    client = Failing(each_dynamodb, THROTTLED, 1, "update_item")
    assert job(client).run(iter([PLENTY_S, 0.0]).__next__) == 1
    assert run(each_dynamodb) == 0
    # Two steps of the bank that is behind, and between them everybody's, to the later watermark.
    assert run(each_dynamodb, NOW + LEASE + timedelta(seconds=1)) == 4


def test_a_lease_that_can_t_be_taken_for_a_throttled_table_fails_the_run(each_dynamodb: Any) -> None:
    stored(each_dynamodb)
    with pytest.raises(TemporarilyUnavailable):
        run(Failing(each_dynamodb, THROTTLED, 0, "update_item"))
    assert busy_until(each_dynamodb) is None
    assert baselines_of(each_dynamodb) == {}


def test_a_checkpoint_that_is_just_being_moved_is_left_to_whom_moves_it(each_dynamodb: Any) -> None:
    stored(each_dynamodb)
    assert run(Failing(each_dynamodb, refusal("TransactionConflictException"), 0, "update_item")) == 0
    assert run(each_dynamodb) > 0


@pytest.mark.parametrize("until", ["2027-01-01T00:00:00.000000Z", "2025-12-31T00:00:00.000000Z", "never"])
def test_a_lease_that_no_run_can_have_taken_holds_up_nobody(each_dynamodb: Any, until: str) -> None:
    transactions = stored(each_dynamodb)
    each_dynamodb.put_item(TableName="AnalyticsTable", Item={**KEY, "busy_until": {"S": until}})
    assert run(each_dynamodb) > 0
    assert folded(each_dynamodb) == expected(transactions)


def test_before_the_first_step_a_lease_alone_is_no_checkpoint(each_dynamodb: Any) -> None:
    transactions = stored(each_dynamodb)
    held = roll_ups_of(each_dynamodb).hold(Checkpoint(), NOW, NOW + LEASE)
    assert held == roll_ups_of(each_dynamodb).checkpoint() == Checkpoint()
    assert read(each_dynamodb) == expected(transactions)


def test_what_is_held_is_held_by_one(each_dynamodb: Any) -> None:
    roll_ups = roll_ups_of(each_dynamodb)
    roll_ups.hold(Checkpoint(), NOW, NOW + LEASE)
    for now in (NOW, NOW + LEASE):
        with pytest.raises(RollUpsMoved):
            roll_ups.hold(Checkpoint(), now, now + LEASE)
    roll_ups.hold(Checkpoint(), NOW + LEASE + timedelta(microseconds=1), NOW + 2 * LEASE)


def test_a_checkpoint_that_has_moved_can_t_be_held(each_dynamodb: Any) -> None:
    roll_ups = roll_ups_of(each_dynamodb)
    at = roll_ups.commit(Checkpoint(), {"00": "a"}, {})
    for stale in (Checkpoint(), Checkpoint(2)):
        with pytest.raises(RollUpsMoved):
            roll_ups.hold(stale, NOW, NOW + LEASE)
    assert roll_ups.hold(at, NOW, NOW + LEASE) == at


def test_a_run_whose_lease_another_one_has_taken_over_makes_no_step_and_leaves_it_that_lease(
    each_dynamodb: Any,
) -> None:
    stored(each_dynamodb)
    roll_ups = roll_ups_of(each_dynamodb)

    def take_over() -> None:
        lose_lease(each_dynamodb)
        roll_ups.hold(roll_ups.checkpoint(), NOW, NOW + 2 * LEASE)

    assert run(Interrupted(each_dynamodb, take_over, 0, "transact_write_items")) == 0
    assert roll_ups.checkpoint() == Checkpoint()
    assert busy_until(each_dynamodb) is not None


@pytest.mark.each_moment
@pytest.mark.parametrize("operation", ["batch_get_item", "batch_write_item", "transact_write_items"])
@pytest.mark.parametrize("call", range(3))
def test_sums_are_exact_and_baselines_have_nothing_twice_although_a_lease_is_lost(
    each_dynamodb: Any, operation: str, call: int
) -> None:
    transactions = stored(each_dynamodb, 60)

    def run_another() -> None:
        lose_lease(each_dynamodb)
        job(each_dynamodb, max_accounts=3).run(iter([PLENTY_S] * 2 + [0.0]).__next__)

    run(Interrupted(each_dynamodb, run_another, call, operation))
    assert read(each_dynamodb) == expected(transactions)
    run(each_dynamodb, NOW + timedelta(minutes=10))
    assert folded(each_dynamodb) == expected(transactions)
    whole = expected_baselines(transactions)
    for account, baseline in baselines_of(each_dynamodb).items():
        for key, amounts in baseline.amounts.items():
            assert amounts.count <= whole[account].amounts[key].count


@pytest.mark.parametrize("operation", ["batch_get_item", "batch_write_item", "transact_write_items"])
def test_a_repair_beside_a_run_leaves_it_its_lease_and_everything_counts_once(
    each_dynamodb: Any, operation: str
) -> None:
    old = stored(each_dynamodb, 40)
    run(each_dynamodb)
    new = [made(number, recorded_at=NOW + timedelta(seconds=1)) for number in range(40, 60)]
    store(each_dynamodb, new)
    later = NOW + timedelta(minutes=2)
    spoil(each_dynamodb, credit={"N": "1"})
    leases: list[str | None] = []

    def repair_beside() -> None:
        before = busy_until(each_dynamodb)
        of_day(each_dynamodb, repair=True)
        leases.extend([before, busy_until(each_dynamodb)])

    assert run(Interrupted(each_dynamodb, repair_beside, 0, operation), later) == 0
    assert leases[0] == leases[1]
    assert (leases[0] is None) == (operation == "batch_get_item")  # roll-ups are read before anything is held
    assert run(each_dynamodb, later) > 0
    assert folded(each_dynamodb) == expected(old + new)
    assert_baselines(each_dynamodb, old + new)


@pytest.mark.each_moment
def test_runs_in_a_row_share_the_work_and_nothing_is_twice(each_dynamodb: Any) -> None:
    transactions = stored(each_dynamodb, 60)
    steps = 0
    for minute in range(100):
        made_now = job(each_dynamodb, NOW + timedelta(minutes=minute), max_accounts=1).run(iter([11.0, 9.9]).__next__)
        steps += made_now
        if not made_now:
            break
    assert steps > len(BANKS) * 5
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)
