"""Flags in the table, on both engines: recorded once, whoever decides how often."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flags import repository
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, is_flag_row, shards_of
from tests.samples import EVIDENCE, TRANSACTION, transaction

NOW = TRANSACTION.recorded_at + timedelta(seconds=1)


def flagging(transaction_id: str = "t1", *names: str, shadow: tuple[str, ...] = (), **changes: Any) -> Flagging:
    flags = {name: EVIDENCE[name] for name in names or ("velocity",)}
    return Flagging(transaction(id=transaction_id, **changes), flags, frozenset(shadow), NOW)


@pytest.fixture
def flags(each_dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> FlagRepository:
    # DynamoDB Local takes fewer actions in a transaction than DynamoDB does.
    monkeypatch.setattr(repository, "MAX_A_CALL", 10)
    return FlagRepository(each_dynamodb, "TransactionsTable", sleep=lambda _: None)


def test_what_is_recorded_is_read_as_it_was_numbers_and_all(flags: FlagRepository) -> None:
    every = flagging("t1", *EVIDENCE)
    assert flags.record([every]) == [every]
    assert flags.of("eazycard", "t1") == EVIDENCE
    assert [type(value) for value in flags.of("eazycard", "t1")["velocity"].values()] == [int, int, int]


def test_an_unflagged_transaction_and_another_banks_have_no_flags(flags: FlagRepository) -> None:
    flags.record([flagging()])
    assert flags.of("eazycard", "t2") == flags.of("other-bank", "t1") == {}


def test_the_first_decision_stands_and_is_told_to_whoever_decides_again(flags: FlagRepository) -> None:
    first = flagging("t1", "velocity", "new_country", shadow=("new_country",))
    flags.record([first])
    again = replace(flagging("t1", "large_amount"), decided_at=NOW + timedelta(minutes=1))
    fresh = flagging("t2")
    assert flags.record([again, fresh]) == [first, fresh]
    assert set(flags.of("eazycard", "t1")) == {"velocity"}


def test_more_than_fit_into_a_call_are_all_recorded_in_order(flags: FlagRepository) -> None:
    known = [flagging(f"t{number:02}") for number in range(0, 25, 3)]
    flags.record(known)
    every = [flagging(f"t{number:02}") for number in range(25)]
    assert flags.record(every) == every
    assert all(flags.of("eazycard", f"t{number:02}") for number in range(25))


def test_several_deciding_at_once_record_one_decision(flags: FlagRepository) -> None:
    deciders = [replace(flagging(), decided_at=NOW + timedelta(seconds=second)) for second in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = [answer for (answer,) in pool.map(lambda one: flags.record([one]), deciders)]
    assert len({answer.decided_at for answer in answers}) == 1


def test_no_listing_or_reading_of_transactions_comes_upon_flags(each_dynamodb: Any, flags: FlagRepository) -> None:
    transactions = TransactionRepository(each_dynamodb, "TransactionsTable")
    transactions.add(TRANSACTION)
    flags.record([flagging(TRANSACTION.id)])
    page = transactions.newest_for_account("eazycard", Listing(TRANSACTION.account))
    assert page.transactions == [TRANSACTION]
    assert transactions.get("eazycard", TRANSACTION.id) == TRANSACTION


def test_whoever_counts_what_was_recorded_finds_each_flag_row_once(each_dynamodb: Any, flags: FlagRepository) -> None:
    transactions = TransactionRepository(each_dynamodb, "TransactionsTable")
    transactions.add(TRANSACTION)
    flags.record([flagging(TRANSACTION.id, "velocity")])
    flags.record([flagging(TRANSACTION.id, "large_amount")])
    rows = [row for shard in shards_of(SHARDS) for row in transactions.recorded(shard, None, "~")[0]]
    (row,) = [row for row in rows if is_flag_row(row)]
    assert set(row["flags"]) == {"velocity"}
    assert {name: row[name] for name in ("bank", "id", "account", "currency", "timestamp")} == {
        "bank": "eazycard",
        "id": TRANSACTION.id,
        "account": TRANSACTION.account,
        "currency": "XAF",
        "timestamp": "2026-01-10T14:00:00Z",
    }
    assert len(rows) == 2


def test_what_was_flagged_before_is_found_among_others_shadows_and_all(flags: FlagRepository) -> None:
    first = flagging("t1", "velocity", "new_country", shadow=("new_country",))
    flags.record([first])
    assert flags.recorded([first.transaction, transaction(id="t2")]) == [first]
    assert flags.recorded([]) == []
