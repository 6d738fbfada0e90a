"""The routes of notifications: those of a transaction, and the bank's feed of all that changed."""

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
    """Answer `GET /transactions/{id}/notifications`: the delivery status of each holder's notification.

    Raises TransactionNotFound.
    """
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
    """Answer `GET /notifications`: the notifications that changed since the cursor, in order of change.

    The answer always has a cursor for the next call, also when nothing has changed. Raises InvalidCursor.
    """
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
