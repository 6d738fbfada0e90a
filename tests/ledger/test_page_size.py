"""Pages of transactions: as many as fit into what Lambda returns, and at least one."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chalicelib.ledger.page_size import METADATA_BYTES, fitting
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.transaction import Transaction

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
LARGEST = {f"{number:02d}{'😀' * 254}": "😀" * 256 for number in range(20)}


def transaction(number: int, metadata: dict[str, str] | None) -> Transaction:
    return Transaction(
        bank="eazycard",
        id=f"t{number:03d}",
        account="A123",
        amount=Decimal(10),
        currency="EUR",
        type="debit",
        status="settled",
        timestamp=NOW,
        recorded_at=NOW,
        metadata=metadata,
    )


def test_a_hundred_ordinary_transactions_fit() -> None:
    assert fitting(transaction(one, {"order": f"{one}", "note": "é" * 256}) for one in range(100)) == 100
    assert fitting(transaction(one, None) for one in range(100)) == 100
    assert fitting([]) == 0


def test_of_the_largest_so_many_fit_as_lambda_returns() -> None:
    page = [transaction(one, LARGEST) for one in range(100)]
    number = fitting(page)
    assert 0 < number < 100
    size = sum(len(json.dumps(json.dumps(dict(one.metadata or {})))) for one in page[:number])
    assert METADATA_BYTES * 0.9 < size <= METADATA_BYTES


def test_one_always_fits() -> None:
    assert fitting([transaction(1, LARGEST)] * 3, most=10) == 1


def test_a_listing_goes_on_behind_a_page_that_was_cut(dynamodb: Any, table_names: Any) -> None:
    repository = TransactionRepository(dynamodb, table_names["TransactionsTable"])
    for number in range(60):
        repository.add(transaction(number, LARGEST))
    found: list[str] = []
    pages, before = 0, None
    while pages == 0 or before is not None:
        page = repository.newest_for_account("eazycard", Listing("A123", limit=60, before=before))
        found += [one.id for one in page.transactions]
        before = page.next_position
        pages += 1
    assert found == [f"t{number:03d}" for number in reversed(range(60))]
    assert pages > 1
