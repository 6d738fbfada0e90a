"""The schemas of a bank's settings: what each field may hold. `settings` and `thresholds` say what they mean."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from chalicelib.banks.thresholds import MAX_RECENT, MODES
from chalicelib.banks.webhook_endpoints import CHOICES, MAX_ENDPOINTS
from chalicelib.ledger.email_address import canonical, email_rules
from chalicelib.ledger.fields import ActiveCurrency, ExactDecimal, Pairs, TrueOrFalse
from chalicelib.ledger.money import excess_decimals

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_CHARACTER = r"([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
_PATH = rf"(/{_CHARACTER}*)?(\?({_CHARACTER}|\?)*)?"
_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6([0-4][0-9]{3}|5([0-4][0-9]{2}|5([0-2][0-9]|3[0-5])))))?"
# The host must be a name, not an IP address: certificates are issued for names, and an address may change its owner.
URL = re.compile(rf"https://({_LABEL}\.)+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?{_PORT}{_PATH}")
LOOPBACK_URL = re.compile(rf"http://127\.0\.0\.1{_PORT}{_PATH}")
MAX_URL = 1000
NO_ENDPOINT = "Must be an https URL of a host with a name, in ASCII, without credentials or a fragment."

MAX_ADDRESSES = 10
MAX_DIGEST_AFTER = 1_000


class WholeNumber(fields.Field[int]):
    """A JSON number without a fraction, from `least` to `most`, both included."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        rule = validate.Range(least, most, error=f"Must be a whole number from {least} to {most}.")
        super().__init__(validate=rule, **options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
        if not is_number or not self.least <= value <= self.most or value != int(value):
            raise ValidationError(f"Must be a whole number from {self.least} to {self.most}.")
        return int(value)


class Factor(ExactDecimal):
    """A number from `least` to 100, or a string that holds one, with at most two decimals."""

    def __init__(self, least: int, **options: Any) -> None:
        super().__init__(validate=validate.Range(least, 100, error=f"Must be from {least} to 100."), **options)
        self.least = least

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Decimal:
        number = super()._deserialize(value, *args, **kwargs)
        if number.as_tuple().exponent < -2:  # type: ignore[operator]
            raise ValidationError("Must have at most 2 decimals.")
        return number


class FlagRuleSchema(Schema):
    mode = fields.String(validate=validate.OneOf(MODES))


class LargeAmountRuleSchema(FlagRuleSchema):
    thresholds = Pairs(
        keys=fields.String(validate=ActiveCurrency()),
        values=ExactDecimal(validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0.")),
    )

    @validates_schema
    def have_decimals_of_currency(self, data: Mapping[str, Any], **_: Any) -> None:
        found = {code: excess_decimals(amount, code) for code, amount in data.get("thresholds", {}).items()}
        if any(found.values()):
            raise ValidationError({"thresholds": {code: [message] for code, message in found.items() if message}})


class VelocityRuleSchema(FlagRuleSchema):
    count = WholeNumber(1, MAX_RECENT - 1)  # a baseline keeps no more transactions
    minutes = WholeNumber(1, 60)


class UnusualAmountRuleSchema(FlagRuleSchema):
    times = Factor(1)
    deviations = Factor(0)
    min_count = WholeNumber(2, 1000)


class DuplicateSuspectRuleSchema(FlagRuleSchema):
    minutes = WholeNumber(1, 60)


class NewCountryRuleSchema(FlagRuleSchema):
    min_count = WholeNumber(1, 1000)


class FlagRulesSchema(Schema):
    large_amount = fields.Nested(LargeAmountRuleSchema)
    velocity = fields.Nested(VelocityRuleSchema)
    unusual_amount = fields.Nested(UnusualAmountRuleSchema)
    duplicate_suspect = fields.Nested(DuplicateSuspectRuleSchema)
    new_country = fields.Nested(NewCountryRuleSchema)


def _each_once(addresses: list[str]) -> None:
    if len(set(map(canonical, addresses))) < len(addresses):
        raise ValidationError("Must name each address once.")


def _be_endpoint(url: str) -> None:
    # Whether the stage allows a loopback URL is checked by `endpoints.webhook_url_error`.
    if not (URL.fullmatch(url) or LOOPBACK_URL.fullmatch(url)):
        raise ValidationError(NO_ENDPOINT)


_URL_RULES: list[Callable[[Any], Any]] = [
    validate.Length(max=MAX_URL, error=f"Must be at most {MAX_URL} characters long."),
    _be_endpoint,
]


class WebhookEndpointSchema(Schema):
    url = fields.String(required=True, validate=_URL_RULES)
    types = fields.List(
        fields.String(validate=validate.OneOf(CHOICES)),
        required=True,
        validate=validate.Length(min=1, max=len(CHOICES), error=f"Must have 1 to {len(CHOICES)} types."),
    )


class BankSettingsSchema(Schema):
    flags = fields.Nested(FlagRulesSchema)
    alert_addresses = fields.List(
        fields.String(validate=email_rules()),
        validate=[validate.Length(max=MAX_ADDRESSES, error=f"Must have at most {MAX_ADDRESSES}."), _each_once],
    )
    webhook_url = fields.String(validate=_URL_RULES)
    webhooks = fields.List(
        fields.Nested(WebhookEndpointSchema),
        validate=validate.Length(max=MAX_ENDPOINTS, error=f"Must have at most {MAX_ENDPOINTS}."),
    )
    digest_after = WholeNumber(1, MAX_DIGEST_AFTER)
    confirm_addresses = TrueOrFalse()
    # Read-only: accepted and ignored, so that a bank can send back the settings as it got them.
    webhooks_disabled_at = fields.Raw()

    @validates_schema
    def name_each_endpoint_once(self, data: Mapping[str, Any], **_: Any) -> None:
        urls = [endpoint["url"] for endpoint in data.get("webhooks", ())]
        if len({*urls, data.get("webhook_url")}) <= len(urls):
            raise ValidationError("Must name each URL once, `webhook_url` included.", "webhooks")
