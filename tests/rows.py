"""Rows of the index by_recorded, as the analytics job reads them."""

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chalicelib.analytics.rollups import Day, Sums, tally
from chalicelib.aws.dynamo import from_item
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
TODAY = Day("eazycard", "2026-01-10", "EUR")
ONE = Transaction(
    bank="eazycard",
    id="t1",
    account="A1",
    amount=Decimal("250.50"),
    type="credit",
    timestamp=NOW,
    currency="EUR",
    recorded_at=NOW,
)


def row(one: Transaction = ONE, **changes: Any) -> dict[str, Any]:
    """Return the stored attributes of a transaction."""
    return from_item(transaction_item(dataclasses.replace(one, **changes)))


def flag_row(*names: str, **changes: Any) -> dict[str, Any]:
    """Return the stored attributes of a transaction's flags."""
    own = {name: value for name, value in row(**changes).items() if name not in ("type", "status", "amount")}
    return {**own, "flags": {name: {"count": Decimal(3)} for name in names}, "shadow": []}


def added_up(rows: Iterable[dict[str, Any]]) -> dict[Day, Sums]:
    days: dict[Day, Sums] = {}
    tally(rows, days)
    return days
