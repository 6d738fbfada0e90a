"""The usual amounts of an account, as they are shown."""

from decimal import Decimal

from chalicelib.flags.baselines import Amounts, Baseline
from chalicelib.flags.usual import usual_amounts


def test_amounts_are_shown_by_currency_and_type_the_most_used_first() -> None:
    euros = Amounts()
    for amount in ("10", "20", "20.01"):
        euros = euros.add(Decimal(amount))
    francs = Amounts().add(Decimal(5000))
    baseline = Baseline(amounts={"XAF#credit": francs, "EUR#debit": euros, "XYZ#debit": euros})
    assert usual_amounts(baseline) == [
        {"currency": "EUR", "type": "debit", "count": 3, "average": "16.67", "spread": "5.78"},
        {"currency": "XAF", "type": "credit", "count": 1, "average": "5000", "spread": "0"},
    ]
    assert usual_amounts(Baseline()) == []
