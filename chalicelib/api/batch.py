"""A batch of transactions: each item is judged by itself, and the answer says what became of each, in order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.api import json_body, problems
from chalicelib.api.transaction_body import check_transaction
from chalicelib.banks.bank import Bank
from chalicelib.errors import (
    BodyTooLarge,
    DomainError,
    MalformedBody,
    OverQuota,
    TemporarilyUnavailable,
    TransactionConflict,
    ValidationFailed,
)
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.informing import Warnings
from chalicelib.ledger.intake import Queued, RecordResult
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.messages import unknowns
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.transaction import Transaction

MAX_ITEMS = 500
# What Lambda takes as an event is 6 MB, in which every quote of the body is escaped.
MAX_BYTES = 4 * 1024 * 1024
# The answer must fit 6 MB too, whatever is wrong with all of the items; a character of a name takes up to 14 bytes.
MAX_ITEM_ERRORS = 10
MAX_NAME = 48
RECORDED_STATUSES = ("created", "replayed", "conflict", "invalid", "retry")
QUEUED_STATUSES = ("queued", "invalid")


def items_of(body: dict[str, Any]) -> list[Any]:
    """Return a parsed body's items, none of them checked yet; raises ValidationFailed, MalformedBody."""
    json_body.check_all_but(body, "transactions")
    errors = unknowns("field", (name for name in body if name != "transactions"), ["transactions"])
    items = body.get("transactions")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        errors.append(("transactions", f"Must be a list of 1 to {MAX_ITEMS} transactions."))
        raise ValidationFailed(errors)
    if errors:
        raise ValidationFailed(errors)
    return items


@dataclass(frozen=True, slots=True)
class Loaded:
    """An item's transaction, and what was left out or cut of what only informs of it."""

    transaction: Transaction
    warnings: Warnings


def load_item(item: Any, bank: Bank, now: datetime, *, is_strict: bool, may_be_large: bool) -> Loaded | DomainError:
    """Return the transaction that an item describes, or what is wrong with it.

    With strict handling, nothing may be left out or cut. In a batch that is small, no item can be too large.
    """
    warnings: Warnings = []
    try:
        sent = dict(item) if isinstance(item, dict) else {}  # checking puts aside what can't be searched
        check_transaction(item)
        if not isinstance(item, dict):
            raise MalformedBody("A transaction must be a JSON object.")
        if may_be_large and json_body.size_of(sent) > json_body.MAX_BYTES:
            raise BodyTooLarge(json_body.MAX_BYTES)
        found = load_transaction(item, bank.id, bank.default_currency, now, None if is_strict else warnings)
        return Loaded(found, warnings)
    except DomainError as error:
        return error


def answer(
    items: Sequence[Any],
    loaded: Sequence[Loaded | DomainError],
    outcomes: Iterable[RecordResult | Queued | OverQuota],
    statuses: Sequence[str],
) -> dict[str, Any]:
    """Return the answer's body; `outcomes` are those of the loaded transactions, in order, in some of `statuses`."""
    following = iter(outcomes)
    results = []
    for index, (item, one) in enumerate(zip(items, loaded, strict=True)):
        if isinstance(one, Loaded):
            results.append(_result(index, item, next(following)) | _noted(one.warnings))
        else:
            results.append(_result(index, item, one))
    counts = Counter(result["status"] for result in results)
    return {"results": results, "counts": {status: counts[status] for status in statuses}}


def _result(index: int, item: Any, outcome: RecordResult | Queued | DomainError) -> dict[str, Any]:
    if not isinstance(outcome, DomainError):
        return {"index": index, "id": outcome.transaction.id, "status": outcome.status}
    result: dict[str, Any] = {"index": index, "id": _usable_id(item)}
    match outcome:
        case TemporarilyUnavailable() | OverQuota():
            return {**result, "status": "retry"}
        case TransactionConflict():
            result["status"] = "conflict"
        case _:
            result["status"] = "invalid"
    errors = problems.details(outcome, MAX_ITEM_ERRORS, MAX_NAME)
    # What concerns an item as a whole has no field to name.
    return {**result, "code": outcome.code, "errors": errors or [{"field": "", "message": str(outcome)}]}


def _noted(warnings: Warnings) -> dict[str, Any]:
    return {"warnings": problems.named(warnings, MAX_ITEM_ERRORS, MAX_NAME)} if warnings else {}


def _usable_id(item: Any) -> str | None:
    """Return the item's id if it is one that could be recorded: anything else is not repeated."""
    found = item.get("id") if json_body.is_object(item) else None
    if isinstance(found, str) and IDENTIFIER.fullmatch(found) and not holds_card_number(found):
        return found
    return None
