"""Account holders: the people who are notified of an account's transactions, and the rules of their records."""

import dataclasses
import importlib.resources
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from chalicelib.errors import ValidationFailed
from chalicelib.holders.locales import LANGUAGES, LocaleTag
from chalicelib.ledger.email_address import email_rules
from chalicelib.ledger.fields import ActiveCurrency, ExactDecimal, Pairs, TrueOrFalse, field_errors
from chalicelib.ledger.merge_patch import merged
from chalicelib.ledger.money import CURRENCY_DECIMALS, excess_decimals, without_end_zeros
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import TYPES
from chalicelib.ledger.visible_text import Visible

LOCALES = LANGUAGES  # of the e-mails and the pages
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
    """A holder of an account. `locale` is a language, or a language and a region (`fr`, `fr-CM`).

    `timezone` is an IANA name (`Africa/Douala`).

    `preferences` is the object of the API, with amounts as decimal strings; a preference that isn't set is absent. They
    are what counts: the bank's (`bank_preferences`), and in their place, field by field, what the holder has chosen
    (`choices`, where None means that the holder wants the preference not set). Only `choice` makes one of the other.
    `enrolled_at` is when the bank last replaced the holder or the address, `updated_at` when anybody last changed
    something. `suppressed` concerns the holder's current address, and so do `confirmation_asked_at`, when the bank's
    holders had to confirm it, and `address_confirmed_at`: see `confirmation`.

    `alias` is random, and what notifications are kept under in the id's place (`notified_as`): nobody finds the holder
    by them once the record is erased. `told_from` is set where somebody had been erased from the account before: who
    is enrolled after that isn't told of what was recorded until then, also not under the same id.

    The fields from `bank_preferences` on are None in a record of a release that didn't have them.
    """

    id: str
    name: str
    email: str
    locale: str
    timezone: str
    preferences: Mapping[str, Any]
    enrolled_at: datetime
    suppressed: Suppressed | None = None
    bank_preferences: Mapping[str, Any] | None = None
    choices: Mapping[str, Any] | None = None
    preferences_chosen_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    confirmation_asked_at: datetime | None = None
    address_confirmed_at: datetime | None = None
    alias: str = ""
    told_from: datetime | None = None

    @property
    def notified_as(self) -> str:
        """Under which name notifications are kept: the alias, the id in a record of a release that had none."""
        return self.alias or self.id

    def hears_of(self, recorded_at: datetime) -> bool:
        """Return whether the holder is told of what was recorded at this time."""
        return self.told_from is None or recorded_at > self.told_from

    @property
    def awaits_confirmation(self) -> bool:
        """Whether the holder gets no e-mail yet, because nobody has confirmed that the address is the holder's."""
        return self.confirmation_asked_at is not None and self.address_confirmed_at is None

    @property
    def asked(self) -> Mapping[str, Any]:
        """What the bank prefers for the holder."""
        return self.preferences if self.bank_preferences is None else self.bank_preferences

    @property
    def chosen(self) -> Mapping[str, Any]:
        """What the holder has chosen.

        A record of an earlier release doesn't say who chose. There, `muted` is taken for the holder's own choice:
        nobody who has unsubscribed may get e-mails again because the bank sends the record again.
        """
        if self.choices is not None:
            return self.choices
        return {"muted": True} if self.preferences.get("muted") else {}

    @property
    def has_alerts(self) -> bool:
        """Whether the holder gets security alerts."""
        return self.preferences.get("alerts") is not False

    @property
    def changed_at(self) -> datetime:
        """When anybody last changed something."""
        return self.updated_at or self.enrolled_at

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
        keys=fields.String(validate=ActiveCurrency()),
        values=ExactDecimal(validate=validate.Range(min=0, error="Must be 0 or more.")),
    )
    quiet_hours = fields.Nested(QuietHoursSchema)
    statement = fields.String(validate=validate.OneOf(("none", "weekly", "monthly")))
    muted = TrueOrFalse()
    alerts = TrueOrFalse()


class HolderSchema(Schema):
    name = fields.String(required=True, validate=[validate.Length(max=140), Visible()])
    email = fields.String(required=True, validate=email_rules())
    locale = LocaleTag(load_default=LOCALES[0])
    timezone = fields.String(load_default="UTC", validate=_TIMEZONE)
    preferences = fields.Nested(PreferencesSchema, load_default=dict)


_SCHEMA = HolderSchema()


def load_holder(body: Mapping[str, Any], holder_id: str, now: datetime) -> Holder:
    """Return the holder in a request's body (JSON values), enrolled at `now`.

    Raises ValidationFailed, naming every field that breaks a rule.
    """
    values = _loaded(body)
    return Holder(
        id=holder_id,
        enrolled_at=now,
        bank_preferences=values["preferences"],
        choices={},
        preferences_chosen_at=now,
        created_at=now,
        updated_at=now,
        **values,
    )


def load_patch(patch: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new values of the fields that a merge patch (RFC 7396) names; `before` has the bank's present values.

    A field that the patch removes (null) gets its default. The fields that it doesn't name are not judged: what an
    earlier release has taken must not keep a bank from changing something else. Raises ValidationFailed.
    """
    after = merged({name: value for name, value in before.items() if name in patch}, patch)
    return _loaded(after, partial=tuple(name for name in _SCHEMA.fields if name not in patch))


def _loaded(body: Mapping[str, Any], partial: tuple[str, ...] = ()) -> dict[str, Any]:
    try:
        values: dict[str, Any] = _SCHEMA.load(body, partial=partial)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error, _SCHEMA)) from None
    minimums = values.get("preferences", {}).get("min_amount")
    if minimums:
        refused = {currency: excess_decimals(amount, currency) for currency, amount in minimums.items()}
        errors = [(f"preferences.min_amount.{currency}", message) for currency, message in refused.items() if message]
        if errors:
            raise ValidationFailed(errors)
        values["preferences"]["min_amount"] = {
            currency: f"{without_end_zeros(amount, CURRENCY_DECIMALS[currency]):f}"
            for currency, amount in minimums.items()
        }
    return values


def to_json(holder: Holder) -> dict[str, Any]:
    """Return the holder as the API answers it."""
    enrolled_at = holder.enrolled_at
    answer: dict[str, Any] = {
        "id": holder.id,
        "name": holder.name,
        "email": holder.email,
        "locale": holder.locale,
        "timezone": holder.timezone,
        "preferences": dict(holder.preferences),
        "preferences_chosen_by": "holder" if holder.chosen else "bank",
        "preferences_chosen_at": format_time(holder.preferences_chosen_at or enrolled_at),
        "created_at": format_time(holder.created_at or enrolled_at),
        "enrolled_at": format_time(enrolled_at),
        "updated_at": format_time(holder.changed_at),
    }
    confirmation = {name: getattr(holder, name) for name in ("confirmation_asked_at", "address_confirmed_at")}
    answer |= {name: format_time(at) for name, at in confirmation.items() if at is not None}
    if holder.suppressed is not None:
        times = {"since": holder.suppressed.since, "until": holder.suppressed.until}
        answer["suppressed"] = {
            "reason": holder.suppressed.reason,
            **{name: format_time(time) for name, time in times.items() if time is not None},
        }
    return answer
