"""Sums of transactions by currency, exact, as JSON and as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class Totals:
    """Sums over transactions of one currency, in that currency."""

    count: int = 0
    credit: Decimal = Decimal(0)
    debit: Decimal = Decimal(0)
    largest: Decimal = Decimal(0)

    def add(self, kind: str, amount: Decimal) -> None:
        """Count one transaction of this type."""
        self.count += 1
        if kind == "credit":
            self.credit += amount
        else:
            self.debit += amount
        self.largest = max(self.largest, amount)


TotalsByCurrency = dict[str, Totals]


def add_to(totals: TotalsByCurrency, currency: str, kind: str, amount: Decimal) -> None:
    """Count one transaction in the totals of its currency."""
    totals.setdefault(currency, Totals()).add(kind, amount)


def as_json(totals: TotalsByCurrency) -> dict[str, dict[str, Any]]:
    """Return the totals as JSON values: amounts as exact strings."""
    return {
        currency: {
            "count": sums.count,
            "credit": f"{sums.credit:f}",
            "debit": f"{sums.debit:f}",
            "largest": f"{sums.largest:f}",
        }
        for currency, sums in sorted(totals.items())
    }


def as_text(by_name: Mapping[str, TotalsByCurrency]) -> str:
    """Return named totals as a table with one row for each currency and name."""
    lines = [f"  {'':<16}{'count':>9}{'credit':>22}{'debit':>22}{'largest':>20}"]
    for currency in sorted({currency for totals in by_name.values() for currency in totals}):
        for name, totals in by_name.items():
            sums = totals.get(currency, Totals())
            title = f"{currency} {name}"
            lines.append(f"  {title:<16}{sums.count:>9}{sums.credit:>22f}{sums.debit:>22f}{sums.largest:>20f}")
    return "\n".join(lines)
