"""Reading a JSON request body exactly: bytes in, a dict with Decimal numbers out, or a clear refusal.

`json.loads` alone would take NaN, duplicate keys, binary floats and lone surrogates; with money none of them
may pass. Parsing only marks what it must not refuse yet, so that a batch can be parsed as a whole and each of its
items checked by itself.
"""

import json
import re
import unicodedata
from collections import deque
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.errors import BodyTooLarge, CardNumberRefused, MalformedBody, UnsupportedMediaType

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8

_Path = tuple[str | int, ...]  # keys and indexes; made into text only where it is told of, because a key can be long

# U+FFFD stands where the gateway found bytes that are no UTF-8: what was sent is lost. U+FFFE and U+FFFF are no
# characters, and SQS takes no message that holds one.
_CONTROL_OR_SURROGATE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
# What a reader doesn't see between two digits, or sees as a part of one: Unicode's Default_Ignorable_Code_Point
# (soft hyphens, zero-width and bidirectional characters, variation selectors, tags), accents, and keycaps.
_INVISIBLE = re.compile(
    r"[\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u20d0-\u20f0\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
# One random UUID in 350 has digits that pass the check by chance. What has no letter is no random UUID.
_UUID = re.compile(r"\b(?=[\d-]{0,35}[a-f])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b", re.ASCII | re.IGNORECASE)
_MIN_CARD_DIGITS, _MAX_CARD_DIGITS = 13, 19
# Groups of digits joined by a few spaces or dashes, with enough digits in all: how people and systems write card
# numbers. It is tried at a run's first digit only, and never gives back what it has matched: long runs would cost time
# and memory.
_SEPARATORS = r"\s\-\u2010-\u2015\u2043\u2212\u30fc\ufe58\ufe63\uff0d"
_DIGIT_GROUPS = re.compile(rf"(?<!\d)\d(?:[{_SEPARATORS}]{{0,3}}+\d){{{_MIN_CARD_DIGITS - 1},}}+")
_DIGITS = re.compile(r"\d+")
_SHORT_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
# What parsing leaves in the place of NaN and Infinity, and of an exponent beyond what Decimal can hold.
_NOT_A_NUMBER, _OUT_OF_RANGE = Decimal("NaN"), Decimal("Infinity")


def read_json(raw: bytes, content_type: str = "application/json", max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return the JSON object in `raw`: numbers as Decimal, strings free of control characters.

    Raises UnsupportedMediaType, BodyTooLarge, MalformedBody (no UTF-8, no JSON, no object, duplicate keys, NaN,
    too deep, control characters) and CardNumberRefused, none of which repeats what was sent.
    """
    value = parse_json(raw, content_type, max_bytes)
    check(value)
    return value


def parse_json(raw: bytes, content_type: str, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object in `raw`, each part of which must still be given to `check` before it is used.

    Raises UnsupportedMediaType, BodyTooLarge and MalformedBody (no UTF-8, no JSON, no object).
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
            parse_constant=_not_a_number,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise MalformedBody("The body must be UTF-8.") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(f"The body is not valid JSON (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object.")
    return value


def check(value: Any) -> None:
    """Refuse what no part of a body may hold; raises MalformedBody and CardNumberRefused."""
    _check(value, ())


def check_all_but(value: dict[str, Any], name: str) -> None:
    """Check an object without what it has under `name`; raises MalformedBody and CardNumberRefused."""
    _check(value if isinstance(value, _SameKeyTwice) else {**value, name: None}, ())


def is_object(value: Any) -> bool:
    """Whether a parsed value is an object that names each of its keys once."""
    return isinstance(value, dict) and not isinstance(value, _SameKeyTwice)


class _SameKeyTwice(dict[str, Any]):
    """An object that was written with the same key twice."""


def _decimal(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except InvalidOperation:
        return _OUT_OF_RANGE


def _not_a_number(_name: str) -> Decimal:
    return _NOT_A_NUMBER


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    return result if len(result) == len(pairs) else _SameKeyTwice(result)


def _check(value: Any, path: _Path) -> None:
    if len(path) >= MAX_DEPTH:
        raise MalformedBody("The body is nested too deeply.")
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        if isinstance(value, _SameKeyTwice):
            raise MalformedBody("The body has an object with the same key twice.")
        for key, item in value.items():
            _check_text(key, path)
            # An amount of 13 to 15 digits may pass the check digit by chance; the schema bounds its length.
            if not (key in ("amount", "balance") and not path and _is_short_number(item)):
                _check(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, (*path, index))
    elif isinstance(value, Decimal):
        if value.is_nan():
            raise MalformedBody("The body has NaN or Infinity, which are not JSON.")
        if value.is_infinite():
            raise MalformedBody("The body has a number that is out of range.")
        if 0 < value.adjusted() < _MAX_CARD_DIGITS and holds_card_number(f"{value:f}"):
            raise CardNumberRefused(_dotted(path))


def _check_text(text: str, path: _Path) -> None:
    if _CONTROL_OR_SURROGATE.search(text):
        raise MalformedBody("The body has a control character, half a surrogate pair or U+FFFD to U+FFFF in a string.")
    if holds_card_number(text):
        raise CardNumberRefused(_dotted(path))


def _dotted(path: _Path) -> str:
    dotted = ""
    for part in path:
        dotted = f"{dotted}[{part}]" if isinstance(part, int) else f"{dotted}.{part}" if dotted else part
    return dotted


def _is_short_number(value: Any) -> bool:
    text = f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < _MAX_CARD_DIGITS else value
    return isinstance(text, str) and _SHORT_NUMBER.fullmatch(text) is not None


def holds_card_number(text: str) -> bool:
    """Whether `text` has 13 to 19 digits that pass the Luhn check, written together or in groups.

    Any script's decimal digits count, and every run of neighbouring groups is tried, so that an expiry date
    behind the number doesn't hide it. A UUID numbers no card, whatever its digits. Takes time in proportion to
    the text.
    """
    if len(text) < _MIN_CARD_DIGITS:
        return False
    visible = text if text.isascii() else _INVISIBLE.sub("", text)
    if _DIGIT_GROUPS.search(visible) is None:
        return False
    return any(map(_numbers_a_card, _DIGIT_GROUPS.findall(_UUID.sub("uuid", visible))))


def _numbers_a_card(run: str) -> bool:
    # Luhn's sums (ISO/IEC 7812-1, annex B) over all digits so far, with those at even or those at odd places
    # doubled: the sum over any stretch, whose last digit is not doubled, is the difference of two of them.
    sums, place = [0, 0], 0
    starts = deque[tuple[int, list[int]]]()  # where a number could begin, and the sums there: no more than fit one
    for group in _DIGITS.finditer(run):
        if len(group[0]) > _MAX_CARD_DIGITS:
            starts.clear()
            continue
        starts.append((place, sums.copy()))
        for digit in map(unicodedata.decimal, group[0]):
            sums[place % 2] += digit * 2 - 9 * (digit > 4)
            sums[1 - place % 2] += digit
            place += 1
        while place - starts[0][0] > _MAX_CARD_DIGITS:
            starts.popleft()
        for start, before in starts:
            if place - start < _MIN_CARD_DIGITS:
                break
            total = sums[place % 2] - before[place % 2]
            # Zero alone passes the sum but numbers no card.
            if total % 10 == 0 and total > 0:
                return True
    return False
