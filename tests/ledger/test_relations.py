"""Relations: what a transaction does to another one, and what is done to it, seen from both."""

import dataclasses
from typing import Any

import pytest

from chalicelib.ledger.collecting import Collector
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.relations import relations_of
from chalicelib.ledger.repository import TransactionRepository
from tests.purchase_cast import CAST


class Ledger:
    def __init__(self, client: Any) -> None:
        self.transactions = TransactionRepository(client, "TransactionsTable")
        self.purchases = PurchaseRepository(client, "NotificationsTable", sleep=lambda _: None)

    def record(self, letters: str) -> None:
        for letter in letters.split():
            self.transactions.add(CAST[letter])
            Collector(self.transactions, self.purchases).collect([CAST[letter]])

    def of(self, letter: str) -> list[tuple[str, str, str]]:
        found = relations_of(CAST[letter], self.transactions, self.purchases)
        return [(one.id, one.relation, one.role.value) for one in found]


@pytest.fixture
def ledger(dynamodb: Any, table_names: dict[str, str]) -> Ledger:
    return Ledger(dynamodb)


@pytest.mark.parametrize("order", ["A i t r C", "C r t i A", "t A C i r"])
def test_a_purchase_is_the_same_from_all_sides_whatever_came_first(ledger: Ledger, order: str) -> None:
    ledger.record(order)
    assert ledger.of("A") == [
        ("i", "added_to_by", "increment"),
        ("C", "refunded_by", "refund"),
        ("t", "settled_by", "part"),
        ("r", "released_by", "release"),
    ]
    assert ledger.of("i") == [("A", "adds_to", "increment")]
    assert ledger.of("t") == [("A", "settles", "part")]
    assert ledger.of("r") == [("A", "releases", "release")]
    assert ledger.of("C") == [("A", "refunds", "refund")]


def test_a_settled_part_that_is_given_back_has_relations_on_both_sides(ledger: Ledger) -> None:
    ledger.record("A S Y")
    assert ledger.of("S") == [("A", "settles", "settled_as_authorized"), ("Y", "reversed_by", "reversal")]
    assert ledger.of("Y") == [("S", "reverses", "reversal")]


def test_what_is_named_is_said_although_it_is_not_stored(ledger: Ledger) -> None:
    ledger.record("S")
    assert ledger.of("S") == [("A", "settles", "unrelated")]
    assert ledger.of("i") == [("A", "adds_to", "increment")]  # not collected yet, either


def test_what_is_of_another_account_or_names_nothing_has_no_relation(ledger: Ledger) -> None:
    ledger.record("a S D")
    assert ledger.of("a") == ledger.of("S") == ledger.of("D") == []


def test_another_banks_transaction_of_the_same_id_has_none_of_them(ledger: Ledger) -> None:
    ledger.record("A S")
    other = dataclasses.replace(CAST["A"], bank="other")
    assert relations_of(other, ledger.transactions, ledger.purchases) == []
