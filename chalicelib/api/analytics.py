"""The routes of analytics: the totals and days of a bank, or of one of its accounts."""

from datetime import date, datetime

from chalice.app import Request, Response

from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.rollups import Day, Sums
from chalicelib.analytics.summary import summary
from chalicelib.api.requests import date_range, identifier, json_answer, only_parameters
from chalicelib.banks.bank import Bank
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.money import CURRENCY_DECIMALS, currency_error
from chalicelib.ledger.times import format_time


def get_analytics(bank: Bank, request: Request, *, analytics: AnalyticsReader, now: datetime) -> Response:
    """Answer `GET /analytics`: the bank's totals and days, with transactions up to a few seconds ago."""
    first, last, currency = _range(request, now)
    days, as_of = analytics.of_bank(bank.id, first, last)
    return _answer(days, first, last, currency, as_of)


def get_account_analytics(
    bank: Bank, account: str, request: Request, *, analytics: AnalyticsReader, now: datetime
) -> Response:
    """Answer `GET /accounts/{account}/analytics`: the account's totals and days."""
    account = identifier("account", account)
    first, last, currency = _range(request, now)
    days, as_of = analytics.of_account(bank.id, account, first, last)
    return _answer(days, first, last, currency, as_of)


def _range(request: Request, now: datetime) -> tuple[date, date, str | None]:
    only_parameters(request, "from", "to", "currency")
    errors: list[tuple[str, str]] = []
    first, last = date_range(request, now.date(), errors)
    currency = (request.query_params or {}).get("currency")
    if currency is not None and currency not in CURRENCY_DECIMALS:
        errors.append(("currency", currency_error(currency)))
    if errors:
        raise ValidationFailed(errors)
    return first, last, currency


def _answer(days: dict[Day, Sums], first: date, last: date, currency: str | None, as_of: datetime) -> Response:
    asked_for = {day: sums for day, sums in days.items() if currency in (None, day.currency)}
    bounds = {"from": first.isoformat(), "to": last.isoformat(), "as_of": format_time(as_of)}
    return json_answer({**bounds, **summary(asked_for)})
