"""Schemas of what the API takes, made from the marshmallow schemas that check it."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields, validate

from chalicelib.api.batch import MAX_ITEMS
from chalicelib.api.preferences_form import STATEMENTS
from chalicelib.banks.schemas import MAX_URL, URL, BankSettingsSchema, Factor, WholeNumber
from chalicelib.holders.holder import TIMEZONES, HolderSchema
from chalicelib.ledger.fields import TYPES, ExactDecimal, Pairs, Timestamp
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS, MAX_INTEGER_DIGITS
from chalicelib.ledger.transaction import TransactionSchema
from openapi import settings_texts

Json = dict[str, Any]

IDENTIFIER_SCHEMA: Json = {"type": "string", "pattern": f"^{IDENTIFIER.pattern}$"}
# An exact decimal as a string, without what makes one of a certain sign or over 0.
DIGITS = rf"(0|[1-9][0-9]{{0,{MAX_INTEGER_DIGITS - 1}}})(\.[0-9]{{1,{max(CURRENCY_DECIMALS.values())}}})?"
OVER_ZERO = r"(?!0(\.0+)?$)"
# All that is left of a string by what `json_body` refuses in it.
_TEXT = r"[^\u0000-\u001f\u007f-\u009f\ufffd-\uffff]*"
WEBHOOK_URL: Json = {"type": "string", "format": "uri", "pattern": f"^{URL.pattern}$", "maxLength": MAX_URL}
# Lists that would be repeated at every field are schemas of their own.
_CODES = {
    "Currency": (CURRENCY_DECIMALS, "An active ISO 4217 code."),
    "Country": (COUNTRIES, "An ISO 3166-1 alpha-2 code."),
    "TimeZone": (TIMEZONES, "An IANA time zone."),
}
_DESCRIPTIONS = {
    "Transaction": {
        "id": "The bank's own id: unique within the bank, for ever.",
        "account": "The account that it moves money on.",
        "amount": "Over 0, with no more decimals, **as written**, than the currency has: `250.00` is refused for XAF. "
        "Read exactly, never through binary floating point.",
        "type": "Which way the money went, as the account sees it.",
        "timestamp": "When it happened: RFC 3339 with an offset, at most 5 minutes ahead of now. Digits beyond the "
        "microsecond are cut off; leap seconds are refused.",
        "currency": "The bank's default currency if it is left out.",
        "status": "`settled` if it is left out. Only settled transactions count in totals.",
        "authorization_id": "The id of the authorization that this one settles or reverses.",
        "merchant": "Where the money was spent.",
        "description": "Free text.",
        "balance": "The available balance after it, exact like `amount`; may be negative or 0.",
        "card_last4": "The last 4 digits of the card. A full card number anywhere in the body is refused.",
        "metadata": "The bank's own names and values; never in an e-mail.",
    },
    "Merchant": {
        "name": "As the holder knows it.",
        "mcc": "Merchant category code (ISO 18245).",
        "city": "Where it is.",
        "country": "Where it is.",
    },
    "Holder": {
        "name": "How e-mails address the holder.",
        "email": "Where e-mails go.",
        "locale": "The language of the e-mails.",
        "timezone": "The time zone of the times in e-mails.",
        "preferences": "What the holder wants to be told of: of everything if it is left out.",
    },
    "Preferences": {
        "types": "Tell of these only.",
        "min_amount": "By currency, the amount below which nothing is told.",
        "quiet_hours": "What isn't urgent waits until they are over; none when `from` and `to` are the same.",
        "statement": "A statement of each week, or month, by e-mail on the morning after, in the holder's time zone.",
        "muted": "Tell of nothing, security alerts neither.",
    },
    "QuietHours": {"from": "In the holder's time zone.", "to": "In the holder's time zone."},
    **settings_texts.OF_FIELDS,
}
_SCHEMA_DESCRIPTIONS = {
    "Transaction": "A transaction as a bank posts it. `null` is refused: leave an absent field out.",
    "Merchant": "The other side of a card payment.",
    "Holder": "A holder of an account, as a bank enrols one.",
    "Preferences": "Obeyed in this order: `muted`, `types`, `min_amount`, `quiet_hours`. A security alert passes all "
    "but `muted`.",
    "QuietHours": "From one time of day to another.",
    **settings_texts.OF_SCHEMAS,
}


class _ExactConverter(OpenAPIConverter):
    """What apispec can't know of a field: the app's own kinds of fields, and what a pattern means in ECMA-262."""

    def field2property(self, field: fields.Field[Any]) -> Json:
        found: Json = super().field2property(field)
        match field:
            case WholeNumber():
                return {"type": "integer", "minimum": field.least, "maximum": field.most}
            case Factor():
                return _factor(field.least)
            case ExactDecimal():
                return _decimal([rule for rule in field.validators if isinstance(rule, validate.Range)])
            case Timestamp():
                return {"type": "string", "format": "date-time"}
            case Pairs():
                if "maxLength" in found:
                    found["maxProperties"] = found.pop("maxLength")
                if field.key_field is not None:
                    found["propertyNames"] = self.field2property(field.key_field)
            case fields.String():
                return _string(field, found)
        return found


class ExactPlugin(MarshmallowPlugin):
    Converter = _ExactConverter


def add_request_schemas(spec: APISpec) -> None:
    """Add a schema for every body, or part of one, that a bank sends; the description must have an ExactPlugin."""
    for name, (codes, description) in _CODES.items():
        spec.components.schema(name, {"type": "string", "enum": sorted(codes), "description": description})
    spec.components.schema("Transaction", schema=TransactionSchema)
    spec.components.schema("Holder", schema=HolderSchema)
    spec.components.schema("BankSettings", schema=BankSettingsSchema)
    spec.components.schemas["BankSettings"]["properties"]["alert_addresses"]["uniqueItems"] = True
    spec.components.schemas["BankSettings"]["properties"]["webhook_url"] = WEBHOOK_URL
    spec.components.schemas["BankSettings"]["properties"]["webhooks_disabled_at"] = {"readOnly": True}
    spec.components.schema("Batch", _BATCH)
    spec.components.schema("OneClick", _ONE_CLICK)
    spec.components.schema("PreferencesForm", _PREFERENCES_FORM)
    for name, schema in spec.components.schemas.items():
        if name in _DESCRIPTIONS:
            schema["description"] = _SCHEMA_DESCRIPTIONS[name]
            for field, definition in schema["properties"].items():
                definition["description"] = _DESCRIPTIONS[name][field]
        for field, default in settings_texts.DEFAULTS.get(name, {}).items():
            schema["properties"][field]["default"] = default


_BATCH: Json = {
    "type": "object",
    "description": "Transactions that have nothing to do with one another. An item that breaks a rule is told of in "
    "the answer, and harms no other.",
    "properties": {
        "transactions": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "items": {"$ref": "#/components/schemas/Transaction"},
            "description": "Recorded side by side; those of one id in their order.",
        }
    },
    "required": ["transactions"],
    "additionalProperties": False,
}
_ONE_CLICK: Json = {
    "type": "object",
    "description": "What a mail program sends to unsubscribe (RFC 8058).",
    "properties": {"List-Unsubscribe": {"type": "string", "const": "One-Click"}},
    "required": ["List-Unsubscribe"],
}
_FORM_TIME: Json = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_PREFERENCES_FORM: Json = {
    "type": "object",
    "description": "The page's form. A box that isn't checked is absent.",
    "properties": {
        "seen": {"type": "string", "description": "As the page has it: which preferences the holder has seen."},
        "types": {"type": "array", "items": {"type": "string", "enum": list(TYPES)}, "maxItems": len(TYPES)},
        "new_currency": {"type": "string", "description": "A currency that the form shows no minimum for, or nothing."},
        "new_least": {"type": "string", "description": "The minimum in it, as the holder's language writes amounts."},
        "quiet": {"type": "string", "const": "on"},
        "quiet_from": _FORM_TIME,
        "quiet_to": _FORM_TIME,
        "statement": {"type": "string", "enum": list(STATEMENTS)},
        "muted": {"type": "string", "const": "on"},
    },
    "patternProperties": {
        "^min_amount\\.[A-Z]{3}$": {"type": "string", "description": "As the holder's language writes amounts."}
    },
    "required": ["seen"],
}


def _decimal(ranges: list[validate.Range]) -> Json:
    limit = 10**MAX_INTEGER_DIGITS
    number: Json = {"type": "number", "exclusiveMinimum": -limit, "exclusiveMaximum": limit}
    pattern = f"^-?{DIGITS}$"
    for rule in ranges:
        if (rule.min, rule.max) != (0, None):
            raise ValueError("An amount's range is known to be over 0, or 0 or more.")
        del number["exclusiveMinimum"]
        number["minimum" if rule.min_inclusive else "exclusiveMinimum"] = 0
        pattern = f"^{DIGITS}$" if rule.min_inclusive else f"^{OVER_ZERO}{DIGITS}$"
    return {"oneOf": [number, {"type": "string", "pattern": pattern}]}


def _factor(least: int) -> Json:
    # A string has at most two decimals. So has a number, which can't be told of.
    pattern = rf"^(100(\.0{{1,2}})?|{'[1-9][0-9]?' if least else '[1-9]?[0-9]'}(\.[0-9]{{1,2}})?)$"
    return {"oneOf": [{"type": "number", "minimum": least, "maximum": 100}, {"type": "string", "pattern": pattern}]}


def _string(field: fields.String, found: Json) -> Json:
    if "enum" in found:
        for name, (codes, _) in _CODES.items():
            if any(getattr(rule, "choices", None) is codes for rule in field.validators):
                kept = {key: value for key, value in found.items() if key not in ("type", "enum")}
                return {"$ref": f"#/components/schemas/{name}", **kept}
        return found
    found["pattern"] = f"^{_TEXT}$"
    for rule in field.validators:
        match rule:
            case validate.Email():
                found["format"] = "email"
            case validate.Regexp():
                found["pattern"] = _ecma(str(rule.regex.pattern))
    return found


def _ecma(pattern: str) -> str:
    r"""Return a pattern of marshmallow's, which is tried at the string's start, for one that is tried anywhere."""
    if not pattern.endswith(r"\Z"):
        return f"^(?={pattern}){_TEXT}$"
    whole = pattern.removesuffix(r"\Z")
    return f"^(?:{whole})$" if "|" in whole else f"^{whole}$"
