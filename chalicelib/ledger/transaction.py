"""What a transaction is: its fields and their rules, its canonical content, and its forms."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.ledger.fields import (
    STATUSES,
    TYPES,
    ExactDecimal,
    Pairs,
    QuickSchema,
    Text,
    Timestamp,
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
    merchant: Mapping[str, str] | None = None
    description: str | None = None
    balance: Decimal | None = None
    card_last4: str | None = None
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
    merchant = fields.Nested(MerchantSchema)
    description = Text(validate=validate.Length(max=280))
    balance = ExactDecimal()
    card_last4 = Text(validate=validate.Regexp(r"[0-9]{4}\Z", error="Must be the last 4 digits."))
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
    return Transaction(bank=bank, **parsed)


def settles(transaction: Transaction, stored: Transaction) -> bool:
    """Whether a settled transaction is the final form of `stored`, the one whose id it names.

    A refund names the authorization too, and is no settlement of it: the type differs. What is on another account is
    somebody else's.
    """
    return (
        stored.status == "authorized"
        and (stored.bank, stored.account, stored.type) == (transaction.bank, transaction.account, transaction.type)
        and transaction.status == "settled"
    )


def is_as_authorized(transaction: Transaction, authorization: Transaction) -> bool:
    """Whether a settlement says nothing that its authorization did not."""
    return (transaction.amount, transaction.currency) == (authorization.amount, authorization.currency)


def named_by(transaction: Transaction) -> TransactionKey | None:
    """Return the transaction that this one settles or reverses, None if it names none."""
    named = transaction.authorization_id
    if named is None or named == transaction.id or transaction.status not in ("settled", "reversed"):
        return None
    return TransactionKey(transaction.bank, named)
