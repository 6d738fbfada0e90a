"""How a marshmallow field becomes a JSON schema: what apispec can't know of the app's own fields and patterns."""

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields, validate

from chalicelib.banks.schemas import Factor, WholeNumber
from chalicelib.holders.holder import TIMEZONES
from chalicelib.ledger.fields import ExactDecimal, Pairs, Timestamp
from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS, MAX_INTEGER_DIGITS
from openapi.json_schema import DIGITS, OVER_ZERO, Json

# All that is left of a string by what `json_body` refuses in it.
_TEXT = r"[^\u0000-\u001f\u007f-\u009f\ufffd-\uffff]*"
# Lists that would be repeated at every field are schemas of their own.
CODES = {
    "Currency": (CURRENCY_DECIMALS, "An active ISO 4217 code."),
    "Country": (COUNTRIES, "An ISO 3166-1 alpha-2 code."),
    "TimeZone": (TIMEZONES, "An IANA time zone."),
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
        for name, (codes, _) in CODES.items():
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
