"""What is said of a field that breaks a rule: in our words, which say what is accepted, not in those of a library."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

_UNKNOWN = str(Schema().error_messages["unknown"])
_OBJECT = "Must be an object."
# By marshmallow's own text, whatever it is in the version that is installed.
_OURS = {
    _UNKNOWN: "Unknown field.",
    str(Schema().error_messages["type"]): _OBJECT,
    str(fields.Field.default_error_messages["required"]): "Is required.",
    str(fields.Field.default_error_messages["null"]): "Must not be null.",
    str(fields.String.default_error_messages["invalid"]): "Must be a text: a JSON string.",
    str(fields.Boolean.default_error_messages["invalid"]): "Must be true or false.",
    str(fields.List.default_error_messages["invalid"]): "Must be a list.",
    str(fields.Mapping.default_error_messages["invalid"]): _OBJECT,
    str(fields.Nested.default_error_messages["type"]): _OBJECT,
}
_LENGTHS = (
    (re.compile(r"Longer than maximum length (\d+)\."), r"Must have at most \1 {what}."),
    (re.compile(r"Shorter than minimum length (\d+)\."), r"Must have at least \1 {what}."),
    (re.compile(r"Length must be between (\d+) and (\d+)\."), r"Must have \1 to \2 {what}."),
)
_NEAR = 0.7
_LONGEST_NAME = 64
_MAX_HINTS = 5  # for one body: to find the nearest name takes as long as to check a whole transaction


def in_our_words(error: ValidationError, schema: Schema | None) -> list[tuple[str, str]]:
    """Return a schema's nested messages as (dotted field, message) pairs, in the schema's order.

    With the schema, what is said of an unknown field names the known one that is nearest: of the first few.
    """
    return list(_flattened(error.messages, "", schema, None, iter(range(_MAX_HINTS))))


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return what is said of an unknown name of `what`, a field or a parameter: also the known name that is nearest."""
    near = _nearest(name, list(known))
    return f"Unknown {what}: did you mean `{near}`?" if near else f"Unknown {what}."


def unknowns(what: str, names: Iterable[str], known: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is said of each of some unknown names: of the first few, also the known name that is nearest."""
    known = list(known)
    return [(name, unknown(what, name, known if place < _MAX_HINTS else ())) for place, name in enumerate(names)]


def _nearest(name: str, known: list[str]) -> str | None:
    if not known:
        return None
    # Imported where a request is wrong already: a cold start does without it.
    from difflib import get_close_matches

    by_form = {re.sub("[^a-z0-9]", "", one.lower()): one for one in known}
    form = re.sub("[^a-z0-9]", "", name[:_LONGEST_NAME].lower())
    found = get_close_matches(form, by_form, n=1, cutoff=_NEAR) if form else []
    return by_form[found[0]] if found else None


def _flattened(
    messages: Any, path: str, schema: Schema | None, field: Any, hints: Iterator[int]
) -> Iterable[tuple[str, str]]:
    if isinstance(messages, Mapping):
        known = {} if schema is None else {one.data_key or name: one for name, one in schema.fields.items()}
        for key, inner in messages.items():
            # marshmallow tells of an object as a whole under `_schema`; of the body itself it never has to.
            is_whole = bool(path) and key == "_schema"
            below = path if is_whole else f"{path}.{key}" if path else str(key)
            if key not in known and inner == [_UNKNOWN]:
                yield below, unknown("field", str(key), known if next(hints, None) is not None else ())
            else:
                child = known.get(key, field)
                yield from _flattened(inner, below, _schema_of(child), child, hints)
    else:
        for message in messages:
            yield path, _in_our_words(str(message), field)


def _schema_of(field: Any) -> Schema | None:
    return field.schema if isinstance(field, fields.Nested) else None


def _in_our_words(message: str, field: Any) -> str:
    what = "items" if isinstance(field, fields.List | fields.Mapping) else "characters"
    for pattern, ours in _LENGTHS:
        if pattern.fullmatch(message):
            return pattern.sub(ours, message).format(what=what)
    return _OURS.get(message, message)
