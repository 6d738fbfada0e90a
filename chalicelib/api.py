"""The HTTP API's side of each route: from a request and its bank to an answer."""

from datetime import date, datetime
from typing import Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib import batch, cursors
from chalicelib.analytics.rollups import Day, Sums, summary
from chalicelib.banks.bank import Bank
from chalicelib.banks.endpoints import refusal
from chalicelib.banks.settings import answer_of, load_settings, replace_settings
from chalicelib.banks.settings import to_json as settings_to_json
from chalicelib.errors import (
    CardNumberRefused,
    HolderNotFound,
    TemporarilyUnavailable,
    TransactionNotFound,
    ValidationFailed,
)
from chalicelib.holders.holder import load_holder
from chalicelib.holders.holder import to_json as holder_to_json
from chalicelib.json_body import parse_json, read_json
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.fields import TYPES
from chalicelib.ledger.intake import Queued
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.repository import Listing
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction, load_transaction, to_json
from chalicelib.requests import (
    date_range,
    flag,
    identifier,
    json_answer,
    moment,
    only_parameters,
    page_limit,
    prefers,
    seconds_left,
    sent_body,
)
from chalicelib.wiring import Services

_LISTING_PARAMETERS = ("from", "to", "type", "limit", "cursor")


def calling_bank(services: Services, request: Request) -> Bank:
    """Return the bank whose API key came with the request, and whose signature if it signs and this is a write."""
    bank = services.banks.resolve(request.headers.get("x-api-key"))
    if bank.signing_secret_arn is not None and request.method != "GET":
        services.signatures.verify(bank.signing_secret_arn, request.raw_body, request.headers)
    return bank


def record_transaction(services: Services, bank: Bank, request: Request) -> Response:
    """Answer `POST /transactions`: 201 for a new transaction, 200 for one that was recorded before, 202 for queued.

    With `?dry_run=true` it says what would happen and writes nothing.
    """
    only_parameters(request, "dry_run")
    is_dry_run = flag(request, "dry_run")
    transaction = load_transaction(read_json(*sent_body(request)), bank.id, bank.default_currency, services.now())
    if is_dry_run:
        foreseen = services.intake.foresee(transaction)
        body = to_json(foreseen.transaction)
        if not foreseen.replayed:
            del body["recorded_at"]
        return json_answer({"dry_run": True, "status": foreseen.status, "transaction": body})
    # Relative to this request's URL: a stage's name or a base path may stand before it.
    place = {"Location": f"./transactions/{transaction.id}"}
    outcome = services.intake.record_or_queue(transaction)
    if isinstance(outcome, Queued):
        return json_answer({"id": transaction.id, "status": "queued"}, 202, place)
    body = to_json(outcome.transaction)
    if outcome.replayed:
        return json_answer(body, 200, {"Idempotency-Replayed": "true"})
    return json_answer(body, 201, place)


def record_batch(services: Services, bank: Bank, request: Request) -> Response:
    """Answer `POST /transactions/batch`: what became of each, in order; 202 when the bank prefers them queued."""
    only_parameters(request)
    items = batch.items_of(parse_json(*sent_body(request), batch.MAX_BYTES))
    now = services.now()
    loaded = [batch.load_item(item, bank, now) for item in items]
    valid = [one for one in loaded if isinstance(one, Transaction)]
    if prefers(request, "respond-async"):
        services.intake.queue(valid)
        answer = batch.answer(items, loaded, [Queued(one) for one in valid], batch.QUEUED_STATUSES)
        return json_answer(answer, 202, {"Preference-Applied": "respond-async"})
    outcomes = services.intake.record_all(valid, lambda: seconds_left(request.lambda_context))
    answer = batch.answer(items, loaded, outcomes, batch.RECORDED_STATUSES)
    headers = {"Retry-After": str(TemporarilyUnavailable().retry_after_s)} if answer["counts"]["retry"] else {}
    return json_answer(answer, 200, headers)


def get_transaction(services: Services, bank: Bank, transaction_id: str, request: Request) -> Response:
    """Answer `GET /transactions/{id}`: the transaction with its flags."""
    only_parameters(request)
    wanted = unquote(transaction_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise TransactionNotFound
    transaction = services.transactions.get(bank.id, wanted)
    return json_answer({**to_json(transaction), "flags": services.flags.of(bank.id, wanted)})


def list_transactions(services: Services, bank: Bank, account: str, request: Request) -> Response:
    """Answer `GET /accounts/{account}/transactions`: newest first, a page at a time."""
    account = identifier("account", account)
    only_parameters(request, *_LISTING_PARAMETERS)
    parameters = request.query_params or {}
    listing = _listing(account, parameters)
    issued_for = [bank.id, account, *(parameters.get(name) for name in ("from", "to", "type"))]
    if "cursor" in parameters:
        before = cursors.position_in(parameters["cursor"], services.cursor_secret(), issued_for)
        listing = Listing(account, listing.start, listing.end, listing.type, listing.limit, before)
    page = services.transactions.newest_for_account(bank.id, listing)
    next_cursor = None
    if page.next_position is not None:
        next_cursor = cursors.sign(services.cursor_secret(), issued_for, page.next_position)
    found = [to_json(transaction) for transaction in page.transactions]
    return json_answer({"transactions": found, "next_cursor": next_cursor})


def put_holder(services: Services, bank: Bank, account: str, holder_id: str, request: Request) -> Response:
    """Answer `PUT /accounts/{account}/holders/{holder}`: 201 for a new holder, 200 for a replaced one."""
    only_parameters(request)
    account, holder_id = identifier("account", account), identifier("holder", holder_id)
    for field, value in (("account", account), ("holder", holder_id)):
        if holds_card_number(value):  # it would be stored, like one in the body
            raise CardNumberRefused(field)
    holder = load_holder(read_json(*sent_body(request)), holder_id, services.now())
    services.statement_index.enter(bank.id, account, holder, services.now())
    holder, is_new = services.suppression.enrol(bank.id, account, holder)
    return json_answer(holder_to_json(holder), 201 if is_new else 200)


def list_holders(services: Services, bank: Bank, account: str, request: Request) -> Response:
    """Answer `GET /accounts/{account}/holders`."""
    only_parameters(request)
    found = services.holders.of_account(bank.id, identifier("account", account))
    return json_answer({"holders": [holder_to_json(holder) for holder in found]})


def get_holder(services: Services, bank: Bank, account: str, holder_id: str, request: Request) -> Response:
    """Answer `GET /accounts/{account}/holders/{holder}`."""
    only_parameters(request)
    wanted = unquote(holder_id)
    for holder in services.holders.of_account(bank.id, identifier("account", account)):
        if holder.id == wanted:
            return json_answer(holder_to_json(holder))
    raise HolderNotFound


def delete_holder(services: Services, bank: Bank, account: str, holder_id: str, request: Request) -> Response:
    """Answer `DELETE /accounts/{account}/holders/{holder}`: erases the holder's data."""
    only_parameters(request)
    wanted = unquote(holder_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise HolderNotFound
    services.suppression.erase(bank.id, identifier("account", account), wanted)
    return Response("", {}, 204)


def get_analytics(services: Services, bank: Bank, request: Request) -> Response:
    """Answer `GET /analytics`: the bank's totals and days, current to seconds."""
    first, last, currency = _analytics_range(services, request)
    days, as_of = services.analytics.of_bank(bank.id, first, last)
    return _analytics_answer(days, first, last, currency, as_of)


def get_account_analytics(services: Services, bank: Bank, account: str, request: Request) -> Response:
    """Answer `GET /accounts/{account}/analytics`: the same for one account."""
    account = identifier("account", account)
    first, last, currency = _analytics_range(services, request)
    days, as_of = services.analytics.of_account(bank.id, account, first, last)
    return _analytics_answer(days, first, last, currency, as_of)


def get_settings(services: Services, bank: Bank, request: Request) -> Response:
    """Answer `GET /settings`: the bank's own, the defaults of all that it hasn't set included."""
    only_parameters(request)
    return json_answer(answer_of(services.bank_store.settings(bank.id)))


def put_settings(services: Services, bank: Bank, request: Request) -> Response:
    """Answer `PUT /settings`: replaces all of them."""
    only_parameters(request)
    settings = load_settings(read_json(*sent_body(request)))
    if settings.webhook_url:
        is_local = bool(services.settings.local_endpoints)
        refused = refusal(settings.webhook_url, bank.webhook_secret_arn is not None, is_local)
        if refused:
            raise ValidationFailed([("webhook_url", refused)])
    replace_settings(bank.id, settings, services.bank_store, services.operator_topic)
    return json_answer(settings_to_json(settings))


def health() -> Response:
    """Answer `GET /health`: the function runs. It touches nothing, so that a probe costs nothing."""
    return json_answer({"status": "ok"})


def _listing(account: str, parameters: Any) -> Listing:
    errors: list[tuple[str, str]] = []

    def bound(name: str, end_of_day: bool) -> datetime | None:
        if name not in parameters:
            return None
        try:
            return moment(parameters[name], end_of_day)
        except ValueError:
            errors.append((name, "Must be a date like 2026-01-31, or an RFC 3339 time with an offset."))
            return None

    start, end = bound("from", end_of_day=False), bound("to", end_of_day=True)
    if start and end and start > end:
        errors.append(("from", "Must not be after `to`."))
    kind = parameters.get("type")
    if kind is not None and kind not in TYPES:
        errors.append(("type", "Must be one of: credit, debit."))
    limit = page_limit(parameters, errors)
    if errors:
        raise ValidationFailed(errors)
    return Listing(account, start, end, kind, limit)


def _analytics_range(services: Services, request: Request) -> tuple[date, date, str | None]:
    only_parameters(request, "from", "to", "currency")
    errors: list[tuple[str, str]] = []
    first, last = date_range(request, services.now().date(), errors)
    currency = (request.query_params or {}).get("currency")
    if currency is not None and currency not in CURRENCY_DECIMALS:
        errors.append(("currency", "Must be an active ISO 4217 code, like XAF or EUR."))
    if errors:
        raise ValidationFailed(errors)
    return first, last, currency


def _analytics_answer(
    days: dict[Day, Sums], first: date, last: date, currency: str | None, as_of: datetime
) -> Response:
    asked_for = {day: sums for day, sums in days.items() if currency in (None, day.currency)}
    bounds = {"from": first.isoformat(), "to": last.isoformat(), "as_of": format_time(as_of)}
    return json_answer({**bounds, **summary(asked_for)})
