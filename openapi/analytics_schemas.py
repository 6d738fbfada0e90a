"""Schemas of analytics."""

from chalicelib.api.analytics import MAX_DAY_TOTALS
from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.transaction import STATUSES, TYPES
from openapi.json_schema import IDENTIFIER_SCHEMA, TIME, Json, object_schema, open_text, ref, string

_MANY: Json = {"type": "integer", "minimum": 0}
_SOME: Json = {"type": "integer", "minimum": 1}
_DATE: Json = {"type": "string", "format": "date"}
_DIGITS = r"[0-9]+(\.[0-9]+)?"  # a sum may be longer than any amount
_LONGEST = 40  # DynamoDB's numbers have 38 digits; a 0 and a point before or between them
_SUM = {**string(f"^{_DIGITS}$", "Exact, with all of the currency's decimals."), "maxLength": _LONGEST}
_SIGNED_SUM = {
    **string(
        f"^-?{_DIGITS}$",
        "Credit less debit, less reversed credit, plus reversed debit. Exact, with all of the currency's decimals.",
    ),
    "maxLength": _LONGEST + 1,
}


def analytics_schemas() -> Json:
    """Return the schemas by name."""
    return {
        "TypeTotal": object_schema("The transactions of one type.", {"count": _MANY, "amount": _SUM}),
        "LargestTransaction": _LARGEST,
        "ReversedTotals": object_schema(
            "Reversals of settled transactions, by the type of what they reverse, on their own days.",
            {"credit": ref("TypeTotal"), "debit": ref("TypeTotal")},
        ),
        "StatusCounts": object_schema(
            "How many transactions have each status, on the days and in the currency asked for.",
            dict.fromkeys(STATUSES, _MANY),
        ),
        "CurrencyTotal": _TOTAL,
        "DayTotal": _DAY,
        "FlagCounts": object_schema("How many transactions have each flag.", dict.fromkeys(FLAGS, _MANY)),
        "Analytics": _ANALYTICS,
    }


_LARGEST = object_schema(
    "The transaction with the largest amount; of several, the one whose id comes first.",
    {
        "id": IDENTIFIER_SCHEMA,
        "account": IDENTIFIER_SCHEMA,
        "amount": _SUM,
        "type": open_text(TYPES, "The direction of the money, as the account sees it."),
        "timestamp": TIME,
    },
)
_TOTAL = object_schema(
    "The totals of a currency's settled transactions.",
    {
        "currency": ref("Currency"),
        "count": {**_MANY, "description": "Settled transactions. 0 where there are reversals alone."},
        "credit": ref("TypeTotal"),
        "debit": ref("TypeTotal"),
        "reversed": ref("ReversedTotals"),
        "net": _SIGNED_SUM,
        "average": {**_SUM, "description": "Of all amounts, rounded to the currency's decimals, half to even."},
        "max_transaction": ref("LargestTransaction"),
    },
    optional=("max_transaction",),
)
_DAY = object_schema(
    "A day's totals in one currency.",
    {"date": _DATE, "currency": ref("Currency"), "count": _SOME, "credit": _SUM, "debit": _SUM},
)
_ANALYTICS = object_schema(
    "The settled transactions of a bank, or of an account, on the days from `from` to `to`, both inclusive.",
    {
        "from": _DATE,
        "to": _DATE,
        "as_of": {**TIME, "description": "Everything that was recorded until then is counted."},
        "totals": {
            "type": "array",
            "maxItems": len(CURRENCY_DECIMALS),
            "items": ref("CurrencyTotal"),
            "description": "By currency.",
        },
        "statuses": ref("StatusCounts"),
        "flags": ref("FlagCounts"),
        "days": {
            "type": "array",
            "maxItems": MAX_DAY_TOTALS,
            "description": "Days with transactions, in order, by currency.",
            "items": ref("DayTotal"),
        },
    },
)
