"""The HTTP API's side of delivery proof: what became of notifications, one transaction's or all that changed."""

from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib import cursors
from chalicelib.banks.bank import Bank
from chalicelib.errors import TransactionNotFound, ValidationFailed
from chalicelib.ledger.keys import IDENTIFIER, transaction_key
from chalicelib.requests import json_answer, only_parameters, page_limit
from chalicelib.wiring import Services


def list_of_transaction(services: Services, bank: Bank, transaction_id: str, request: Request) -> Response:
    """Answer `GET /transactions/{id}/notifications`: each holder's, none for a transaction that nobody was told of."""
    only_parameters(request)
    wanted = unquote(transaction_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise TransactionNotFound
    services.transactions.get(bank.id, wanted)
    found = services.deliveries.of_transaction(transaction_key(bank.id, wanted))
    return json_answer({"notifications": found})


def feed(services: Services, bank: Bank, request: Request) -> Response:
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
        position = cursors.position_in(parameters["since"], services.cursor_secret(), issued_for)
    changes = services.notification_feed.read(bank.id, position, limit)
    found = services.deliveries.of_keys(changes.keys)
    answer = [
        {"transaction": key.transaction_key.partition("#")[2], **found[key]} for key in changes.keys if key in found
    ]
    next_cursor = cursors.sign(services.cursor_secret(), issued_for, changes.position)
    return json_answer({"notifications": answer, "next_cursor": next_cursor})
