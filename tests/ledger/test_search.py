"""What a search looks for, of a transaction alone."""

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from chalicelib.ledger.search import Search
from tests.rows import NOW, ONE


@pytest.mark.parametrize(
    "search",
    [
        Search(),
        Search(accounts=("A1", "A2"), type="credit", status="settled", currency="EUR"),
        Search(start=NOW, end=NOW),
        Search(min_amount=Decimal("250.50"), max_amount=Decimal("250.5")),
        Search(flag="velocity"),  # which isn't in the transaction itself
    ],
)
def test_what_matches(search: Search) -> None:
    assert search.matches(ONE)


@pytest.mark.parametrize(
    "search",
    [
        Search(accounts=()),
        Search(accounts=("A2",)),
        Search(type="debit"),
        Search(status="declined"),
        Search(currency="USD"),
        Search(start=NOW + timedelta(microseconds=1)),
        Search(end=NOW - timedelta(microseconds=1)),
        Search(min_amount=Decimal("250.51")),
        Search(max_amount=Decimal("250.49")),
        Search(currency="EUR", max_amount=Decimal(1)),
    ],
)
def test_what_does_not(search: Search) -> None:
    assert not search.matches(ONE)
    assert not search.matches(dataclasses.replace(ONE, id="another"))
