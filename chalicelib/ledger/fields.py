"""The fields that requests are made of: marshmallow's, and what it lacks for money, times and ids.

`Text` and `QuickSchema` take a short way for valid input, which nearly all input is. Errors are found and named by
marshmallow itself.
"""

import contextlib
import functools
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from chalicelib.ledger.keys import IDENTIFIER, IDENTIFIER_RULE
from chalicelib.ledger.messages import in_our_words
from chalicelib.ledger.money import CURRENCY_DECIMALS, CURRENCY_RULE, MAX_INTEGER_DIGITS, currency_error
from chalicelib.ledger.times import BEFORE_FIRST_YEAR, FIRST_YEAR, parse_date, parse_time

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")  # JSON's grammar (RFC 8259, 6)


class Text(fields.String):
    """A string without hooks, and with at most one rule."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        # marshmallow looks for hooks, and collects the errors of several rules, which takes three times as long.
        if type(value) is not str:
            return super().deserialize(value, *args, **kwargs)
        for rule in self.validators:
            rule(value)
        return value


def is_absent(value: Any) -> bool:
    """Whether a value of an optional field says that the field is absent: null, an empty text or an empty object."""
    return not value and (value is None or value == "" or value == {})


class QuickSchema(Schema):
    """A schema whose fields have no defaults, and whose keys are the fields' names.

    An optional field may be spelt as absent: `is_absent`.
    """

    def quick(self, data: Any) -> dict[str, Any]:
        """Return the values of valid data; raises ValidationError, which need not say what is wrong."""
        # marshmallow also goes through every field that is absent, and keeps a store of errors: twice the time.
        if not (isinstance(data, dict) and self._required <= data.keys() <= self.fields.keys()):
            raise ValidationError("Invalid input.")
        values = {}
        for name, value in data.items():
            if value or not is_absent(value) or name in self._required:
                found = self.fields[name].deserialize(value, name, data)
                if found or not isinstance(found, dict):  # all that an object has may be absent
                    values[name] = found
        return values

    def load(self, data: Any, **options: Any) -> Any:
        with contextlib.suppress(ValidationError):
            return self.quick(data)
        if isinstance(data, dict):
            known = self.fields.keys() - self._required
            data = {name: value for name, value in data.items() if name not in known or not is_absent(value)}
        found = super().load(data, **options)
        return {name: value for name, value in found.items() if value or not isinstance(value, dict)}

    @functools.cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(name for name, field in self.fields.items() if field.required)


def identifier() -> validate.Regexp:
    """Return the rule for ids that banks choose."""
    return validate.Regexp(re.compile(rf"{IDENTIFIER.pattern}\Z"), error=IDENTIFIER_RULE)


class ExactDecimal(fields.Field[Decimal]):
    """A JSON number or a string of the same form, as the Decimal that was written."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number or (isinstance(value, str) and _NUMBER.fullmatch(value)):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite():
            raise ValidationError("Must be a number like 250.50, or a string that holds one.")
        if value.adjusted() >= MAX_INTEGER_DIGITS:
            raise ValidationError(f"Must have at most {MAX_INTEGER_DIGITS} digits before the decimal point.")
        return value if value else abs(value)  # there is no negative zero in an account


class Rate(ExactDecimal):
    """A rate of exchange, over 0, with many decimals."""

    def __init__(self) -> None:
        super().__init__(validate=validate.Range(min=0, min_inclusive=False, error="Must be over 0."))


class Timestamp(fields.Field[datetime]):
    """An RFC 3339 date and time with an offset, as UTC, not before 1970. Digits beyond the microsecond are cut off."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            found = parse_time(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if found.year < FIRST_YEAR:
            raise ValidationError(BEFORE_FIRST_YEAR)
        return found


class CalendarDate(fields.Field[date]):
    """A date, like 2026-01-31, not before 1970."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        try:
            return parse_date(value)
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


def field_errors(error: ValidationError, schema: Schema | None = None) -> list[tuple[str, str]]:
    """Return marshmallow's nested messages as (dotted field, message) pairs, in our own words: see `messages`."""
    return in_our_words(error, schema)


class ActiveCurrency(validate.OneOf):
    """The rule for a currency's code. A code in small letters is refused with the right one."""

    def __init__(self) -> None:
        super().__init__(CURRENCY_DECIMALS, error=CURRENCY_RULE)

    def __call__(self, value: Any) -> Any:
        if value not in CURRENCY_DECIMALS:
            raise ValidationError(currency_error(value))
        return value


class TrueOrFalse(fields.Boolean):
    """A JSON boolean. marshmallow's own takes 1 and 0 too, because they equal True and False."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
