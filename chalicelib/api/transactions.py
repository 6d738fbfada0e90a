"""Transactions: recorded one by one or in batches, read by id, listed by account."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import batch, cursors
from chalicelib.api.json_body import parse_json, read_json
from chalicelib.api.requests import (
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
from chalicelib.banks.bank import Bank
from chalicelib.errors import TemporarilyUnavailable, TransactionNotFound, ValidationFailed
from chalicelib.flags.repository import FlagRepository
from chalicelib.ledger.fields import TYPES
from chalicelib.ledger.intake import Intake, Queued
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.relations import relations_of
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.transaction import Transaction, load_transaction, to_json

_LISTING_PARAMETERS = ("from", "to", "type", "limit", "cursor")


def record_transaction(bank: Bank, request: Request, *, intake: Intake, now: datetime) -> Response:
    """Answer `POST /transactions`: 201 for a new transaction, 200 for one that was recorded before, 202 for queued.

    With `?dry_run=true` it says what would happen and writes nothing.
    """
    only_parameters(request, "dry_run")
    is_dry_run = flag(request, "dry_run")
    transaction = load_transaction(read_json(*sent_body(request)), bank.id, bank.default_currency, now)
    if is_dry_run:
        foreseen = intake.foresee(transaction)
        body = to_json(foreseen.transaction)
        if not foreseen.replayed:
            del body["recorded_at"]
        return json_answer({"dry_run": True, "status": foreseen.status, "transaction": body})
    # Relative to this request's URL: a stage's name or a base path may stand before it.
    place = {"Location": f"./transactions/{transaction.id}"}
    outcome = intake.record_or_queue(transaction)
    if isinstance(outcome, Queued):
        return json_answer({"id": transaction.id, "status": "queued"}, 202, place)
    body = to_json(outcome.transaction)
    if outcome.replayed:
        return json_answer(body, 200, {"Idempotency-Replayed": "true"})
    return json_answer(body, 201, place)


def record_batch(bank: Bank, request: Request, *, intake: Intake, now: datetime) -> Response:
    """Answer `POST /transactions/batch`: the outcome of each item, in order; 202 when the bank prefers them queued."""
    only_parameters(request)
    items = batch.items_of(parse_json(*sent_body(request), batch.MAX_BYTES))
    loaded = [batch.load_item(item, bank, now) for item in items]
    valid = [one for one in loaded if isinstance(one, Transaction)]
    if prefers(request, "respond-async"):
        intake.queue(valid)
        answer = batch.answer(items, loaded, [Queued(one) for one in valid], batch.QUEUED_STATUSES)
        return json_answer(answer, 202, {"Preference-Applied": "respond-async"})
    outcomes = intake.record_all(valid, lambda: seconds_left(request.lambda_context))
    answer = batch.answer(items, loaded, outcomes, batch.RECORDED_STATUSES)
    headers = {"Retry-After": str(TemporarilyUnavailable().retry_after_s)} if answer["counts"]["retry"] else {}
    return json_answer(answer, 200, headers)


def get_transaction(
    bank: Bank,
    transaction_id: str,
    request: Request,
    *,
    transactions: TransactionRepository,
    flags: FlagRepository,
    purchases: PurchaseRepository,
) -> Response:
    """Answer `GET /transactions/{id}`: the transaction with its flags, and what it has to do with others."""
    only_parameters(request)
    wanted = unquote(transaction_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise TransactionNotFound
    transaction = transactions.get(bank.id, wanted)
    related = [relation._asdict() for relation in relations_of(transaction, transactions, purchases)]
    return json_answer({**to_json(transaction), "flags": flags.of(bank.id, wanted), "related": related})


def list_transactions(
    bank: Bank,
    account: str,
    request: Request,
    *,
    transactions: TransactionRepository,
    cursor_secret: Callable[[], str],
) -> Response:
    """Answer `GET /accounts/{account}/transactions`: newest first, a page at a time."""
    account = identifier("account", account)
    only_parameters(request, *_LISTING_PARAMETERS)
    parameters = request.query_params or {}
    listing = _listing(account, parameters)
    issued_for = [bank.id, account, *(parameters.get(name) for name in ("from", "to", "type"))]
    if "cursor" in parameters:
        listing = replace(listing, before=cursors.position_in(parameters["cursor"], cursor_secret(), issued_for))
    page = transactions.newest_for_account(bank.id, listing)
    next_cursor = None
    if page.next_position is not None:
        next_cursor = cursors.sign(cursor_secret(), issued_for, page.next_position)
    found = [to_json(transaction) for transaction in page.transactions]
    return json_answer({"transactions": found, "next_cursor": next_cursor})


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
