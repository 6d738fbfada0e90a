"""Account holders: who is told of an account's transactions, where, in which language, and of what."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.iso import CURRENCY_DECIMALS
from chalicelib.transactions import TYPES, ExactDecimal, Transaction, field_errors, format_time

LOCALES = ("fr", "en")
MAX_HOLDERS = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """One holder of an account. `preferences` is the contract's object, amounts in it as decimal strings."""

    id: str
    name: str
    email: str
    locale: str
    timezone: str
    preferences: Mapping[str, Any]
    enrolled_at: datetime


def _check_timezone(name: str) -> None:
    try:
        if name != "UTC" and "/" not in name:
            raise ValueError
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValidationError("Must be an IANA time zone, like Africa/Douala.") from None


_CLOCK_TIME = validate.Regexp(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z", error="Must be a time of day, like 22:00.")


class QuietHoursSchema(Schema):
    # `from` is a Python keyword; the key in the body is the contract's.
    from_ = fields.String(required=True, data_key="from", attribute="from", validate=_CLOCK_TIME)
    to = fields.String(required=True, validate=_CLOCK_TIME)


class PreferencesSchema(Schema):
    types = fields.List(fields.String(validate=validate.OneOf(TYPES)))
    min_amount = fields.Dict(
        keys=fields.String(validate=validate.OneOf(CURRENCY_DECIMALS, error="Must be an active ISO 4217 code.")),
        values=ExactDecimal(validate=validate.Range(min=0)),
    )
    quiet_hours = fields.Nested(QuietHoursSchema)
    statement = fields.String(validate=validate.OneOf(("none", "weekly", "monthly")))
    muted = fields.Boolean(truthy={True}, falsy={False})


class HolderSchema(Schema):
    name = fields.String(required=True, validate=[validate.Length(1, 140), validate.Regexp(r".*\S")])
    email = fields.String(
        required=True,
        validate=[
            validate.Length(max=254),
            validate.Email(error="Must be an e-mail address."),
            # SES takes no unencoded character outside of ASCII in an address.
            validate.Regexp(re.compile(r"[\x21-\x7e]+\Z"), error="Must be an e-mail address in ASCII."),
        ],
    )
    locale = fields.String(load_default="fr", validate=validate.OneOf(LOCALES))
    timezone = fields.String(load_default="UTC", validate=_check_timezone)
    preferences = fields.Nested(PreferencesSchema, load_default=dict)


_SCHEMA = HolderSchema()


def load_holder(body: Mapping[str, Any], holder_id: str, now: datetime) -> Holder:
    """Return the holder that `body` describes; raises ValidationFailed naming every field that breaks a rule."""
    try:
        values = _SCHEMA.load(body)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error)) from None
    minimums = values["preferences"].get("min_amount")
    if minimums:
        values["preferences"]["min_amount"] = {currency: f"{amount:f}" for currency, amount in minimums.items()}
    return Holder(id=holder_id, enrolled_at=now, **values)


def to_json(holder: Holder) -> dict[str, Any]:
    """Return the holder as the API answers it."""
    return {**dataclasses.asdict(holder), "enrolled_at": format_time(holder.enrolled_at)}


def unwanted(preferences: Mapping[str, Any], transaction: Transaction) -> str | None:
    """Return the name of the preference that keeps this transaction from being told, None if it is wanted.

    The first of these that applies: `muted`, `types`, `min_amount`.
    """
    if preferences.get("muted"):
        return "muted"
    if "types" in preferences and transaction.type not in preferences["types"]:
        return "types"
    minimum = preferences.get("min_amount", {}).get(transaction.currency)
    if minimum is not None and transaction.amount < Decimal(minimum):
        return "min_amount"
    return None
