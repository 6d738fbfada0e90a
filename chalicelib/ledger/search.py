"""Searches: which of a bank's transactions are wanted. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from chalicelib.ledger.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, newest first: bounds are inclusive, and what is None is not asked for.

    `accounts` are the accounts to look in, None for all of the bank's. Amounts are compared as numbers, each in its own
    transaction's currency. `flag` is the name of a flag that people hear of. `before` is a position from a Found.
    """

    accounts: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None
    type: str | None = None
    status: str | None = None
    currency: str | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    flag: str | None = None
    limit: int = 50
    before: str | None = None

    @property
    def conditions(self) -> Iterator[tuple[str, str, Any]]:
        """What is asked of single fields: the field's name, how it is compared (`=`, `>=`, `<=`), with what."""
        for name in ("type", "status", "currency"):
            if (value := getattr(self, name)) is not None:
                yield name, "=", value
        if self.min_amount is not None:
            yield "amount", ">=", self.min_amount
        if self.max_amount is not None:
            yield "amount", "<=", self.max_amount

    def matches(self, transaction: Transaction) -> bool:
        """Return whether a transaction is looked for, its flags aside."""
        return (
            (self.accounts is None or transaction.account in self.accounts)
            and (self.start is None or self.start <= transaction.timestamp)
            and (self.end is None or transaction.timestamp <= self.end)
            and all(_holds(getattr(transaction, name), how, value) for name, how, value in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Transactions, newest first; `next_position` continues behind them, None at the end.

    `searched_to` is given where the page ended because enough was read, not because it was full: all that is newer is
    in this page or an earlier one.
    """

    transactions: list[Transaction]
    next_position: str | None = None
    searched_to: datetime | None = None


def _holds(value: Any, how: str, wanted: Any) -> bool:
    if how == "=":
        return bool(value == wanted)
    return bool(value >= wanted if how == ">=" else value <= wanted)
