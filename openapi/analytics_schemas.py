"""The schema of analytics."""

from chalicelib.banks.thresholds import FLAGS
from openapi.json_schema import DIGITS, IDENTIFIER_SCHEMA, TIME, Json, object_schema, ref, string

_MANY: Json = {"type": "integer", "minimum": 0}
_DATE: Json = {"type": "string", "format": "date"}
_SUM = string(f"^{DIGITS}$", "Exact, with all of the currency's decimals.")
_SIGNED_SUM = string(f"^-?{DIGITS}$", "Exact, with all of the currency's decimals.")
_BY_TYPE = object_schema("Those of one type.", {"count": _MANY, "amount": _SUM})
_TOTAL = object_schema(
    "What a currency's settled transactions add up to.",
    {
        "currency": ref("Currency"),
        "count": {"type": "integer", "minimum": 1},
        "credit": _BY_TYPE,
        "debit": _BY_TYPE,
        "net": {**_SIGNED_SUM, "description": "Credit less debit."},
        "average": {**_SUM, "description": "Of all amounts, rounded to the currency's decimals, half to even."},
        "max_transaction": object_schema(
            "The one with the largest amount; of several, the one whose id comes first.",
            {
                "id": IDENTIFIER_SCHEMA,
                "account": IDENTIFIER_SCHEMA,
                "amount": _SUM,
                "type": {"type": "string", "enum": ["credit", "debit"]},
                "timestamp": TIME,
            },
        ),
    },
)
ANALYTICS = object_schema(
    "A bank's, or an account's, settled transactions on the days from `from` to `to`, both inclusive.",
    {
        "from": _DATE,
        "to": _DATE,
        "as_of": {**TIME, "description": "All that was recorded until then is counted."},
        "totals": {"type": "array", "items": _TOTAL, "description": "By currency."},
        "flags": object_schema("How many were flagged, by flag.", dict.fromkeys(FLAGS, _MANY)),
        "days": {
            "type": "array",
            "description": "Days with transactions, in order, by currency.",
            "items": object_schema(
                "A day in a currency.",
                {
                    "date": _DATE,
                    "currency": ref("Currency"),
                    "count": {"type": "integer", "minimum": 1},
                    "credit": _SUM,
                    "debit": _SUM,
                },
            ),
        },
    },
)
