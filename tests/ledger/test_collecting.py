"""Collecting: each new transaction's step in its purchase, whatever is repeated, and whatever can't be read."""

import dataclasses
from typing import Any

import pytest

from chalicelib.ledger.collecting import Collector
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from tests.purchase_cast import CAST


class Ledger:
    def __init__(self, client: Any) -> None:
        self.client = client
        self.transactions = TransactionRepository(client, "TransactionsTable")
        self.purchases = PurchaseRepository(client, "NotificationsTable", sleep=lambda _: None)

    def collect(self, *letters: str) -> dict[str, str]:
        """Store what isn't yet, collect it as one batch, and return the roles by id."""
        batch = [CAST[letter] for letter in letters]
        known = self.transactions.stored({one.key for one in batch})
        for one in batch:
            if one.key not in known:
                self.transactions.add(one)
        steps = Collector(self.transactions, self.purchases).collect(batch)
        return {key.id: step.role.value for key, step in steps.items()}


@pytest.fixture
def ledger(dynamodb: Any, table_names: dict[str, str]) -> Ledger:
    return Ledger(dynamodb)


def test_each_has_its_step_whenever_it_is_asked_for(ledger: Ledger) -> None:
    assert ledger.collect("A") == {}
    assert ledger.collect("t", "i") == {"i": "increment", "t": "part"}
    assert ledger.collect("q") == {"q": "part"}
    assert ledger.collect("t") == {"t": "part"}
    assert ledger.collect("S") == {"S": "beyond"}


def test_what_is_stored_in_the_same_batch_came_first(ledger: Ledger) -> None:
    assert ledger.collect("S", "A") == {"S": "settled_as_authorized"}
    (member,) = ledger.purchases.of([TransactionKey("eazycard", "A")])[TransactionKey("eazycard", "A")]
    assert not member.is_early


def test_what_comes_before_its_authorization_is_early_and_has_its_step_when_asked_again(ledger: Ledger) -> None:
    assert ledger.collect("S") == {"S": "unrelated"}
    (member,) = ledger.purchases.of([TransactionKey("eazycard", "A")])[TransactionKey("eazycard", "A")]
    assert member.is_early
    assert ledger.collect("A", "S") == {"S": "settled_as_authorized"}


def test_an_authorization_that_cannot_be_read_hides_no_other(ledger: Ledger) -> None:
    ledger.collect("A")
    other = dataclasses.replace(CAST["A"], id="B")
    ledger.transactions.add(other)
    ledger.client.update_item(
        TableName="TransactionsTable",
        Key={"transaction_key": {"S": "eazycard#A"}},
        UpdateExpression="REMOVE amount",
    )
    batch = [CAST["S"], dataclasses.replace(CAST["T"], id="of-b", authorization_id="B")]
    steps = Collector(ledger.transactions, ledger.purchases).collect(batch)
    assert {key.id: step.role for key, step in steps.items()} == {"S": "unrelated", "of-b": "final_amount"}


def test_what_names_nothing_makes_no_call() -> None:
    assert (
        Collector(TransactionRepository(None, ""), PurchaseRepository(None, "")).collect([CAST["A"], CAST["D"]]) == {}
    )
