"""The operations on analytics: of the bank, and of an account."""

from chalicelib.api.requests import DEFAULT_DAYS, MAX_DAYS
from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation, parameter

_PARAMETERS = [
    parameter(
        "query",
        "from",
        f"The first day (UTC): {DEFAULT_DAYS} days with `to` if it is not given, {MAX_DAYS} at most.",
        {"type": "string", "format": "date"},
        "2026-01-01",
    ),
    parameter(
        "query",
        "to",
        "The last day (UTC), inclusive; today if it is not given.",
        {"type": "string", "format": "date"},
        "2026-01-31",
    ),
    parameter("query", "currency", "Only this one.", ref("Currency"), "XAF"),
]


def get_analytics() -> Json:
    return operation(
        "getAnalytics",
        "Analytics",
        "Totals and days of the bank",
        "Exact: each settled transaction counts once, on the UTC day of its own `timestamp`. Current to "
        "`as_of`, at the same price however much is stored.",
        answers={200: answer("Totals by currency, and days.", ref("Analytics"), examples.ANALYTICS)},
        parameters=_PARAMETERS,
    )


def get_account_analytics() -> Json:
    return operation(
        "getAccountAnalytics",
        "Analytics",
        "Totals and days of an account",
        "As `GET /analytics`. An account that is not known has none.",
        answers={200: answer("Totals by currency, and days.", ref("Analytics"), examples.ANALYTICS)},
        parameters=["account", *_PARAMETERS],
    )
