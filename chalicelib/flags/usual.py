"""An account's usual amounts, as people are shown them: what an unusual one is compared with. Pure."""

from chalicelib.flags.baselines import Baseline
from chalicelib.ledger.money import CURRENCY_DECIMALS, format_amount


def usual_amounts(baseline: Baseline) -> list[dict[str, str | int]]:
    """Return count, average and spread of the account's settled amounts, by currency and type, the most used first.

    The average and the spread (the standard deviation) are rounded to the currency's decimals.
    """
    found: list[dict[str, str | int]] = []
    for key, amounts in sorted(baseline.amounts.items(), key=lambda one: (-one[1].count, one[0])):
        currency, _, type_ = key.partition("#")
        if currency in CURRENCY_DECIMALS:
            found.append(
                {
                    "currency": currency,
                    "type": type_,
                    "count": amounts.count,
                    "average": format_amount(amounts.mean, currency),
                    "spread": format_amount(amounts.deviation, currency),
                }
            )
    return found
