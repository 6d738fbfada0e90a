"""What a transaction is: its fields, its content, and its forms. What a bank may post is in `posted`."""

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from chalicelib.ledger.account_numbers import is_same_account
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.money import CURRENCY_DECIMALS, format_amount, plain
from chalicelib.ledger.times import format_time

TYPES = ("credit", "debit")
STATUSES = ("settled", "authorized", "reversed", "declined")
MAX_AHEAD = timedelta(minutes=5)  # how far a bank's clock may be ahead of ours


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction of one bank. Amounts are exact, in `currency`; times are UTC to the microsecond.

    `original` holds what was converted: `amount` (Decimal), `currency`, and `rate` (Decimal), each if it is known.
    `authorization_id` and `reversal_of` are ids of the same bank. Without `notify`, nobody is notified and nothing is
    flagged.

    `recorded_at` is the moment at which this service stored it: no part of the content that a replay repeats. Of one
    that was read from the table, `recorded_shard` is its shard of the index by_recorded.
    """

    bank: str
    id: str
    account: str
    amount: Decimal
    type: str
    timestamp: datetime
    currency: str
    status: str = "settled"
    authorization_id: str | None = None
    reversal_of: str | None = None
    merchant: Mapping[str, str] | None = None
    description: str | None = None
    balance: Decimal | None = None
    card_last4: str | None = None
    booking_date: date | None = None
    value_date: date | None = None
    original: Mapping[str, Any] | None = None
    counterparty: Mapping[str, str] | None = None
    reference: str | None = None
    decline_reason: str | None = None
    notify: bool = True
    metadata: Mapping[str, str] | None = None
    recorded_at: datetime
    recorded_shard: str | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def key(self) -> TransactionKey:
        return TransactionKey(self.bank, self.id)

    def differing(self, other: "Transaction") -> list[str]:
        """Return the names of the fields in which the two contents differ, sorted; empty for a replay."""
        found = [name for name in CONTENT if getattr(self, name) != getattr(other, name)]
        if "counterparty" in found and _is_same_party(self.counterparty, other.counterparty):
            found.remove("counterparty")
        return sorted(found)


def _is_same_party(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> bool:
    """Whether two parties have the same name, and numbers of the same account."""
    if one is None or other is None or "account" not in one or "account" not in other:
        return False
    return {**one, "account": ""} == {**other, "account": ""} and is_same_account(one["account"], other["account"])


_KINDS: dict[str, type] = {
    **dict.fromkeys(("bank", "id", "account", "authorization_id", "reversal_of", "description", "card_last4"), str),
    **dict.fromkeys(("reference", "decline_reason"), str),
    **dict.fromkeys(("amount", "balance"), Decimal),
    **dict.fromkeys(("booking_date", "value_date"), date),
    **dict.fromkeys(("merchant", "original", "counterparty", "metadata"), Mapping),
    "notify": bool,
}
_REQUIRED = {"bank", "id", "account", "amount", "notify"}
_OF_TEXTS = ("merchant", "counterparty", "metadata")
_IN_ORIGINAL: dict[str, type] = {"amount": Decimal, "currency": str, "rate": Decimal}


def well_formed(transaction: Transaction) -> Transaction:
    """Return a transaction that was read from where others can write, if every step behind the door can hold it.

    Raises TypeError or ValueError where a field holds what no field of that name can: a text for a merchant, a
    currency that there isn't. What lengths and digits the API demands is not looked at again.
    """
    for name, kind in _KINDS.items():
        value = getattr(transaction, name)
        if not isinstance(value, kind) and (value is not None or name in _REQUIRED):
            raise TypeError(f"{name} is no {kind.__name__}")
    original = transaction.original or {}
    if not all(isinstance(value, _IN_ORIGINAL.get(name, object)) for name, value in original.items()):
        raise TypeError("original holds something else than its fields")
    if not all(type(text) is str for name in _OF_TEXTS for text in (getattr(transaction, name) or {}).values()):
        raise TypeError("an object of texts holds something else")
    numbers = (transaction.amount, transaction.balance, original.get("amount"), original.get("rate"))
    if not all(number is None or number.is_finite() for number in numbers):
        raise ValueError("an amount or rate is not finite")
    if transaction.timestamp.tzinfo is None or transaction.recorded_at.tzinfo is None:
        raise ValueError("a time has no offset")
    if transaction.amount <= 0:
        raise ValueError("amount is not over 0")
    currencies = {transaction.currency, original.get("currency", transaction.currency)}
    if not currencies <= CURRENCY_DECIMALS.keys():
        raise ValueError("currency is no active code")
    if transaction.type not in TYPES or transaction.status not in STATUSES:
        raise ValueError("type or status is unknown")
    return transaction


_NO_CONTENT = ("bank", "id", "recorded_at", "recorded_shard")
CONTENT = tuple(f.name for f in dataclasses.fields(Transaction) if f.name not in _NO_CONTENT)


def to_json(transaction: Transaction) -> dict[str, Any]:
    """Return the transaction as the API answers it: amounts as exact strings, absent fields left out."""
    answer = {
        name: value
        for name in ("id", "account", *CONTENT[1:], "recorded_at")
        if (value := getattr(transaction, name)) is not None
    }
    for name in ("amount", "balance"):
        if name in answer:
            answer[name] = format_amount(answer[name], transaction.currency)
    for name in ("timestamp", "recorded_at"):
        answer[name] = format_time(answer[name])
    for name in ("booking_date", "value_date"):
        if name in answer:
            answer[name] = answer[name].isoformat()
    if "original" in answer:
        answer["original"] = _original_to_json(answer["original"])
    if answer["notify"]:
        del answer["notify"]  # as it is by default
    return answer


def _original_to_json(original: Mapping[str, Any]) -> dict[str, str]:
    answer = dict(original)
    if "amount" in answer:
        currency = answer.get("currency")
        answer["amount"] = format_amount(answer["amount"], currency) if currency else plain(answer["amount"])
    if "rate" in answer:
        answer["rate"] = plain(answer["rate"])
    return answer


def from_json(values: Mapping[str, Any], bank: str) -> Transaction:
    """Return the transaction that `to_json` wrote; KeyError, TypeError, ValueError or ArithmeticError if malformed."""
    # By name: a message may have been written by a release that knew another field.
    parsed = {name: values[name] for name in ("id", *CONTENT, "recorded_at") if name in values}
    for name in ("amount", "balance"):
        if name in parsed:
            parsed[name] = Decimal(parsed[name])
    for name in ("timestamp", "recorded_at"):
        parsed[name] = datetime.fromisoformat(parsed[name])
    return well_formed(Transaction(bank=bank, **with_dates(parsed)))


def with_dates(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a stored or written transaction with its dates and what was converted parsed."""
    for name in ("booking_date", "value_date"):
        if name in values:
            values[name] = date.fromisoformat(values[name])
    if "original" in values:
        original = dict(values["original"])
        amounts = {name: Decimal(original[name]) for name in ("amount", "rate") if name in original}
        values["original"] = original | amounts
    return values
