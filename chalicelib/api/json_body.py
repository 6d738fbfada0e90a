"""Reading a JSON request body exactly: bytes in, a dict with Decimal numbers out, or a clear refusal.

`json.loads` alone would take NaN, duplicate keys, binary floats and lone surrogates; with money none of them
may pass. Parsing only marks what it must not refuse yet, so that a batch can be parsed as a whole and each of its
items checked by itself.

Control characters are refused anywhere in a body, but in a transaction: there the rules of the fields judge its texts
(`check_transaction`).
"""

import codecs
import json
import re
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.api.json_errors import expected_at
from chalicelib.errors import MAX_FIELD, BodyTooLarge, CardNumberRefused, MalformedBody, UnsupportedMediaType
from chalicelib.ledger.card_numbers import MAX_CARD_DIGITS, holds_card_number

JSON = ("application/json",)
MERGE_PATCH = ("application/json", "application/merge-patch+json")
MAX_BYTES = 256 * 1024
MAX_DEPTH = 8

_TOO_DEEP = f"The body is nested too deeply: at most {MAX_DEPTH} levels."
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KINDS = {list: "a list", str: "a text", Decimal: "a number", bool: "true or false", type(None): "null"}
_Path = tuple[str | int, ...]  # keys and indexes; made into text only where it is told of, because a key can be long

# U+FFFD stands where the gateway found bytes that are no UTF-8: what was sent is lost. U+FFFE and U+FFFF are no
# characters, and SQS takes no message that holds one.
_CONTROL_OR_SURROGATE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
_NAME_OF_CHARSET = re.compile(r"[A-Za-z][A-Za-z0-9._:-]{0,40}")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
# What can be an amount. An amount of 13 to 15 digits may pass the check of a card number by chance.
_SHORT_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
# What can be a rate of exchange: more digits behind the point than any card number has groups for.
_RATE = re.compile(r"[0-9]{1,6}\.[0-9]+")
# What parsing leaves in the place of NaN and Infinity, and of an exponent beyond what Decimal can hold.
_NOT_A_NUMBER, _OUT_OF_RANGE = Decimal("NaN"), Decimal("Infinity")


def read_patch(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the JSON object in `raw`, which is to be a merge patch (RFC 7396): as `read_json`."""
    value = parse_json(raw, content_type, MAX_BYTES, MERGE_PATCH)
    check(value)
    return value


def read_json(raw: bytes, content_type: str = "application/json", max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return the JSON object in `raw`: numbers as Decimal, strings free of control characters.

    Raises UnsupportedMediaType, BodyTooLarge, MalformedBody (no UTF-8, no JSON, no object, duplicate keys, NaN,
    too deep, control characters) and CardNumberRefused, none of which repeats what was sent.
    """
    value = parse_json(raw, content_type, max_bytes)
    check(value)
    return value


def read_transaction(raw: bytes, content_type: str = "application/json") -> dict[str, Any]:
    """Return the JSON object in `raw`, which is to be a transaction: as `read_json`, but for `check_transaction`."""
    value = parse_json(raw, content_type, MAX_BYTES)
    check_transaction(value)
    return value


def parse_json(raw: bytes, content_type: str, max_bytes: int, media_types: Collection[str] = JSON) -> dict[str, Any]:
    """Return the JSON object in `raw`, each part of which must still be given to `check` before it is used.

    Raises UnsupportedMediaType, BodyTooLarge and MalformedBody (no UTF-8, no JSON, no object).
    """
    # Chalice's own check takes `*/*` and `text/plain; application/json` for JSON.
    media_type = content_type.partition(";")[0].strip()
    if media_type.lower() not in media_types:
        raise UnsupportedMediaType(media_type)
    if len(raw) > max_bytes:
        raise BodyTooLarge(max_bytes)
    charset = _CHARSET.search(content_type)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        named = f", not {charset[1]}" if _NAME_OF_CHARSET.fullmatch(charset[1]) else ""
        raise MalformedBody(f"The charset of the body must be UTF-8{named}.")
    if not raw.strip():
        raise MalformedBody("The body is empty: it must be a JSON object.")
    if raw.startswith(_MARKS):
        raise MalformedBody("The body begins with a byte order mark: send UTF-8 without one.")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_decimal,
            parse_constant=_not_a_number,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body must be UTF-8: byte {error.start + 1} is none.") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not valid JSON: line {error.lineno}, column {error.colno}: {expected_at(error)}."
        ) from None
    except RecursionError:
        raise MalformedBody(_TOO_DEEP) from None
    if not isinstance(value, dict):
        raise MalformedBody(f"The body must be a JSON object, not {_KINDS[type(value)]}.")
    return value


def check(value: Any) -> None:
    """Refuse what no part of a body may hold; raises MalformedBody and CardNumberRefused."""
    _check(value, ())


def check_transaction(value: Any) -> None:
    """Refuse what no part of a transaction may hold; raises MalformedBody and CardNumberRefused.

    Control characters in its texts are left to the rules of the fields: some fields refuse them, others do without.
    """
    if not is_object(value):
        _check(value, ())
        return
    for key, item in value.items():
        _check_text(key, ())
        if type(item) is str:
            if holds_card_number(item) and not _is_number_of(key, item):
                raise CardNumberRefused(key)
        elif key == "original" and is_object(item):
            _check_original(item)
        elif not _is_number_of(key, item):
            _check(item, (key,), is_free=True)


def _check_original(original: dict[str, Any]) -> None:
    for name, item in original.items():
        _check_text(name, ("original",))
        is_rate = name == "rate" and isinstance(item, str) and _RATE.fullmatch(item)
        if not is_rate and not _is_number_of(name, item):
            _check(item, ("original", name), is_free=True)


def size_of(value: Any) -> int:
    """Return how many bytes a checked value takes as compact JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return len(text.encode("utf-8", "surrogatepass"))


def check_all_but(value: dict[str, Any], name: str) -> None:
    """Check an object without what it has under `name`; raises MalformedBody and CardNumberRefused."""
    _check(value if isinstance(value, _SameKeyTwice) else {**value, name: None}, ())


def is_object(value: Any) -> bool:
    """Whether a parsed value is an object that names each of its keys once."""
    return isinstance(value, dict) and not isinstance(value, _SameKeyTwice)


class _SameKeyTwice(dict[str, Any]):
    """An object that was written with the same key twice: `key`."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def _decimal(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except InvalidOperation:
        return _OUT_OF_RANGE


def _not_a_number(_name: str) -> Decimal:
    return _NOT_A_NUMBER


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    return result if len(result) == len(pairs) else _SameKeyTwice(pairs)


def _check(value: Any, path: _Path, is_free: bool = False) -> None:
    """Check a value; in a free one, control characters are left to the rules of the field."""
    if len(path) >= MAX_DEPTH:
        raise MalformedBody(_TOO_DEEP)
    if isinstance(value, str):
        _check_text(value, path, is_free)
    elif isinstance(value, dict):
        if isinstance(value, _SameKeyTwice):
            _check_text(value.key, path)
            raise MalformedBody(f"The body has the key {_told((*path, value.key))} twice.")
        for key, item in value.items():
            _check_text(key, path, is_free)
            _check(item, (*path, key), is_free)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, (*path, index), is_free)
    elif isinstance(value, Decimal):
        if value.is_nan():
            raise MalformedBody(f"{_told(path)} is NaN or Infinity, which JSON doesn't have.")
        if value.is_infinite():
            raise MalformedBody(f"{_told(path)} is a number that is out of range.")
        if 0 < value.adjusted() < MAX_CARD_DIGITS and holds_card_number(f"{value:f}"):
            raise CardNumberRefused(_dotted(path))


def _check_text(text: str, path: _Path, is_free: bool = False) -> None:
    if not is_free and _CONTROL_OR_SURROGATE.search(text):
        where = _told(path) if path else "The body"
        raise MalformedBody(f"{where} has a control character, half a surrogate pair or U+FFFD to U+FFFF.")
    if holds_card_number(text):
        raise CardNumberRefused(_dotted(path))


def _told(path: _Path) -> str:
    """Return where a value stands, for a text: a key can be long."""
    return f"`{_dotted(path)[:MAX_FIELD]}`"


def _dotted(path: _Path) -> str:
    dotted = ""
    for part in path:
        dotted = f"{dotted}[{part}]" if isinstance(part, int) else f"{dotted}.{part}" if dotted else part
    return dotted


def _is_number_of(name: str, value: Any) -> bool:
    """Whether the value of a field that is an amount can be an amount."""
    if name not in ("amount", "balance"):
        return False
    text = f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < MAX_CARD_DIGITS else value
    return isinstance(text, str) and _SHORT_NUMBER.fullmatch(text) is not None
