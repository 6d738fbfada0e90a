"""Transactions: recorded one by one or in batches, read by id, listed by account."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import batch, cursors, problems
from chalicelib.api.json_body import MAX_BYTES, parse_json
from chalicelib.api.requests import (
    choice,
    flag,
    identifier,
    json_answer,
    only_parameters,
    page_limit,
    preferences,
    seconds_left,
    sent_body,
    time_span,
)
from chalicelib.api.transaction_body import read_transaction
from chalicelib.aws import telemetry
from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import Metered
from chalicelib.banks.quotas import Quotas
from chalicelib.errors import OverQuota, TemporarilyUnavailable, TransactionNotFound, ValidationFailed
from chalicelib.ledger.informing import Warnings
from chalicelib.ledger.intake import Intake, Queued
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction, to_json

if TYPE_CHECKING:
    from chalicelib.banks.pace import Pace
    from chalicelib.flags.repository import FlagRepository
    from chalicelib.ledger.purchases_repository import PurchaseRepository

_FILTERS = ("from", "to", "type", "status")


def record_transaction(bank: Bank, request: Request, *, intake: Intake, quotas: Quotas, now: datetime) -> Response:
    """Answer `POST /transactions`: 201 for a new transaction, 200 for one that was recorded before, 202 for queued.

    With `?dry_run=true` it says what would happen and writes nothing. Raises OverQuota.
    """
    only_parameters(request, "dry_run")
    is_dry_run = flag(request, "dry_run")
    is_strict, applied = _handling(request)
    warnings: Warnings | None = None if is_strict else []
    body = read_transaction(*sent_body(request))
    transaction = load_transaction(body, bank.id, bank.default_currency, now, warnings)
    telemetry.note(transactions=telemetry.about([(bank.id, transaction.id)]))
    noted = {"warnings": problems.named(warnings)} if warnings else {}
    if is_dry_run:
        foreseen = intake.foresee(transaction)
        seen = to_json(foreseen.transaction)
        if not foreseen.replayed:
            del seen["recorded_at"]
        return json_answer({"dry_run": True, "status": foreseen.status, "transaction": seen, **noted}, 200, applied)
    if not quotas.take(bank, Metered.TRANSACTIONS, 1):
        raise OverQuota(quotas.seconds_left())
    place = {"Location": _place(request, transaction)}
    outcome = intake.record_or_queue(transaction)
    if isinstance(outcome, Queued):
        return json_answer({"id": transaction.id, "status": "queued", **noted}, 202, place | applied)
    answer = {**to_json(outcome.transaction), **noted}
    if outcome.replayed:
        return json_answer(answer, 200, {"Idempotency-Replayed": "true", **applied})
    return json_answer(answer, 201, place | applied)


def _handling(request: Request) -> tuple[bool, dict[str, str]]:
    """Return whether the request prefers strict handling, and the header that says how it is handled, if it prefers."""
    handling = preferences(request).get("handling")
    applied = {"Preference-Applied": f"handling={handling}"} if handling in ("strict", "lenient") else {}
    return handling == "strict", applied


def _place(request: Request, transaction: Transaction) -> str:
    """Return where the transaction is, relative to this request's URL.

    A stage's name or a base path may stand before the path that the app knows. What is relative leads the same way
    behind each of them; but behind a slash at the path's end, one step less.
    """
    # Both are as they were sent, the one with a stage or a base path; `chalice local` gives the context's only.
    paths = (request.context.get("path"), request.to_original_event().get("path"))
    has_slash = any(path is not None and path.endswith("/") for path in paths)
    return f"./{transaction.id}" if has_slash else f"./transactions/{transaction.id}"


def record_batch(
    bank: Bank, request: Request, *, intake: Intake, quotas: Quotas, pace: "Pace", now: datetime
) -> Response:
    """Answer `POST /transactions/batch`: the outcome of each item, in order; 202 when the bank prefers them queued.

    Items over the day's quota, or over the plan's pace, are to be sent again. Raises OverQuota for a batch that is to
    be queued.
    """
    only_parameters(request)
    raw, content_type = sent_body(request)
    items = batch.items_of(parse_json(raw, content_type, batch.MAX_BYTES))
    is_strict, applied = _handling(request)
    loaded = [
        batch.load_item(item, bank, now, is_strict=is_strict, may_be_large=len(raw) > MAX_BYTES) for item in items
    ]
    valid = [one.transaction for one in loaded if isinstance(one, batch.Loaded)]
    telemetry.note(transactions=telemetry.about((bank.id, one.id) for one in valid))
    if "respond-async" in preferences(request):
        granted = quotas.take(bank, Metered.TRANSACTIONS, len(valid))
        if granted < len(valid):
            quotas.give_back(bank, Metered.TRANSACTIONS, granted)
            raise OverQuota(quotas.seconds_left())
        intake.queue(valid)
        answer = batch.answer(items, loaded, [Queued(one) for one in valid], batch.QUEUED_STATUSES)
        return json_answer(answer, 202, {"Preference-Applied": ", ".join(["respond-async", *applied.values()])})
    paced, wait_s = pace.take(bank.id, bank.plan, len(valid))
    granted = quotas.take(bank, Metered.TRANSACTIONS, paced)
    outcomes = intake.record_all(valid[:granted], lambda: seconds_left(request.lambda_context))
    refused: list[OverQuota | TemporarilyUnavailable] = [OverQuota(quotas.seconds_left()) for _ in valid[granted:paced]]
    refused += [TemporarilyUnavailable(wait_s) for _ in valid[paced:]]
    answer = batch.answer(items, loaded, [*outcomes, *refused], batch.RECORDED_STATUSES)
    if answer["counts"]["retry"]:
        later = refused[0] if refused else TemporarilyUnavailable()
        applied["Retry-After"] = str(later.retry_after_s)
    return json_answer(answer, 200, applied)


def get_transaction(
    bank: Bank,
    transaction_id: str,
    request: Request,
    *,
    transactions: TransactionRepository,
    flags: "FlagRepository",
    purchases: "PurchaseRepository",
) -> Response:
    """Answer `GET /transactions/{id}`: the transaction with its flags, the holders' answers, and what it has to do with
    others."""
    only_parameters(request)
    wanted = unquote(transaction_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise TransactionNotFound
    return json_answer(with_details(transactions.get(bank.id, wanted), transactions, flags, purchases))


def list_transactions(
    bank: Bank,
    account: str,
    request: Request,
    *,
    transactions: TransactionRepository,
    flags: "FlagRepository",
    cursor_secret: Callable[[], str],
) -> Response:
    """Answer `GET /accounts/{account}/transactions`: newest first, each with its flags, a page at a time."""
    account = identifier("account", account)
    only_parameters(request, *_FILTERS, "limit", "cursor")
    parameters = request.query_params or {}
    listing = _listing(account, parameters)
    issued_for = [bank.id, account, *(parameters.get(name) for name in _FILTERS)]
    if listing.status is None:
        issued_for.pop()  # as cursors were issued before there was a choice of status
    if "cursor" in parameters:
        listing = replace(listing, before=cursors.position_in(parameters["cursor"], cursor_secret(), issued_for))
    page = transactions.newest_for_account(bank.id, listing)
    next_cursor = None
    if page.next_position is not None:
        next_cursor = cursors.sign(cursor_secret(), issued_for, page.next_position)
    return json_answer({"transactions": with_flags(page.transactions, flags), "next_cursor": next_cursor})


def with_flags(transactions: Sequence[Transaction], flags: "FlagRepository") -> list[dict[str, Any]]:
    """Return the transactions as the API answers them in a list: each with its flags."""
    found = flags.of_transactions(transaction.key for transaction in transactions)
    return [{**to_json(one), "flags": found.get(one.key, {})} for one in transactions]


def with_details(
    transaction: Transaction,
    transactions: TransactionRepository,
    flags: "FlagRepository",
    purchases: "PurchaseRepository",
) -> dict[str, Any]:
    """Return a transaction as the API answers it alone: with its flags, the holders' answers, and related ones."""
    from chalicelib.flags.answers import MAX_ANSWERS
    from chalicelib.ledger.relations import relations_of

    related = [relation._asdict() for relation in relations_of(transaction, transactions, purchases)]
    found, answers = flags.with_answers(transaction.bank, transaction.id)
    given = {"answers": [answer.to_json() for answer in answers[:MAX_ANSWERS]]} if answers else {}
    return {**to_json(transaction), "flags": found, **given, "related": related}


def _listing(account: str, parameters: Any) -> Listing:
    errors: list[tuple[str, str]] = []
    start, end = time_span(parameters, errors)
    chosen = {name: choice(parameters, name, known, errors) for name, known in (("type", TYPES), ("status", STATUSES))}
    limit = page_limit(parameters, errors)
    if errors:
        raise ValidationFailed(errors)
    return Listing(account, start, end, **chosen, limit=limit)
