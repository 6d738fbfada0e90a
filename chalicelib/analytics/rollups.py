"""Roll-ups: exact counts and sums of transactions, and counts of flags, by UTC day and currency."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact, Rounded
from typing import Any

from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS, MAX_INTEGER_DIGITS, excess_decimals
from chalicelib.ledger.stored_form import is_flag_row
from chalicelib.ledger.transaction import STATUSES, TYPES

# As many digits as DynamoDB's numbers have: room for 10^19 of the largest amounts in a day. What would need more is
# refused, and never rounded.
EXACT = Context(prec=38, traps=[Inexact, Rounded])
_STORED_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


# The sums that are kept of a day, each with its count.
MOVEMENTS = ("credit", "debit", "reversed_credit", "reversed_debit")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Day:
    """What a roll-up is of: a bank's transactions on a UTC day of their own timestamps, in a currency."""

    bank: str
    date: str
    currency: str


@dataclasses.dataclass(frozen=True, slots=True)
class Largest:
    """The transaction with the largest amount; of several, the one whose id comes first."""

    amount: Decimal
    id: str
    account: str
    type: str
    timestamp: str


@dataclasses.dataclass(slots=True)
class Sums:
    """Counts, exact sums and the largest of settled transactions; reversals of them; counts by status and by flag.

    All are in one currency. A reversal is counted by the type of what it reverses, on its own day. A transaction that
    is flagged need not be settled. A status or flag of which there is none isn't in `statuses` or `flags`.
    """

    credit_count: int = 0
    credit: Decimal = Decimal(0)
    debit_count: int = 0
    debit: Decimal = Decimal(0)
    largest: Largest | None = None
    flags: dict[str, int] = dataclasses.field(default_factory=dict)
    reversed_credit_count: int = 0
    reversed_credit: Decimal = Decimal(0)
    reversed_debit_count: int = 0
    reversed_debit: Decimal = Decimal(0)
    statuses: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one transaction, or the flags of one, given by its stored attributes."""
        if is_flag_row(row):
            _add_counts(self.flags, dict.fromkeys(row["flags"], 1))
            return
        _add_counts(self.statuses, {row["status"]: 1})
        amount: Decimal = row["amount"]
        if row["status"] == "settled":
            self._add_amount(row["type"], amount)
            if self.largest is None or amount >= self.largest.amount:
                self._offer(Largest(amount, row["id"], row["account"], row["type"], row["timestamp"]))
        elif row["status"] == "reversed" and row.get("reversal_of") is not None:
            self._add_amount(f"reversed_{row['type']}", amount)

    def add_all(self, other: "Sums") -> None:
        """Count all that another counts."""
        for name in MOVEMENTS:
            self._add_amount(name, getattr(other, name), getattr(other, f"{name}_count"))
        if other.largest is not None:
            self._offer(other.largest)
        _add_counts(self.statuses, other.statuses)
        _add_counts(self.flags, other.flags)

    @property
    def count(self) -> int:
        """How many settled transactions there are."""
        return self.credit_count + self.debit_count

    @property
    def net(self) -> Decimal:
        """What is left on the account: credits less debits, with what was reversed taken back."""
        moved = EXACT.subtract(self.credit, self.debit)
        return EXACT.add(moved, EXACT.subtract(self.reversed_debit, self.reversed_credit))

    @property
    def moves_money(self) -> bool:
        """Whether a transaction was settled, or a settled one reversed."""
        return any(getattr(self, f"{name}_count") for name in MOVEMENTS)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is counted."""
        return not (self.statuses or self.flags or self.moves_money)

    def _add_amount(self, name: str, amount: Decimal, number: int = 1) -> None:
        setattr(self, f"{name}_count", getattr(self, f"{name}_count") + number)
        setattr(self, name, EXACT.add(getattr(self, name), amount))

    def _offer(self, one: Largest) -> None:
        if self.largest is None or _rank(one) < _rank(self.largest):
            self.largest = one


def _add_counts(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number


def _rank(one: Largest) -> tuple[Decimal, str]:
    return -one.amount, one.id


def is_countable(row: Mapping[str, Any]) -> bool:
    """Whether a stored row is whole enough to be counted; one that isn't was written by other hands.

    It is held to what the intake and the stream handler store: an amount or a name beyond that could not be added up
    exactly, or not be stored, and would stop the job for ever.
    """
    texts = (row.get(name) for name in ("bank", "id", "account", "currency", "timestamp"))
    return (
        all(isinstance(text, str) for text in texts)
        and all(IDENTIFIER.fullmatch(row[name]) for name in ("bank", "id", "account"))
        and row["currency"] in CURRENCY_DECIMALS
        and _STORED_TIME.fullmatch(row["timestamp"]) is not None
        and (_are_flags(row["flags"]) if is_flag_row(row) else _is_transaction(row))
    )


def _are_flags(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= set(FLAGS)


def _is_transaction(row: Mapping[str, Any]) -> bool:
    merchant = row.get("merchant", {})
    return (
        row.get("type") in TYPES
        and row.get("status") in STATUSES
        and _is_amount(row.get("amount"), row["currency"])
        and all(isinstance(row[name], str) for name in ("authorization_id", "reversal_of") if name in row)
        and isinstance(merchant, dict)
        and all(isinstance(text, str) for text in merchant.values())
    )


def _is_amount(value: Any, currency: str) -> bool:
    return (
        isinstance(value, Decimal)
        and value.is_finite()
        and value > 0
        and value.adjusted() < MAX_INTEGER_DIGITS
        and excess_decimals(value, currency) is None
    )


def day_of(row: Mapping[str, Any]) -> Day:
    """Return the day in whose roll-up a countable row belongs."""
    return Day(row["bank"], row["timestamp"][:10], row["currency"])


def tally(rows: Iterable[Mapping[str, Any]], days: dict[Day, Sums]) -> None:
    """Add the stored rows to the sums by day; malformed ones are left out."""
    for row in rows:
        if is_countable(row):
            days.setdefault(day_of(row), Sums()).add(row)


def to_values(sums: Sums) -> dict[str, Any]:
    """Return the sums as plain values to be stored; reversals only where there are any."""
    values: dict[str, Any] = {}
    for name in MOVEMENTS:
        if not name.startswith("reversed") or getattr(sums, f"{name}_count"):
            values |= {f"{name}_count": getattr(sums, f"{name}_count"), name: getattr(sums, name)}
    largest = dataclasses.asdict(sums.largest) if sums.largest else None
    return {**values, "largest": largest, "statuses": sums.statuses or None, "flags": sums.flags or None}


def from_values(values: Mapping[str, Any]) -> Sums:
    """Return the sums that `to_values` gave; of other values KeyError, TypeError, ValueError or ArithmeticError."""
    sums = Sums(
        largest=Largest(**values["largest"]) if values.get("largest") else None,
        statuses=_stored_counts(values, "statuses"),
        flags=_stored_counts(values, "flags"),
    )
    for name in MOVEMENTS:
        if f"{name}_count" in values or not name.startswith("reversed"):
            setattr(sums, f"{name}_count", int(values[f"{name}_count"]))
            setattr(sums, name, EXACT.plus(values[name]))
    return sums


def _stored_counts(values: Mapping[str, Any], name: str) -> dict[str, int]:
    return {key: int(number) for key, number in dict(values.get(name) or {}).items()}


def merged(parts: Iterable[Mapping[Day, Sums]]) -> dict[Day, Sums]:
    """Return the sums of several parts, day by day."""
    whole: dict[Day, Sums] = {}
    for part in parts:
        for day, sums in part.items():
            whole.setdefault(day, Sums()).add_all(sums)
    return whole
