"""Exact decimals: as a request may write them, a string or a JSON number, and as answers have them, a string.

Each kind is a schema of its own: a generator makes a class of its name, where a language has no type for both.
"""

from marshmallow import validate

from chalicelib.banks.schemas import Factor
from chalicelib.ledger.fields import ExactDecimal, Rate
from chalicelib.ledger.money import MAX_INTEGER_DIGITS
from chalicelib.ledger.posted import MAX_RATE_DECIMALS
from openapi.json_schema import DIGITS, OVER_ZERO, Json, string

_LIMIT = 10**MAX_INTEGER_DIGITS
_EXACT = "Write it as a string, or as a JSON number: it is read as an exact decimal."


def _decimal(pattern: str, description: str, **bounds: int) -> Json:
    # `pattern` applies to strings only, the bounds to numbers only.
    return {"type": ["string", "number"], "pattern": f"^{pattern}$", **bounds, "description": f"{description} {_EXACT}"}


def _factor(least: int) -> Json:
    # A string has at most two decimals. So has a number, which a schema can't say.
    pattern = rf"(100(\.0{{1,2}})?|{'[1-9][0-9]?' if least else '[1-9]?[0-9]'}(\.[0-9]{{1,2}})?)"
    return _decimal(pattern, f"From {least} to 100, with at most 2 decimals.", minimum=least, maximum=100)


DECIMALS: dict[str, Json] = {
    "Amount": _decimal(f"{OVER_ZERO}{DIGITS}", "An amount over 0.", exclusiveMinimum=0, exclusiveMaximum=_LIMIT),
    "AmountOrZero": _decimal(DIGITS, "An amount of 0 or more.", minimum=0, exclusiveMaximum=_LIMIT),
    "SignedAmount": _decimal(
        f"-?{DIGITS}", "An amount that may be negative.", exclusiveMinimum=-_LIMIT, exclusiveMaximum=_LIMIT
    ),
    "Rate": _decimal(
        rf"(?!0(\.0+)?$)(0|[1-9][0-9]{{0,{MAX_INTEGER_DIGITS - 1}}})(\.[0-9]{{1,{MAX_RATE_DECIMALS}}})?",
        "A rate of exchange over 0.",
        exclusiveMinimum=0,
        exclusiveMaximum=_LIMIT,
    ),
    "FactorFrom0": _factor(0),
    "FactorFrom1": _factor(1),
}


def name_of(field: ExactDecimal) -> str:
    """Return the name of the schema of a field's decimals."""
    if isinstance(field, Factor):
        return f"FactorFrom{field.least}"
    if isinstance(field, Rate):
        return "Rate"
    ranges = [rule for rule in field.validators if isinstance(rule, validate.Range)]
    if not ranges:
        return "SignedAmount"
    if any((rule.min, rule.max) != (0, None) for rule in ranges):
        raise ValueError("An amount's range is known to be over 0, or 0 or more.")
    return "AmountOrZero" if all(rule.min_inclusive for rule in ranges) else "Amount"


def answered_decimal(name: str, description: str) -> Json:
    """Return the schema of the string by which an answer has a decimal of this kind."""
    return string(DECIMALS[name]["pattern"], description)
