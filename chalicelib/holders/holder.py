"""Account holders: the people who are notified of an account's transactions, and the rules of their records."""

import dataclasses
import importlib.resources
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.ledger.email_address import email_rules
from chalicelib.ledger.fields import TYPES, ExactDecimal, Pairs, TrueOrFalse, field_errors
from chalicelib.ledger.money import CURRENCY_DECIMALS, excess_decimals, without_end_zeros
from chalicelib.ledger.times import format_time
from chalicelib.ledger.visible_text import Visible

LOCALES = ("fr", "en")
MAX_HOLDERS = 20
# The time zones of the `tzdata` package. It ships with the functions, so every stage knows the same zones.
TIMEZONES = frozenset((importlib.resources.files("tzdata") / "zones").read_text().split())


@dataclasses.dataclass(frozen=True, slots=True)
class Suppressed:
    """Why no e-mail goes to an address, since when, and until when if it lapses by itself (UTC)."""

    reason: str
    since: datetime
    until: datetime | None = None

    def has_lapsed(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """A holder of an account. `locale` is a language (`fr`), `timezone` an IANA name (`Africa/Douala`).

    `preferences` is the object of the API, with amounts as decimal strings; a preference that isn't set is absent.
    `suppressed` concerns the holder's current address.
    """

    id: str
    name: str
    email: str
    locale: str
    timezone: str
    preferences: Mapping[str, Any]
    enrolled_at: datetime
    suppressed: Suppressed | None = None

    def suppression(self, now: datetime) -> Suppressed | None:
        """Return what keeps e-mails from the holder's address at this time; None if nothing does."""
        return None if self.suppressed is None or self.suppressed.has_lapsed(now) else self.suppressed

    def as_of(self, now: datetime) -> "Holder":
        """Return the holder without a suppression that has lapsed."""
        return dataclasses.replace(self, suppressed=self.suppression(now))


_TIMEZONE = validate.OneOf(TIMEZONES, error="Must be an IANA time zone, like Africa/Douala.")
_CLOCK_TIME = validate.Regexp(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z", error="Must be a time of day, like 22:00.")


class QuietHoursSchema(Schema):
    # `from` is a keyword in Python, so the field has another name than its key in the body.
    from_ = fields.String(required=True, data_key="from", attribute="from", validate=_CLOCK_TIME)
    to = fields.String(required=True, validate=_CLOCK_TIME)


class PreferencesSchema(Schema):
    types = fields.List(
        fields.String(validate=validate.OneOf(TYPES)),
        validate=[
            # An empty list would silence the holder. Some clients send one by default.
            validate.Length(min=1, error="Must not be empty: leave it out for both types."),
            validate.Length(max=len(TYPES)),
        ],
    )
    min_amount = Pairs(
        keys=fields.String(validate=validate.OneOf(CURRENCY_DECIMALS, error="Must be an active ISO 4217 code.")),
        values=ExactDecimal(validate=validate.Range(min=0, error="Must be 0 or more.")),
    )
    quiet_hours = fields.Nested(QuietHoursSchema)
    statement = fields.String(validate=validate.OneOf(("none", "weekly", "monthly")))
    muted = TrueOrFalse()


class HolderSchema(Schema):
    name = fields.String(required=True, validate=[validate.Length(max=140), Visible()])
    email = fields.String(required=True, validate=email_rules())
    locale = fields.String(load_default="fr", validate=validate.OneOf(LOCALES))
    timezone = fields.String(load_default="UTC", validate=_TIMEZONE)
    preferences = fields.Nested(PreferencesSchema, load_default=dict)


_SCHEMA = HolderSchema()


def load_holder(body: Mapping[str, Any], holder_id: str, now: datetime) -> Holder:
    """Return the holder in a request's body (JSON values), enrolled at `now`.

    Raises ValidationFailed, naming every field that breaks a rule.
    """
    try:
        values = _SCHEMA.load(body)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error)) from None
    minimums = values["preferences"].get("min_amount")
    if minimums:
        refused = {currency: excess_decimals(amount, currency) for currency, amount in minimums.items()}
        errors = [(f"preferences.min_amount.{currency}", message) for currency, message in refused.items() if message]
        if errors:
            raise ValidationFailed(errors)
        values["preferences"]["min_amount"] = {
            currency: f"{without_end_zeros(amount, CURRENCY_DECIMALS[currency]):f}"
            for currency, amount in minimums.items()
        }
    return Holder(id=holder_id, enrolled_at=now, **values)


def to_json(holder: Holder) -> dict[str, Any]:
    """Return the holder as the API answers it."""
    answer = {**dataclasses.asdict(holder), "enrolled_at": format_time(holder.enrolled_at)}
    if holder.suppressed is None:
        del answer["suppressed"]
    else:
        times = {"since": holder.suppressed.since, "until": holder.suppressed.until}
        answer["suppressed"] = {
            "reason": holder.suppressed.reason,
            **{name: format_time(time) for name, time in times.items() if time is not None},
        }
    return answer
