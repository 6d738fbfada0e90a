"""The delivery status of e-mails: of one transaction, or the feed of all that changed."""

from collections.abc import Callable
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import cursors
from chalicelib.api.requests import json_answer, only_parameters, page_limit
from chalicelib.banks.bank import Bank
from chalicelib.errors import TransactionNotFound, ValidationFailed
from chalicelib.ledger.keys import IDENTIFIER, TransactionKey
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.records import NotificationRecords


def list_of_transaction(
    bank: Bank,
    transaction_id: str,
    request: Request,
    *,
    transactions: TransactionRepository,
    records: NotificationRecords,
) -> Response:
    """Answer `GET /transactions/{id}/notifications`: one for each holder, none where nobody was notified."""
    only_parameters(request)
    wanted = unquote(transaction_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise TransactionNotFound
    transactions.get(bank.id, wanted)
    found = records.of_transaction(TransactionKey(bank.id, wanted))
    return json_answer({"notifications": found})


def list_changes(
    bank: Bank,
    request: Request,
    *,
    feed: NotificationFeed,
    records: NotificationRecords,
    cursor_secret: Callable[[], str],
) -> Response:
    """Answer `GET /notifications`: what has changed since the cursor, in order, and always a cursor to go on from."""
    only_parameters(request, "since", "limit")
    parameters = request.query_params or {}
    errors: list[tuple[str, str]] = []
    limit = page_limit(parameters, errors)
    if errors:
        raise ValidationFailed(errors)
    issued_for = [bank.id, "notifications"]
    position = ""
    if "since" in parameters:
        position = cursors.position_in(parameters["since"], cursor_secret(), issued_for)
    changes = feed.read(bank.id, position, limit)
    found = records.of_keys(changes.keys)
    answer = [{"transaction": key.transaction, **found[key]} for key in changes.keys if key in found]
    next_cursor = cursors.sign(cursor_secret(), issued_for, changes.position)
    return json_answer({"notifications": answer, "next_cursor": next_cursor})
