"""What the API answers of roll-ups: totals by currency, counts, and days."""

import dataclasses
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from chalicelib.analytics.rollups import EXACT, Day, Sums
from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.money import format_amount
from chalicelib.ledger.transaction import STATUSES


def summary(days: Mapping[Day, Sums]) -> dict[str, Any]:
    """Return the totals by currency, the counts by status and flag, and the days, as the API answers them.

    Amounts are exact decimal strings; the average is rounded to the currency's decimals, half to even. A day on which
    nothing was settled is left out of the days; what else there is of it is counted.
    """
    days = dict(sorted(days.items()))
    totals: dict[str, Sums] = {}
    for day, sums in days.items():
        if sums.moves_money:
            totals.setdefault(day.currency, Sums()).add_all(sums)
    return {
        "totals": [_total(currency, sums) for currency, sums in sorted(totals.items())],
        "statuses": {name: sum(sums.statuses.get(name, 0) for sums in days.values()) for name in STATUSES},
        "flags": {name: sum(sums.flags.get(name, 0) for sums in days.values()) for name in FLAGS},
        "days": [
            {
                "date": day.date,
                "currency": day.currency,
                "count": sums.count,
                "credit": format_amount(sums.credit, day.currency),
                "debit": format_amount(sums.debit, day.currency),
            }
            for day, sums in days.items()
            if sums.count
        ],
    }


def _total(currency: str, sums: Sums) -> dict[str, Any]:
    def written(amount: Decimal) -> str:
        return format_amount(amount, currency)

    def side(name: str) -> dict[str, Any]:
        return {"count": getattr(sums, f"{name}_count"), "amount": written(getattr(sums, name))}

    volume = EXACT.add(sums.credit, sums.debit)
    average = Context(prec=60).divide(volume, Decimal(sums.count)) if sums.count else Decimal(0)
    total: dict[str, Any] = {
        "currency": currency,
        "count": sums.count,
        "credit": side("credit"),
        "debit": side("debit"),
        "reversed": {"credit": side("reversed_credit"), "debit": side("reversed_debit")},
        "net": written(sums.net),
        "average": written(average),
    }
    if sums.largest is not None:
        largest = dataclasses.asdict(sums.largest)
        total["max_transaction"] = {
            **{name: largest[name] for name in ("id", "account")},
            "amount": written(sums.largest.amount),
            **{name: largest[name] for name in ("type", "timestamp")},
        }
    return total
