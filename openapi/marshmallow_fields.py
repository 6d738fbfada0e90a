"""How a marshmallow field becomes a JSON schema: what apispec can't know of the app's own fields and patterns."""

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields, validate

from chalicelib.banks.schemas import WholeNumber
from chalicelib.holders.holder import TIMEZONES
from chalicelib.holders.locales import LANGUAGES, REGIONS, LocaleTag
from chalicelib.ledger.email_address import Mailable
from chalicelib.ledger.fields import CalendarDate, ExactDecimal, Pairs, Timestamp
from chalicelib.ledger.informing import Country, Wording
from chalicelib.ledger.money import ALPHA_2, CURRENCY_DECIMALS
from chalicelib.ledger.visible_text import Visible
from openapi.decimals import name_of
from openapi.json_schema import TIME, Json, ref

# All that is left of a string by what `json_body` refuses in it.
_TEXT = r"[^\u0000-\u001f\u007f-\u009f\ufffd-\uffff]*"
# The same of text that is normalised: tabs and line ends count as spaces in it.
_WORDING = r"[^\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffd-\uffff]*"
# The form of codes whose lists grow each year. A client whose lists are of the year before would refuse the new ones.
CODES: dict[str, Json] = {
    "Currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "An active currency code of ISO 4217."},
    "Country": {
        "type": "string",
        "pattern": "^[A-Z]{2,3}$",
        "description": "A country code of ISO 3166-1, alpha-2 or alpha-3, or `XK`. Answers have alpha-2.",
    },
    "Locale": {
        "type": "string",
        "pattern": "^([Ff][Rr]|[Ee][Nn])(-([A-Za-z]{2}|001|150))?$",
        "description": "A language, `fr` or `en`, by itself or with a region: a BCP 47 tag, like `fr-CM`, in any case.",
    },
    "TimeZone": {
        "type": "string",
        "pattern": "^[A-Za-z0-9_+/-]+$",
        "maxLength": 64,
        "description": "The name of a time zone of the IANA database, like `Africa/Douala`.",
    },
}
LISTS = {
    "Currency": frozenset(CURRENCY_DECIMALS),
    "Country": frozenset(ALPHA_2),
    "TimeZone": frozenset(TIMEZONES),
    "Locale": frozenset((*LANGUAGES, *(f"{language}-{region}" for language in LANGUAGES for region in REGIONS))),
}


class _ExactConverter(OpenAPIConverter):
    def field2property(self, field: fields.Field[Any]) -> Json:
        found: Json = super().field2property(field)
        match field:
            case WholeNumber():
                return {"type": "integer", "minimum": field.least, "maximum": field.most}
            case ExactDecimal():
                return ref(name_of(field))
            case Timestamp():
                return {**TIME}
            case CalendarDate():
                return {"type": "string", "format": "date"}
            case Country():
                return ref("Country")
            case LocaleTag():
                return ref("Locale")
            case Wording():
                return {**found, "pattern": f"^{_WORDING}$"}
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


def _string(field: fields.String, found: Json) -> Json:
    if "enum" in found:
        for name, codes in LISTS.items():
            if frozenset(found["enum"]) == codes:
                return ref(name)
        return found
    found["pattern"] = f"^{_TEXT}$"
    for rule in field.validators:
        match rule:
            case Mailable():
                found |= {"format": "email", "pattern": _ecma(rule.pattern)}
            case Visible():
                found["pattern"] = _ecma(rule.pattern)
            case validate.Regexp():
                found["pattern"] = _ecma(str(rule.regex.pattern))
    return found


def _ecma(pattern: str) -> str:
    r"""Return a pattern of marshmallow's, which is tried at the string's start, for one that is tried anywhere."""
    if not pattern.endswith(r"\Z"):
        return f"^(?={pattern}){_TEXT}$"
    whole = pattern.removesuffix(r"\Z")
    return f"^(?:{whole})$" if "|" in whole else f"^{whole}$"
