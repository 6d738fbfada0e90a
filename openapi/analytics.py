"""The operations on analytics: of the bank, and of an account."""

from chalicelib.analytics.reader import MAX_ROWS
from chalicelib.api.analytics import MAX_DAY_TOTALS
from chalicelib.api.requests import DEFAULT_DAYS, MAX_DAYS
from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation, parameter

_PARAMETERS = [
    parameter(
        "query",
        "from",
        f"The first day (UTC). Without it, the range is {DEFAULT_DAYS} days; it is {MAX_DAYS} days at most.",
        {"type": "string", "format": "date"},
        "2026-01-01",
    ),
    parameter(
        "query",
        "to",
        "The last day (UTC), inclusive. Without it, today.",
        {"type": "string", "format": "date"},
        "2026-01-31",
    ),
    parameter("query", "currency", "Only this currency.", ref("Currency"), "XAF"),
]


def get_analytics() -> Json:
    return operation(
        "getAnalytics",
        "Analytics",
        "Read the bank's totals and days",
        "Exact: each settled transaction counts once, on the UTC day of its `timestamp`. Everything that was recorded "
        f"until `as_of` is counted. `days` has {MAX_DAY_TOTALS:,} items at most: otherwise `range_too_large` says to "
        "which day the range may go. Of 80 currencies, it may be a year.",
        answers={200: answer("Totals by currency, and days.", ref("Analytics"), examples.ANALYTICS)},
        codes=["range_too_large"],
        parameters=_PARAMETERS,
    )


def get_account_analytics() -> Json:
    return operation(
        "getAccountAnalytics",
        "Analytics",
        "Read an account's totals and days",
        "Like `GET /analytics`, for one account. An unknown account has no transactions. The range may have at most "
        f"{MAX_ROWS:,} transactions and flags: otherwise `range_too_large` says to which day it may go.",
        answers={200: answer("Totals by currency, and days.", ref("Analytics"), examples.ANALYTICS)},
        codes=["range_too_large"],
        parameters=["account", *_PARAMETERS],
    )
