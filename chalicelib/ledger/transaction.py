"""What a transaction is: its fields and their rules, its canonical content, and its forms."""

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.ledger.fields import (
    STATUSES,
    TYPES,
    CalendarDate,
    ExactDecimal,
    Pairs,
    QuickSchema,
    Text,
    Timestamp,
    TrueOrFalse,
    field_errors,
    identifier,
)
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS, excess_decimals, format_amount
from chalicelib.ledger.times import format_time

MAX_AHEAD = timedelta(minutes=5)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction of one bank. Amounts are exact, in `currency`; times are UTC to the microsecond.

    `original` holds what was converted: `amount` (Decimal), `currency`, and `rate` (Decimal), each if it is known.
    `authorization_id` and `reversal_of` are ids of the same bank. Without `notify`, nobody is notified and nothing is
    flagged.

    `recorded_at` is the moment at which this service stored it: no part of the content that a replay repeats.
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

    @property
    def key(self) -> TransactionKey:
        return TransactionKey(self.bank, self.id)

    def differing(self, other: "Transaction") -> list[str]:
        """Return the names of the fields in which the two contents differ, sorted; empty for a replay."""
        return sorted(name for name in CONTENT if getattr(self, name) != getattr(other, name))


CONTENT = tuple(f.name for f in dataclasses.fields(Transaction) if f.name not in ("bank", "id", "recorded_at"))


class MerchantSchema(QuickSchema):
    name = Text(validate=validate.Length(1, 140))
    mcc = Text(validate=validate.Regexp(r"[0-9]{4}\Z", error="Must be 4 digits (ISO 18245)."))
    city = Text(validate=validate.Length(1, 100))
    country = Text(validate=validate.OneOf(COUNTRIES, error="Must be an ISO 3166-1 alpha-2 code."))
    id = Text(validate=validate.Length(1, 64))
    terminal_id = Text(validate=validate.Length(1, 64))


class OriginalSchema(QuickSchema):
    amount = ExactDecimal(validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0."))
    currency = Text(validate=validate.OneOf(CURRENCY_DECIMALS, error="Must be an active ISO 4217 code."))
    rate = ExactDecimal(validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0."))


class CounterpartySchema(QuickSchema):
    name = Text(validate=validate.Length(1, 140))
    account = Text(validate=validate.Length(1, 34))


class TransactionSchema(QuickSchema):
    """The fields of a posted transaction; `load_transaction` adds the rules that cross them."""

    id = Text(required=True, validate=identifier())
    account = Text(required=True, validate=identifier())
    amount = ExactDecimal(required=True, validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0."))
    type = Text(required=True, validate=validate.OneOf(TYPES))
    timestamp = Timestamp(required=True)
    currency = Text(
        validate=validate.OneOf(CURRENCY_DECIMALS, error="Must be an active ISO 4217 code, like XAF or EUR.")
    )
    status = Text(validate=validate.OneOf(STATUSES))
    authorization_id = Text(validate=identifier())
    reversal_of = Text(validate=identifier())
    merchant = fields.Nested(MerchantSchema)
    description = Text(validate=validate.Length(max=280))
    balance = ExactDecimal()
    card_last4 = Text(validate=validate.Regexp(r"[0-9]{4}\Z", error="Must be the last 4 digits."))
    booking_date = CalendarDate()
    value_date = CalendarDate()
    original = fields.Nested(OriginalSchema)
    counterparty = fields.Nested(CounterpartySchema)
    reference = Text(validate=validate.Length(1, 140))
    decline_reason = Text(validate=validate.Length(1, 140))
    notify = TrueOrFalse()
    metadata = Pairs(
        keys=Text(validate=validate.Length(1, 256)),
        values=Text(validate=validate.Length(max=256)),
        validate=validate.Length(max=20, error="Must have at most 20 entries."),
    )


_SCHEMA = TransactionSchema()


def load_transaction(body: Mapping[str, Any], bank: str, default_currency: str, now: datetime) -> Transaction:
    """Return the transaction that `body` describes, to be recorded at `now`.

    Raises ValidationFailed naming every field that breaks a rule of the contract.
    """
    try:
        values, errors = _SCHEMA.load(body), []
    except ValidationError as error:
        values, errors = error.valid_data, field_errors(error)
    # valid_data holds whatever passed its own rules, so that one answer names all that is wrong.
    currency = values.get("currency", default_currency)
    if not any(field == "currency" for field, _ in errors):
        for name in ("amount", "balance"):
            if name in values and (message := excess_decimals(values[name], currency)):
                errors.append((name, message))
    timestamp = values.get("timestamp")
    if isinstance(timestamp, datetime) and timestamp > now + MAX_AHEAD:
        errors.append(("timestamp", "Must be at most 5 minutes ahead of now."))
    status = values.get("status", "settled")
    if "reversal_of" in values and status != "reversed":
        errors.append(("reversal_of", "Must come with the status reversed only."))
    if "decline_reason" in values and status != "declined":
        errors.append(("decline_reason", "Must come with the status declined only."))
    if errors:
        raise ValidationFailed(errors)
    return Transaction(**{**values, "bank": bank, "currency": currency, "recorded_at": now})


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
        answer["original"] = {name: str(value) for name, value in answer["original"].items()}
    if answer["notify"]:
        del answer["notify"]  # as it is by default
    return answer


def from_json(values: Mapping[str, Any], bank: str) -> Transaction:
    """Return the transaction that `to_json` wrote; KeyError, ValueError or ArithmeticError if it is malformed."""
    # By name: a message may have been written by a release that knew another field.
    parsed = {name: values[name] for name in ("id", *CONTENT, "recorded_at") if name in values}
    for name in ("amount", "balance"):
        if name in parsed:
            parsed[name] = Decimal(parsed[name])
    for name in ("timestamp", "recorded_at"):
        parsed[name] = datetime.fromisoformat(parsed[name])
    return Transaction(bank=bank, **with_dates(parsed))


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
