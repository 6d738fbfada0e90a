"""The number of shards of the index by_recorded, raised while transactions are written, counted and read."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.reconciliation import Reconciliation
from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.analytics.shards_repository import raise_shards
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.repository import AlreadyRecorded, TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, place_of, shards_of
from chalicelib.ledger.transaction import Transaction
from tests.analytics_world import DAY, MAX_DAYS, NOW, expected, folded, made, read, roll_ups_of, run

RAISED = 8


def part(first: int, count: int = 60) -> list[Transaction]:
    """Return transactions of this day, recorded a second after one another from minute `first` before the hour on."""
    begin = NOW - timedelta(minutes=first)
    return [
        dataclasses.replace(
            made(number, id=f"t{first}-{number}", bank="eazycard", currency="EUR", status="settled", timestamp=begin),
            recorded_at=begin + timedelta(seconds=number),
        )
        for number in range(count)
    ]


def written(client: Any, transactions: list[Transaction], shards: int) -> None:
    """Write transactions as a function with this setting, and the flags of every fifth."""
    repository = TransactionRepository(client, "TransactionsTable", shards)
    for one in transactions:
        repository.add(one)
    flaggings = [Flagging(one, {"velocity": {"count": 3}}, frozenset(), one.recorded_at) for one in transactions[::5]]
    flags = FlagRepository(client, "TransactionsTable", sleep=lambda _: None, shards=shards)
    for start in range(0, len(flaggings), MAX_DAYS):
        flags.record(flaggings[start : start + MAX_DAYS])


def sums_of(*parts: list[Transaction]) -> Any:
    """Return the sums as anyone would add them up; every fifth of a part is flagged."""
    every = [one for own in parts for one in own]
    flagged = [one for own in parts for one in own[::5]]
    return expected(every, [(one, ["velocity"]) for one in flagged])


def shards_in(client: Any) -> set[str]:
    items = client.scan(TableName="TransactionsTable")["Items"]
    return {item["recorded_shard"]["S"] for item in items}


def test_nothing_is_lost_or_counted_twice_when_shards_are_raised_in_the_middle_of_writes(each_dynamodb: Any) -> None:
    client = each_dynamodb
    before, between, both, after = part(50), part(40), part(30), part(20)
    written(client, before, SHARDS)
    run(client, NOW - timedelta(minutes=45))
    assert read(client) == sums_of(before)

    written(client, between[:30], SHARDS)
    raise_shards(client, "AnalyticsTable", RAISED)  # readers first, as provisioning does
    written(client, between[30:], SHARDS)
    assert read(client) == sums_of(before, between)
    run(client, NOW - timedelta(minutes=35))

    # A release goes out: some functions write to eight shards, others still to four. A bank sends again.
    written(client, both[:30], RAISED)
    written(client, both[30:], SHARDS)
    for one in both[:10]:
        with pytest.raises(AlreadyRecorded):
            TransactionRepository(client, "TransactionsTable", RAISED).add(one)
    assert shards_in(client) == set(shards_of(RAISED))
    # What no run has counted yet is in the answer already, from the new shards too.
    assert read(client) == sums_of(before, between, both)

    run(client, NOW - timedelta(minutes=25))
    written(client, after, RAISED)
    run(client)
    assert folded(client) == read(client) == sums_of(before, between, both, after)
    # Positions are kept by shard, and a further run has nothing left to do.
    assert set(roll_ups_of(client).checkpoint().positions) == set(shards_of(RAISED))
    assert run(client) == 0
    transactions = TransactionRepository(client, "TransactionsTable")
    assert Reconciliation(roll_ups_of(client), transactions, MAX_DAYS, lambda _: None).of_day(DAY).differences == []


def test_readers_that_knew_fewer_shards_would_lose_what_is_in_the_new_ones(each_dynamodb: Any) -> None:
    """The order matters: this is what provisioning keeps from happening."""
    written(each_dynamodb, part(30), RAISED)
    run(each_dynamodb)
    (sums,) = read(each_dynamodb).values()
    assert sums.count < 60

    raise_shards(each_dynamodb, "AnalyticsTable", RAISED)

    (sums,) = read(each_dynamodb).values()
    assert sums.count == 60  # and nothing is lost for good


def test_the_number_is_never_lowered(each_dynamodb: Any) -> None:
    roll_ups = roll_ups_of(each_dynamodb)
    assert roll_ups.checkpoint().shards == SHARDS
    raise_shards(each_dynamodb, "AnalyticsTable", RAISED)
    for number in (SHARDS, 6, RAISED):
        raise_shards(each_dynamodb, "AnalyticsTable", number)
        assert roll_ups.checkpoint() == Checkpoint()
        assert roll_ups.checkpoint().shards == RAISED
    run(each_dynamodb)
    assert roll_ups.checkpoint().shards == RAISED


def test_a_function_that_writes_to_more_shards_reads_them_whatever_the_table_says(each_dynamodb: Any) -> None:
    # As after the roll-ups were lost, and the table was emptied to compute them again.
    assert AnalyticsRepository(each_dynamodb, "AnalyticsTable", RAISED).checkpoint().shards == RAISED


def test_a_stored_transaction_s_place_is_where_it_was_written_and_not_where_it_would_be_now(
    each_dynamodb: Any,
) -> None:
    """A judge tells by its place whether the history has it: the number of shards must not change the answer."""
    transactions = TransactionRepository(each_dynamodb, "TransactionsTable", RAISED)
    for one in part(30, 20):
        transactions.add(one)
        stored = transactions.get(one.bank, one.id)
        item = each_dynamodb.get_item(
            TableName="TransactionsTable", Key={"transaction_key": {"S": f"{one.bank}#{one.id}"}}
        )["Item"]
        assert place_of(stored) == (item["recorded_shard"]["S"], item["recorded_key"]["S"])
        history = Baseline()
        assert history.add_row(*place_of(stored), stored)
        assert not history.add_row(*place_of(stored), stored)
        assert stored == one
