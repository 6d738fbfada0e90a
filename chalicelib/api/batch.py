"""A batch of transactions: each item is judged by itself, and the answer says what became of each, in order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from chalicelib.api import json_body, problems
from chalicelib.banks.bank import Bank
from chalicelib.errors import DomainError, MalformedBody, TemporarilyUnavailable, TransactionConflict, ValidationFailed
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.intake import Queued, RecordResult
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.transaction import Transaction, load_transaction

MAX_ITEMS = 500
# What Lambda takes as an event is 6 MB, in which every quote of the body is escaped.
MAX_BYTES = 4 * 1024 * 1024
# The answer must fit 6 MB too, whatever is wrong with all of the items; a character of a name takes up to 12 bytes.
MAX_ITEM_ERRORS = 10
MAX_NAME = 64
RECORDED_STATUSES = ("created", "replayed", "conflict", "invalid", "retry")
QUEUED_STATUSES = ("queued", "invalid")


def items_of(body: dict[str, Any]) -> list[Any]:
    """Return a parsed body's items, none of them checked yet; raises ValidationFailed, MalformedBody."""
    json_body.check_all_but(body, "transactions")
    errors = [(name, "Unknown field.") for name in body if name != "transactions"]
    items = body.get("transactions")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        errors.append(("transactions", f"Must be a list of 1 to {MAX_ITEMS} transactions."))
        raise ValidationFailed(errors)
    if errors:
        raise ValidationFailed(errors)
    return items


def load_item(item: Any, bank: Bank, now: datetime) -> Transaction | DomainError:
    """Return the transaction that an item describes, or what is wrong with it."""
    try:
        json_body.check(item)
        if not isinstance(item, dict):
            raise MalformedBody("A transaction must be a JSON object.")
        return load_transaction(item, bank.id, bank.default_currency, now)
    except DomainError as error:
        return error


def answer(
    items: Sequence[Any],
    loaded: Sequence[Transaction | DomainError],
    outcomes: Iterable[RecordResult | Queued],
    statuses: Sequence[str],
) -> dict[str, Any]:
    """Return the answer's body; `outcomes` are those of the loaded transactions, in order, in some of `statuses`."""
    following = iter(outcomes)
    results = [
        _result(index, item, next(following) if isinstance(one, Transaction) else one)
        for index, (item, one) in enumerate(zip(items, loaded, strict=True))
    ]
    counts = Counter(result["status"] for result in results)
    return {"results": results, "counts": {status: counts[status] for status in statuses}}


def _result(index: int, item: Any, outcome: RecordResult | Queued | DomainError) -> dict[str, Any]:
    if not isinstance(outcome, DomainError):
        return {"index": index, "id": outcome.transaction.id, "status": outcome.status}
    result: dict[str, Any] = {"index": index, "id": _usable_id(item)}
    match outcome:
        case TemporarilyUnavailable():
            return {**result, "status": "retry"}
        case TransactionConflict():
            result["status"] = "conflict"
        case _:
            result["status"] = "invalid"
    errors = [
        {"field": one["field"][:MAX_NAME], "message": one["message"]}
        for one in problems.details(outcome)[:MAX_ITEM_ERRORS]
    ]
    # What concerns an item as a whole has no field to name.
    return {**result, "code": outcome.code, "errors": errors or [{"field": "", "message": str(outcome)}]}


def _usable_id(item: Any) -> str | None:
    """Return the item's id if it is one that could be recorded: anything else is not repeated."""
    found = item.get("id") if json_body.is_object(item) else None
    if isinstance(found, str) and IDENTIFIER.fullmatch(found) and not holds_card_number(found):
        return found
    return None
