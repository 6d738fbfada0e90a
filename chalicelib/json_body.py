"""Reading a JSON request body exactly: bytes in, a dict with Decimal numbers out, or a clear refusal.

`json.loads` alone would take NaN, duplicate keys, binary floats and lone surrogates; with money none of them
may pass.
"""

import json
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, NoReturn

from chalicelib.errors import BodyTooLarge, CardNumberRefused, MalformedBody, UnsupportedMediaType

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8

# U+FFFD stands where the gateway found bytes that are no UTF-8: what was sent is lost.
_CONTROL_OR_SURROGATE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
# Soft hyphens, zero-width spaces and the like, which a reader doesn't see between two digits.
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
# Groups of digits joined by single spaces or dashes: how people and systems write card numbers.
_DIGIT_GROUPS = re.compile(r"\d+(?:[\s\-\u2010-\u2015\u2212]{1,3}\d+)*")
_MIN_CARD_DIGITS, _MAX_CARD_DIGITS = 13, 19


def read_json(raw: bytes, content_type: str = "application/json", max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return the JSON object in `raw`: numbers as Decimal, strings free of control characters.

    Raises UnsupportedMediaType, BodyTooLarge, MalformedBody (no UTF-8, no JSON, no object, duplicate keys, NaN,
    too deep, control characters) and CardNumberRefused, none of which repeats what was sent.
    """
    # Chalice's own check takes `*/*` and `text/plain; application/json` for JSON.
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    if len(raw) > max_bytes:
        raise BodyTooLarge(max_bytes)
    charset = _CHARSET.search(content_type)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise MalformedBody("The body must be UTF-8.")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except UnicodeDecodeError:
        raise MalformedBody("The body must be UTF-8.") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(f"The body is not valid JSON (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object.")
    _check_strings(value, "", 1)
    return value


def _decimal(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        raise MalformedBody("The body has a number that is out of range.") from None


def _refuse_constant(_name: str) -> NoReturn:
    raise MalformedBody("The body has NaN or Infinity, which are not JSON.")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedBody("The body has an object with the same key twice.")
    return result


def _check_strings(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MalformedBody("The body is nested too deeply.")
    if isinstance(value, str):
        if _CONTROL_OR_SURROGATE.search(value):
            raise MalformedBody("The body has a control character, half a surrogate pair or U+FFFD in a string.")
        if holds_card_number(value):
            raise CardNumberRefused(path)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_strings(key, path, depth)
            # An amount of 13 to 15 digits may pass the check digit by chance; the schema bounds its length.
            if not (depth == 1 and key in ("amount", "balance") and _is_short_number(item)):
                _check_strings(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_strings(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, Decimal) and 0 < value.adjusted() < _MAX_CARD_DIGITS and holds_card_number(f"{value:f}"):
        raise CardNumberRefused(path)


def _is_short_number(value: Any) -> bool:
    text = f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < _MAX_CARD_DIGITS else value
    return isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,4})?", text) is not None


def holds_card_number(text: str) -> bool:
    """Whether `text` has 13 to 19 digits that pass the Luhn check, written together or in groups.

    Any script's decimal digits count, and every run of neighbouring groups is tried, so that an expiry date
    behind the number doesn't hide it. Takes time in proportion to the text.
    """
    if sum(map(str.isdecimal, text)) < _MIN_CARD_DIGITS:
        return False
    return any(_numbers_a_card(run[0]) for run in _DIGIT_GROUPS.finditer(_INVISIBLE.sub("", text)))


def _numbers_a_card(run: str) -> bool:
    digits = [unicodedata.decimal(character) for character in run if character.isdecimal()]
    # Luhn's sums (ISO/IEC 7812-1, annex B) over the first n digits, with those at even or those at odd places
    # doubled: the sum over any stretch, whose last digit is not doubled, is the difference of two of them.
    sums = ([0], [0])
    for place, digit in enumerate(digits):
        doubled, plain = sums[place % 2], sums[1 - place % 2]
        doubled.append(doubled[-1] + digit * 2 - 9 * (digit > 4))
        plain.append(plain[-1] + digit)
    ends = list(accumulate(map(len, re.findall(r"\d+", run))))
    group_ends = set(ends)
    for start in (0, *ends[:-1]):
        for end in range(start + _MIN_CARD_DIGITS, min(start + _MAX_CARD_DIGITS, len(digits)) + 1):
            total = sums[end % 2][end] - sums[end % 2][start]
            # Zero alone passes the sum but numbers no card.
            if end in group_ends and total % 10 == 0 and total > 0:
                return True
    return False
