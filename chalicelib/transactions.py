"""What a transaction is: its fields and their rules, its canonical content, and its forms."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.iso import COUNTRIES, CURRENCY_DECIMALS
from chalicelib.schemas import QuickSchema, Text

MAX_AHEAD = timedelta(minutes=5)
MAX_INTEGER_DIGITS = 15
TYPES = ("credit", "debit")
STATUSES = ("settled", "authorized", "reversed", "declined")

IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")  # JSON's grammar (RFC 8259, 6)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIMESTAMP = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt]({_CLOCK}:[0-9]{{2}})(\.[0-9]+)?([Zz]|[+-]{_CLOCK})")


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

    def differing(self, other: "Transaction") -> list[str]:
        """Return the names of the fields in which the two contents differ, sorted; empty for a replay."""
        return sorted(name for name in CONTENT if getattr(self, name) != getattr(other, name))


CONTENT = tuple(f.name for f in dataclasses.fields(Transaction) if f.name not in ("bank", "id", "recorded_at"))


def identifier() -> validate.Regexp:
    """Return the rule for ids that banks choose."""
    return validate.Regexp(
        re.compile(rf"{IDENTIFIER.pattern}\Z"), error="Must be 1 to 64 characters of A-Z a-z 0-9 . _ -"
    )


class ExactDecimal(fields.Field[Decimal]):
    """A JSON number or a string of the same form, as the Decimal that was written."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number or (isinstance(value, str) and _NUMBER.fullmatch(value)):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite():
            raise ValidationError("Must be a number, or a string that holds one.")
        if value.adjusted() >= MAX_INTEGER_DIGITS:
            raise ValidationError(f"Must have at most {MAX_INTEGER_DIGITS} digits before the decimal point.")
        return value if value else abs(value)  # there is no negative zero in an account


class Timestamp(fields.Field[datetime]):
    """An RFC 3339 date and time with an offset, as UTC. Digits beyond the microsecond are cut off."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            return parse_time(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Pairs(fields.Dict):
    """An object with free keys. What is wrong with a pair, be it the key or the value, is said of the key."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            if isinstance(error.messages, dict):
                by_part = error.messages.items()
                flat = {key: [text for texts in parts.values() for text in texts] for key, parts in by_part}
                raise ValidationError(flat) from None
            raise


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


def excess_decimals(amount: Decimal, currency: str) -> str | None:
    """Return what to say of an amount that is written with more decimals than its currency has, else None."""
    decimals = CURRENCY_DECIMALS[currency]
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > decimals:
        return f"{currency} has {decimals} decimals: must have no more."
    return None


def field_errors(error: ValidationError) -> list[tuple[str, str]]:
    """Return marshmallow's nested messages as (dotted field, message) pairs, in the schema's order."""

    def flatten(messages: Any, path: str) -> list[tuple[str, str]]:
        if isinstance(messages, dict):
            # marshmallow tells of an object as a whole under `_schema`; of the body itself it never has to.
            return [
                found
                for key, value in messages.items()
                for found in flatten(value, path if path and key == "_schema" else f"{path}.{key}")
            ]
        return [(path.removeprefix("."), str(message)) for message in messages]

    return flatten(error.messages, "")


def parse_time(text: Any) -> datetime:
    """Return an RFC 3339 date and time with an offset as UTC, to the microsecond; raises ValueError."""
    match = _TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("Must be an RFC 3339 date and time with an offset, like 2026-01-10T14:00:00Z.")
    date, time, fraction, offset = match.groups()
    try:
        return datetime.fromisoformat(f"{date}T{time}{(fraction or '')[:7]}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Is no date and time of the calendar.") from None


def format_amount(amount: Decimal, currency: str) -> str:
    """Return the amount as an exact decimal string with all of the currency's decimals, like 250.50."""
    return f"{amount:.{CURRENCY_DECIMALS[currency]}f}"


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC, with a fraction only where there is one: 2026-01-10T14:00:00Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


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
