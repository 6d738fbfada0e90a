"""The routes of analytics: the totals and days of a bank, or of one of its accounts."""

from datetime import date, datetime, timedelta

from chalice.app import Request, Response

from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.rollups import Day, Sums
from chalicelib.analytics.summary import summary
from chalicelib.api.requests import date_range, identifier, json_answer, only_parameters
from chalicelib.banks.bank import Bank
from chalicelib.errors import RangeTooLarge, ValidationFailed
from chalicelib.ledger.money import CURRENCY_DECIMALS, currency_error
from chalicelib.ledger.times import format_time

# An answer of more would not fit into the 6 MB that Lambda returns. A bank of 80 currencies has as many in a year.
MAX_DAY_TOTALS = 30_000


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
    _check_size(asked_for, first)
    bounds = {"from": first.isoformat(), "to": last.isoformat(), "as_of": format_time(as_of)}
    return json_answer({**bounds, **summary(asked_for)})


def _check_size(days: dict[Day, Sums], first: date) -> None:
    """Raise RangeTooLarge if the days are more than one answer holds, by currency."""
    dates = sorted(day.date for day, sums in days.items() if sums.count)
    if len(dates) <= MAX_DAY_TOTALS:
        return
    # The first day that doesn't fit as a whole is left to the next request.
    last = date.fromisoformat(dates[MAX_DAY_TOTALS]) - timedelta(days=1)
    too_many = f"There are more than {MAX_DAY_TOTALS:,} totals of a day and currency"
    raise RangeTooLarge(too_many, last if last >= first else None, "Ask for one currency")
