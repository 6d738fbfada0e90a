"""Roll-ups: exact counts and sums of settled transactions, and counts of flags, by UTC day and currency."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact, Rounded
from typing import Any

from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.fields import STATUSES, TYPES
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS, MAX_INTEGER_DIGITS, excess_decimals, format_amount
from chalicelib.ledger.repository import is_flag_row

# As many digits as DynamoDB's numbers have: room for 10^19 of the largest amounts in a day. What would need more is
# refused, and never rounded.
_EXACT = Context(prec=38, traps=[Inexact, Rounded])
_STORED_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


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
    """Counts, exact sums and the largest of settled transactions, and how many were flagged by which flag.

    All are in one currency. What is flagged need not be settled. A flag that there is none of isn't in `flags`.
    """

    credit_count: int = 0
    credit: Decimal = Decimal(0)
    debit_count: int = 0
    debit: Decimal = Decimal(0)
    largest: Largest | None = None
    flags: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one settled transaction, or the flags of one, given by its stored attributes."""
        if is_flag_row(row):
            self._add_flags(dict.fromkeys(row["flags"], 1))
            return
        amount: Decimal = row["amount"]
        if row["type"] == "credit":
            self.credit_count += 1
            self.credit = _EXACT.add(self.credit, amount)
        else:
            self.debit_count += 1
            self.debit = _EXACT.add(self.debit, amount)
        if self.largest is None or amount >= self.largest.amount:
            self._offer(Largest(amount, row["id"], row["account"], row["type"], row["timestamp"]))

    def add_all(self, other: "Sums") -> None:
        """Count all that another counts."""
        self.credit_count += other.credit_count
        self.credit = _EXACT.add(self.credit, other.credit)
        self.debit_count += other.debit_count
        self.debit = _EXACT.add(self.debit, other.debit)
        if other.largest is not None:
            self._offer(other.largest)
        self._add_flags(other.flags)

    @property
    def count(self) -> int:
        return self.credit_count + self.debit_count

    @property
    def is_empty(self) -> bool:
        """Whether nothing is counted."""
        return not self.count and not self.flags

    def _add_flags(self, flags: Mapping[str, int]) -> None:
        for name, number in flags.items():
            self.flags[name] = self.flags.get(name, 0) + number

    def _offer(self, one: Largest) -> None:
        if self.largest is None or _rank(one) < _rank(self.largest):
            self.largest = one


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


def counts(row: Mapping[str, Any]) -> bool:
    """Whether a countable row counts in a roll-up: settled transactions do, and flags."""
    return is_flag_row(row) or row["status"] == "settled"


def _are_flags(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= set(FLAGS)


def _is_transaction(row: Mapping[str, Any]) -> bool:
    merchant = row.get("merchant", {})
    return (
        row.get("type") in TYPES
        and row.get("status") in STATUSES
        and _is_amount(row.get("amount"), row["currency"])
        and isinstance(row.get("authorization_id", ""), str)
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
    """Add the stored rows that count to the sums by day; malformed ones are passed over."""
    for row in rows:
        if is_countable(row) and counts(row):
            days.setdefault(day_of(row), Sums()).add(row)


def to_values(sums: Sums) -> dict[str, Any]:
    """Return the sums as plain values to be stored."""
    values = {name: getattr(sums, name) for name in ("credit_count", "credit", "debit_count", "debit")}
    largest = dataclasses.asdict(sums.largest) if sums.largest else None
    return {**values, "largest": largest, "flags": sums.flags or None}


def from_values(values: Mapping[str, Any]) -> Sums:
    """Return the sums that `to_values` gave; of other values KeyError, TypeError, ValueError or ArithmeticError."""
    return Sums(
        int(values["credit_count"]),
        _EXACT.plus(values["credit"]),
        int(values["debit_count"]),
        _EXACT.plus(values["debit"]),
        Largest(**values["largest"]) if values.get("largest") else None,
        {name: int(number) for name, number in dict(values.get("flags") or {}).items()},
    )


def summary(days: Mapping[Day, Sums]) -> dict[str, Any]:
    """Return the totals by currency, the flags, and the days, as the API answers them.

    Amounts are exact decimal strings; the average is rounded to the currency's decimals, half to even. A day on which
    nothing was settled is left out of the days; its flags are counted.
    """
    flags = {name: sum(sums.flags.get(name, 0) for sums in days.values()) for name in FLAGS}
    days = {day: sums for day, sums in sorted(days.items()) if sums.count}
    totals: dict[str, Sums] = {}
    for day, sums in days.items():
        totals.setdefault(day.currency, Sums()).add_all(sums)
    return {
        "totals": [_total(currency, sums) for currency, sums in sorted(totals.items())],
        "flags": flags,
        "days": [
            {
                "date": day.date,
                "currency": day.currency,
                "count": sums.count,
                "credit": format_amount(sums.credit, day.currency),
                "debit": format_amount(sums.debit, day.currency),
            }
            for day, sums in days.items()
        ],
    }


def _total(currency: str, sums: Sums) -> dict[str, Any]:
    def written(amount: Decimal) -> str:
        return format_amount(amount, currency)

    volume = _EXACT.add(sums.credit, sums.debit)
    total: dict[str, Any] = {
        "currency": currency,
        "count": sums.count,
        "credit": {"count": sums.credit_count, "amount": written(sums.credit)},
        "debit": {"count": sums.debit_count, "amount": written(sums.debit)},
        "net": written(_EXACT.subtract(sums.credit, sums.debit)),
        "average": written(Context(prec=60).divide(volume, Decimal(sums.count))),
    }
    if sums.largest is not None:
        largest = dataclasses.asdict(sums.largest)
        total["max_transaction"] = {
            **{name: largest[name] for name in ("id", "account")},
            "amount": written(sums.largest.amount),
            **{name: largest[name] for name in ("type", "timestamp")},
        }
    return total


def merged(parts: Iterable[Mapping[Day, Sums]]) -> dict[Day, Sums]:
    """Return the sums of several parts, day by day."""
    whole: dict[Day, Sums] = {}
    for part in parts:
        for day, sums in part.items():
            whole.setdefault(day, Sums()).add_all(sums)
    return whole
