"""What JSON Schema can't say of a valid request, for schemathesis: rules that cross fields, the clock, the cursors.

Each request that is meant to be valid is changed as little as these rules ask for; those meant to be invalid are not.
The bank and the time are those of `tests/api_server.py`.
"""

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

import schemathesis
from hypothesis import strategies as st
from marshmallow import ValidationError
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import UnsupportedMethodResponse
from schemathesis.specs.openapi.coverage import _schema as coverage_of_schemas

from chalicelib.api.batch import MAX_ITEMS
from chalicelib.ledger.email_address import email_rules
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.visible_text import has_something_visible
from tests.links import (
    BOUNCED_ACCOUNTS,
    SERVED_ACCOUNT,
    SERVED_ALERT,
    SERVED_CASES,
    SERVED_HOLDER,
    SERVED_SINCE,
    confirmation_link,
    links_for,
)
from tests.served_webhooks import TRIED_WEBHOOKS

DEFAULT_CURRENCY = "EUR"
EARLIEST, LATEST = datetime(1970, 1, 1), datetime(2026, 1, 31)  # noqa: DTZ001
RECORD = "/transactions"
HOLDER = "/accounts/{account}/holders/{holder}"
SUPPRESSION = f"{HOLDER}/suppression"
FILTERS = ("from", "to", "type", "status")
LISTING = "/accounts/{account}/transactions"
BATCH = "/transactions/batch"
PREFERENCES = "/preferences/{token}"
ALERTS = "/alerts/{token}"
ADDRESSES = "/addresses/{token}"
ATTEMPTS = ("/webhooks/attempts", "/staff/webhooks/attempts", "/staff/holders")
SEARCHES = ("/staff/transactions", "/staff/audit")
RESENT = "/staff/webhooks/resend"
SENT = "/staff/webhooks/{webhook_id}/body"
RESENDS = ("/webhooks/{webhook_id}/resend", "/staff/webhooks/{webhook_id}/resend")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]+")
FEED = "/notifications"
CASES = "/staff/cases"
CASE = "/staff/cases/{case_id}"
ANALYTICS = ("/analytics", "/accounts/{account}/analytics")
PRECISION = "/staff/flags/precision"  # of at most 92 days
TRIAL = "/staff/flags/trial"

_new = itertools.count()
_bounced = iter(BOUNCED_ACCOUNTS)
_cases = itertools.cycle(SERVED_CASES)
_tried = iter(TRIED_WEBHOOKS)
_issued: dict[str, dict[str, str]] = {}  # what else was asked for, by the cursor that was answered

# A text of so many characters is made as it comes and then held to its pattern, instead of letter by letter by the
# pattern: that took half of the time.
coverage_of_schemas.MAX_GENERATED_PATTERN_LENGTH = 60
schemathesis.openapi.format("date", st.dates(EARLIEST.date(), LATEST.date()).map(str))
schemathesis.openapi.format("date-time", st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)).map(datetime.isoformat))


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    case.headers.pop("If-Match", None)  # only what was answered is one
    if case.path == LISTING:
        _ask_for_what_there_is(case.query)
    if case.path == FEED:
        case.query.pop("since", None)  # only what the feed gave is one
    if case.path in (*ATTEMPTS, *SEARCHES):
        case.query.pop("cursor", None)
    if case.path in SEARCHES:
        _search_for_what_can_be(case.query)
    if case.path.startswith(CASE):
        case.path_parameters["case_id"] = next(_cases)
    if case.path == CASES:
        case.query.pop("cursor", None)
        if case.query.get("state", "claimed") != "claimed":
            case.query.pop("mine", None)
    if case.path == PRECISION and "from" in case.query:
        case.query["to"] = case.query["from"]
    if case.path in ANALYTICS and "from" in case.query:
        _ask_for_a_range(case.query)
    if case.path == PREFERENCES:
        _come_by_a_link(case)
        return
    if case.path == ALERTS:
        _come_by_an_alert(case)
        return
    if case.path == ADDRESSES:
        case.path_parameters["token"] = confirmation_link(SERVED_HOLDER, SERVED_SINCE).rpartition("/")[2]
        return
    if case.path == SENT:
        case.path_parameters = {"webhook_id": TRIED_WEBHOOKS[0].id}
    if case.path in RESENDS and (webhook := next(_tried, None)):
        case.path_parameters = {"webhook_id": webhook.id}
    if case.path in (SUPPRESSION, f"/staff{SUPPRESSION}") and (account := next(_bounced, None)):
        case.path_parameters = {"account": account, "holder": SERVED_HOLDER.id}
    if not isinstance(case.body, dict):
        return
    if case.path == RESENT:
        case.body = {"from": "2026-06-30", "to": "2026-06-30"}  # what is sent again goes on with no other span's cursor
        return
    if case.meta.phase.name is TestPhase.STATEFUL:
        _begin_with_something_new(case)
    for transaction in case.body.get("transactions", [case.body]):
        _fit_to_rules(transaction)
    _fit_amounts(case.body.get("preferences", {}).get("min_amount", {}), is_over_zero=False)
    if case.path == TRIAL:
        case.body["days"] = min(case.body.get("days", 1), 2)  # each is read, which takes most of a trial's time here
    _fit_settings(case.body.get("settings", {}) if case.path == TRIAL else case.body)
    for field in ("text", "note") if case.path.startswith(CASES) else ():
        if isinstance(note := case.body.get(field), str) and not has_something_visible(note):
            case.body[field] = "Called."
    if isinstance(name := case.body.get("name"), str) and not has_something_visible(name):
        case.body["name"] = "Awa"  # a schema has no categories of characters
    if isinstance(email := case.body.get("email"), str) and not _is_deliverable(email):
        case.body["email"] = "awa@bank.example"


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    is_page = (case.method, case.path, response.status_code) == ("GET", LISTING, 200)
    if is_page and (cursor := response.json()["next_cursor"]):
        _issued[cursor] = {
            name: value for name, value in case.query.items() if name in ("from", "to", "type", "status")
        }


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Keep a failure unless it is none."""
    match failure:
        case AcceptedNegativeData() if response.status_code == 412:
            return False  # refused by its If-Match, before or instead of its body
        case AcceptedNegativeData() if case.path == BATCH and isinstance(case.body, dict):
            # A batch with invalid items is accepted, and its answer says so of each of them.
            items = case.body.get("transactions")
            is_batch = set(case.body) == {"transactions"} and isinstance(items, list) and 1 <= len(items) <= MAX_ITEMS
            is_told = is_batch and (
                response.json()["counts"]["invalid"] > 0 or any(_is_lenient_with(item, response) for item in items)
            )
            return not is_told
        case AcceptedNegativeData() if case.path == TRIAL:
            return None not in _values(case.body)  # in a merge patch, null takes out what it names
        case AcceptedNegativeData() if case.path == RECORD:
            return not _is_lenient_with(case.body, response)
        case AcceptedNegativeData() if case.path in (PREFERENCES, ALERTS, ADDRESSES):
            # The form passes over what it doesn't know, and a box is checked whatever its value.
            return _TOKEN.fullmatch(str(case.path_parameters.get("token", ""))) is None
        case UnsupportedMethodResponse():
            # The transaction whose id is `batch` has the path of the batches, which can be posted to.
            return case.path_parameters != {"transaction_id": "batch"}
    return True


def _fit_to_rules(transaction: dict[str, Any]) -> None:
    """Follow the rules that cross the fields of a transaction."""
    currency = transaction.get("currency", DEFAULT_CURRENCY)
    for name in ("amount", "balance"):
        if name in transaction:
            transaction[name] = _fit(transaction[name], currency, is_over_zero=name == "amount")
    if "reversal_of" in transaction:
        transaction["status"] = "reversed"
    if transaction.get("status") != "declined":
        transaction.pop("decline_reason", None)
    original = transaction.get("original", {})
    if "amount" in original:
        original["amount"] = _fit(original["amount"], original.get("currency", DEFAULT_CURRENCY), is_over_zero=True)
    if isinstance(original.get("rate"), float):
        original["rate"] = max(round(original["rate"], 9), 0.5)


def _fit_settings(settings: dict[str, Any]) -> None:
    """Follow the rules that cross the fields of a bank's settings, or that no schema can say."""
    flags = settings.get("flags", {})
    _fit_amounts(flags.get("large_amount", {}).get("thresholds", {}), is_over_zero=True)
    unusual = flags.get("unusual_amount", {})
    for name in ("times", "deviations"):
        if isinstance(unusual.get(name), float):
            unusual[name] = round(unusual[name], 2)
    if "webhooks" in settings:
        settings["webhooks"] = [  # a URL can be named once
            {**endpoint, "url": f"https://hooks-{next(_new)}.bank.example/"} for endpoint in settings["webhooks"]
        ]
    if "alert_addresses" in settings:
        settings["alert_addresses"] = [
            address if _is_deliverable(address) else f"operator-{index}@bank.example"
            for index, address in enumerate(settings["alert_addresses"])
        ]


def _fit_amounts(amounts: dict[str, Any], *, is_over_zero: bool) -> None:
    for currency, amount in amounts.items():
        # With more digits it may look like a card number, which only an `amount` and a `balance` never do.
        fits = abs(Decimal(str(amount))) < 10**12
        amounts[currency] = _fit(amount, currency, is_over_zero=is_over_zero) if fits else 5000


def _is_lenient_with(body: Any, response: Response) -> bool:
    """Whether the app takes what the description forbids: with a warning, or as another spelling of what it allows."""
    answer = response.json()
    return "warnings" in json.dumps(answer) or any(_spells_absent(one) for one in _values(body))


def _spells_absent(value: Any) -> bool:
    return value is None or value == {} or (isinstance(value, str) and not value.strip())


def _values(body: Any) -> Iterator[Any]:
    if isinstance(body, dict):
        yield from body.values()
        for value in body.values():
            yield from _values(value)


def _begin_with_something_new(case: Case) -> None:
    """Have every sequence of requests begin alike, whatever was recorded before: it is repeated to vary its end."""
    if case.path == RECORD:
        case.body["id"] = f"new-{next(_new)}"
    elif case.path == HOLDER and not case.path_parameters["account"].startswith("new-"):
        case.path_parameters["account"] = f"new-{next(_new)}"


def _come_by_a_link(case: Case) -> None:
    """Take a link that was issued, and don't leave half of a new minimum in the form."""
    links = links_for(SERVED_ACCOUNT, SERVED_HOLDER, SERVED_SINCE)
    case.path_parameters["token"] = str(links.preferences).rpartition("/")[2]
    if isinstance(case.body, dict) and "seen" in case.body:
        for name in [name for name in case.body if name.startswith(("min_amount.", "new_"))]:
            case.body[name] = ""
        if "quiet" in case.body:
            case.body |= {"quiet_from": "22:00", "quiet_to": "07:00"}


def _come_by_an_alert(case: Case) -> None:
    """Take a link of an alert that was sent: the one whose button sends this answer."""
    links = links_for(SERVED_ACCOUNT, SERVED_HOLDER, SERVED_SINCE, alerts=[SERVED_ALERT]).answers[SERVED_ALERT]
    is_recognized = isinstance(case.body, dict) and case.body.get("answer") == "recognized"
    case.path_parameters["token"] = (links.was_me if is_recognized else links.was_not_me).rpartition("/")[2]


def _ask_for_what_there_is(query: dict[str, Any]) -> None:
    """Go on with no listing but one that was begun, and end none before its beginning."""
    if "from" in query and "to" in query:
        query["to"] = "2026-06-30"
    if "cursor" in query:
        if query["cursor"] in _issued:
            for name in FILTERS:
                query.pop(name, None)
            query |= _issued[query["cursor"]]
        else:
            del query["cursor"]


def _search_for_what_can_be(query: dict[str, Any]) -> None:
    """End none before its beginning, ask for no span that is too long, and for no amounts in the wrong order."""
    if "from" in query:
        query["from"] = "2026-01-01"
    if "to" in query:
        query["to"] = "2026-06-30"
    if "max_amount" in query:
        query.pop("min_amount", None)


def _ask_for_a_range(query: dict[str, Any]) -> None:
    """End none before its beginning, or more than a year after it: with `to`, or with today where that is not given."""
    if "to" in query:
        query["to"] = query["from"]
    else:
        query["from"] = LATEST.date().replace(day=15).isoformat()


def _is_deliverable(address: str) -> bool:
    """Whether the app takes the address: not every one that is valid has a host of the world's."""
    try:
        for rule in email_rules():
            rule(address)
    except ValidationError:
        return False
    return True


def _fit(amount: float | str, currency: str, *, is_over_zero: bool = False) -> float | str:
    """Return the amount without the decimals that its currency doesn't have, and as 1 if nothing is left."""
    exact = Decimal(str(amount))
    last = Decimal(1).scaleb(-CURRENCY_DECIMALS[currency])
    fitting = exact.quantize(last, ROUND_DOWN) if exact % last or isinstance(amount, str) else exact
    if is_over_zero and not fitting:
        fitting = Decimal(1)
    if isinstance(amount, str):
        return f"{fitting:f}"
    return int(fitting) if fitting == fitting.to_integral_value() else float(fitting)
