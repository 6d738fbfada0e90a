"""Reading a JSON request body exactly: bytes in, a dict with Decimal numbers out, or a clear refusal.

`json.loads` alone would take NaN, duplicate keys, binary floats and lone surrogates; with money none of them
may pass. Parsing only marks what it must not refuse yet, so that a batch can be parsed as a whole and each of its
items checked by itself.

Control characters are refused anywhere in a body, but in a transaction: there the rules of the fields judge its texts
(`transaction_body`). Checking takes a bounded number of steps, however a body is made.
"""

import codecs
import gc
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.api.json_errors import expected_at
from chalicelib.errors import MAX_FIELD, BodyTooLarge, CardNumberRefused, MalformedBody, UnsupportedMediaType
from chalicelib.ledger.card_numbers import MAX_CARD_DIGITS, holds_card_number
from chalicelib.ledger.search_steps import Steps, TooMuchToSearch

JSON = ("application/json",)
MERGE_PATCH = ("application/json", "application/merge-patch+json")
MAX_BYTES = 256 * 1024
MAX_DEPTH = 8
# For a body that is no transaction: each value takes one, each group of digits where a card number may be takes some.
MAX_STEPS = 20_000

_TOO_MUCH = "The body holds more values, or more digits in its texts, than can be checked: send less of them."
_TOO_DEEP = f"The body is nested too deeply: at most {MAX_DEPTH} levels."
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KINDS = {list: "a list", str: "a text", Decimal: "a number", bool: "true or false", type(None): "null"}
Path = tuple[str | int, ...]  # keys and indexes; made into text only where it is told of, because a key can be long

# U+FFFD stands where the gateway found bytes that are no UTF-8: what was sent is lost. U+FFFE and U+FFFF are no
# characters, and SQS takes no message that holds one.
_CONTROL_OR_SURROGATE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
_NAME_OF_CHARSET = re.compile(r"[A-Za-z][A-Za-z0-9._:-]{0,40}")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
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
        with _no_collection():
            value = json.loads(
                raw.decode("utf-8"),
                parse_float=_decimal,
                parse_int=_WHOLE.__getitem__,
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


def check(value: Any, is_free: bool = False) -> None:
    """Refuse what no part of a body may hold; raises MalformedBody and CardNumberRefused.

    In a free one, control characters are left to the rules of the fields.
    """
    try:
        check_part(value, (), Steps(MAX_STEPS), is_free)
    except TooMuchToSearch:
        raise MalformedBody(_TOO_MUCH) from None


def size_of(value: Any) -> int:
    """Return how many bytes a parsed value takes as compact JSON; raises MalformedBody if it is nested too deeply."""
    numbers = 0

    def written(number: Decimal) -> str:
        nonlocal numbers
        numbers += 1
        return str(number)

    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=written)
    except RecursionError:
        raise MalformedBody(_TOO_DEEP) from None
    return len(text.encode("utf-8", "surrogatepass")) - 2 * numbers  # without the quotes around each


def check_all_but(value: dict[str, Any], name: str) -> None:
    """Check an object without what it has under `name`; raises MalformedBody and CardNumberRefused."""
    check(value if isinstance(value, _SameKeyTwice) else {**value, name: None})


def is_object(value: Any) -> bool:
    """Whether a parsed value is an object that names each of its keys once."""
    return isinstance(value, dict) and not isinstance(value, _SameKeyTwice)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off garbage collection: parsing makes no cycles, and looking for them takes four times as long as parsing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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


class _WholeNumbers(dict[str, Decimal]):
    """Whole numbers by how they are written. The short ones are kept: a body can have millions of them."""

    def __missing__(self, literal: str) -> Decimal:
        number = Decimal(literal)
        if len(literal) <= 3:
            self[literal] = number
        return number


_WHOLE = _WholeNumbers()


def _not_a_number(_name: str) -> Decimal:
    return _NOT_A_NUMBER


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    return result if len(result) == len(pairs) else _SameKeyTwice(pairs)


def check_part(value: Any, path: Path, steps: Steps, is_free: bool = False) -> None:
    """Check a value, which stands at `path`; in a free one, control characters are left to the rules of the field.

    Raises MalformedBody, CardNumberRefused and TooMuchToSearch.
    """
    steps.take()
    if len(path) >= MAX_DEPTH:
        raise MalformedBody(_TOO_DEEP)
    if isinstance(value, str):
        check_text(value, path, steps, is_free)
    elif isinstance(value, dict):
        if isinstance(value, _SameKeyTwice):
            check_text(value.key, path, steps)
            raise MalformedBody(f"The body has the key {_told((*path, value.key))} twice.")
        for key, item in value.items():
            check_text(key, path, steps, is_free)
            check_part(item, (*path, key), steps, is_free)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_part(item, (*path, index), steps, is_free)
    elif isinstance(value, Decimal):
        if value.is_nan():
            raise MalformedBody(f"{_told(path)} is NaN or Infinity, which JSON doesn't have.")
        if value.is_infinite():
            raise MalformedBody(f"{_told(path)} is a number that is out of range.")
        if 0 < value.adjusted() < MAX_CARD_DIGITS and holds_card_number(f"{value:f}", steps):
            raise CardNumberRefused(_dotted(path))


def check_text(text: str, path: Path, steps: Steps, is_free: bool = False) -> None:
    """Check a text of the value at `path`, or a key in it: as `check_part`."""
    if not is_free and _CONTROL_OR_SURROGATE.search(text):
        where = _told(path) if path else "The body"
        raise MalformedBody(f"{where} has a control character, half a surrogate pair or U+FFFD to U+FFFF.")
    if holds_card_number(text, steps):
        raise CardNumberRefused(_dotted(path))


def _told(path: Path) -> str:
    """Return where a value stands, for a text: a key can be long."""
    return f"`{_dotted(path)[:MAX_FIELD]}`"


def _dotted(path: Path) -> str:
    dotted = ""
    for part in path:
        dotted = f"{dotted}[{part}]" if isinstance(part, int) else f"{dotted}.{part}" if dotted else part
    return dotted
