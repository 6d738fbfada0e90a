"""What a bank may post: a transaction's fields, their rules, and the rules that cross them.

What moves money is read strictly: a mistake in it is an error. What only informs is read leniently (`informing`).
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.ledger.account_numbers import MAX_ACCOUNT
from chalicelib.ledger.fields import (
    ActiveCurrency,
    CalendarDate,
    ExactDecimal,
    QuickSchema,
    Rate,
    Text,
    Timestamp,
    TrueOrFalse,
    field_errors,
    identifier,
)
from chalicelib.ledger.informing import AccountNumber, Code, Country, Notes, Warnings, Wording, mended
from chalicelib.ledger.money import CURRENCY_DECIMALS, has_at_most, without_end_zeros
from chalicelib.ledger.transaction import MAX_AHEAD, STATUSES, TYPES, Transaction

# With the 15 digits before the decimal point, as many as DynamoDB keeps. A rate as a float prints it has fewer.
MAX_RATE_DECIMALS = 22
_MAX_DECIMALS = max(CURRENCY_DECIMALS.values())
# What only informs of a transaction, and moves no money.
INFORMING = frozenset({"merchant", "description", "counterparty", "reference", "decline_reason", "metadata"})
_NOT_DECLINED = "Must come with the status declined only"


class MerchantSchema(QuickSchema):
    name = Wording(140)
    mcc = Code(validate=validate.Regexp(r"[0-9]{4}\Z", error="Must be 4 digits (ISO 18245)."))
    city = Wording(100)
    country = Country()
    id = Wording(64)
    terminal_id = Wording(64)


class OriginalSchema(QuickSchema):
    amount = ExactDecimal(validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0."))
    currency = Text(validate=ActiveCurrency())
    rate = Rate()


class CounterpartySchema(QuickSchema):
    name = Wording(140)
    account = AccountNumber(MAX_ACCOUNT)


class TransactionSchema(QuickSchema):
    """The fields of a posted transaction; `load_transaction` adds the rules that cross them."""

    id = Text(required=True, validate=identifier())
    account = Text(required=True, validate=identifier())
    amount = ExactDecimal(required=True, validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0."))
    type = Text(required=True, validate=validate.OneOf(TYPES))
    timestamp = Timestamp(required=True)
    currency = Text(validate=ActiveCurrency())
    status = Text(validate=validate.OneOf(STATUSES))
    authorization_id = Text(validate=identifier())
    reversal_of = Text(validate=identifier())
    merchant = fields.Nested(MerchantSchema)
    description = Wording(280)
    balance = ExactDecimal()
    card_last4 = Text(validate=validate.Regexp(r"[0-9]{4}\Z", error="Must be the last 4 digits."))
    booking_date = CalendarDate()
    value_date = CalendarDate()
    original = fields.Nested(OriginalSchema)
    counterparty = fields.Nested(CounterpartySchema)
    reference = Wording(140)
    decline_reason = Wording(140)
    notify = TrueOrFalse()
    metadata = Notes()


_SCHEMA = TransactionSchema()
FIELDS = tuple(_SCHEMA.fields)


def load_transaction(
    body: Mapping[str, Any], bank: str, default_currency: str, now: datetime, warnings: Warnings | None = None
) -> Transaction:
    """Return the transaction that `body` describes, to be recorded at `now`.

    What is left out or cut of what only informs is added to `warnings`; without a list for them, each is an error.
    Raises ValidationFailed naming every field that breaks a rule of the contract, and CardNumberRefused.
    """
    errors: Warnings = []
    found = errors if warnings is None else warnings
    try:
        values = _SCHEMA.quick(body)
    except ValidationError:
        values = _read(body, errors, found)
    currency = values.get("currency", default_currency)
    status = values.get("status", "settled")
    if not any(field == "currency" for field, _ in errors):
        _check_amounts(values, currency, errors)
    timestamp = values.get("timestamp")
    if isinstance(timestamp, datetime) and timestamp > now + MAX_AHEAD:
        errors.append(("timestamp", "Must be at most 5 minutes ahead of now."))
    if "reversal_of" in values and status != "reversed":
        errors.append(("reversal_of", "Must come with the status reversed only."))
    if "decline_reason" in values and status != "declined":
        del values["decline_reason"]
        found.append(("decline_reason", f"{_NOT_DECLINED}: left out."))
    if errors:
        raise ValidationFailed(errors)
    return Transaction(**{**values, "bank": bank, "currency": currency, "recorded_at": now})


def _read(body: Mapping[str, Any], errors: Warnings, warnings: Warnings) -> dict[str, Any]:
    """Return what passes its own rules, so that one answer names all that is wrong."""
    values: dict[str, Any]
    try:
        values = _SCHEMA.load({name: value for name, value in body.items() if name not in INFORMING})
    except ValidationError as error:
        values = error.valid_data if isinstance(error.valid_data, dict) else {}
        errors += field_errors(error, _SCHEMA)
    if values.get("original") == {}:
        del values["original"]
    for name, field in _SCHEMA.fields.items():
        if name in INFORMING and name in body:
            kept = mended(field, body[name], name, warnings)
            if kept is not None:
                values[name] = kept
    return values


def _check_amounts(values: dict[str, Any], currency: str, errors: Warnings) -> None:
    """Check all decimals, and take zeros from their ends that a currency has no place for."""
    for name in ("amount", "balance"):
        if name in values:
            values[name] = _fitted(values[name], CURRENCY_DECIMALS[currency], name, errors, currency)
    if "original" not in values:
        return
    original = values["original"] = {**values["original"]}
    if "amount" in original:
        of = original.get("currency")
        decimals = CURRENCY_DECIMALS[of] if of else _MAX_DECIMALS
        original["amount"] = _fitted(original["amount"], decimals, "original.amount", errors, of)
    if "rate" in original:
        original["rate"] = _fitted(original["rate"], MAX_RATE_DECIMALS, "original.rate", errors)


def _fitted(number: Decimal, decimals: int, field: str, errors: Warnings, currency: str | None = None) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= decimals:
        return number
    if has_at_most(decimals, number):
        return without_end_zeros(number, decimals)
    bound = (
        f"{currency} has {decimals} decimals: must have no more."
        if currency
        else f"Must have at most {decimals} decimals."
    )
    errors.append((field, bound))
    return number
