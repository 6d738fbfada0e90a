"""Every answer fits into what Lambda returns: each list and text of the description has a most, and they add up."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from chalicelib.api.batch import MAX_ITEM_ERRORS, MAX_ITEMS
from chalicelib.cases.moves import MAX_NOTES_BYTES
from chalicelib.ledger.page_size import METADATA_BYTES
from openapi.description import description
from openapi.json_schema import Json, bounded, referred

LIMIT = 6 * 1024 * 1024
# Chalice makes ASCII of an answer, and Lambda's runtime puts it into JSON once more: `"` takes 2 bytes, 4 in a text,
# and a character beyond the first 65,536 takes 14, as two escapes of which each backslash is escaped.
CHARACTER, ASCII, QUOTE = 14, 4, 2
# What the wrapping has besides the body: status and headers.
WRAPPING = 4_096
_FORMATS = {"date-time": 35, "date": 10, "email": 320}
# Of a note, a byte of UTF-8 takes 14 / 4 at most, an escaped control character 7.
NOTES_BYTES = 7 * MAX_NOTES_BYTES
# What is limited as a whole, and not by each member of its list; `page_size` and `moves` hold it.
# An item of a batch has warnings or errors, and beside warnings no error but a conflict's, whose names are our own.
TOGETHER = {
    ("JudgedTransaction", "metadata"): METADATA_BYTES,
    ("CaseEvent", "note"): NOTES_BYTES,
    ("BatchResult", "warnings"): MAX_ITEMS * MAX_ITEM_ERRORS * 120,
}
ORDINARY = {"application/json", "application/problem+json"}


class Unbounded(Exception):
    """Something in the description has no most."""


def most_bytes(schema: Json, schemas: Json, name: str = "") -> int:
    """Return how many bytes a value of the schema takes at most in what Lambda returns; raises Unbounded."""
    if "$ref" in schema:
        name = referred(schema)
        return _of_name(name, schemas)
    if "oneOf" in schema or "anyOf" in schema:
        return max(most_bytes(one, schemas, name) for one in schema.get("oneOf", schema.get("anyOf")))
    types = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    return max(_of_type(str(type_), schema, schemas, name) for type_ in types)


_known: dict[int, dict[str, int]] = {}


def _of_name(name: str, schemas: Json) -> int:
    known = _known.setdefault(id(schemas), {})
    if name not in known:
        known[name] = most_bytes(schemas[name], schemas, name)
    return known[name]


def _of_type(type_: str, schema: Json, schemas: Json, name: str) -> int:
    match type_:
        case "string":
            return _text(schema, name) + 2 * QUOTE
        case "integer":
            return 20
        case "boolean" | "null":
            return 5
        case "array":
            if "maxItems" not in schema:
                raise Unbounded(f"{name}: an array without maxItems")
            found: int = schema["maxItems"] * (most_bytes(schema["items"], schemas, name) + 1) + 2
            return found
        case "object":
            return _object(schema, schemas, name)
    raise Unbounded(f"{name}: {type_}")


def _object(schema: Json, schemas: Json, name: str) -> int:
    size = 2
    for field, inner in schema.get("properties", {}).items():
        size += len(field) + 2 * QUOTE + 2
        if (name, field) not in TOGETHER:
            size += most_bytes(inner, schemas, f"{name}.{field}")
    if isinstance(inner := schema.get("additionalProperties"), dict):
        if "maxProperties" not in schema:
            raise Unbounded(f"{name}: an object without maxProperties")
        key = most_bytes(schema["propertyNames"], schemas, name)
        size += schema["maxProperties"] * (key + most_bytes(inner, schemas, name) + 2)
    elif not schema.get("properties"):
        raise Unbounded(f"{name}: an object of which nothing is said")
    return size


def _text(schema: Json, name: str) -> int:
    if known := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return max(len(str(one)) for one in known)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    pattern = schema.get("pattern", "")
    lengths = [schema["maxLength"]] if "maxLength" in schema else []
    if pattern:
        lengths.append(_longest(pattern))
    if not lengths or min(lengths) > 100_000:
        raise Unbounded(f"{name}: a text without maxLength")
    # Patterns of ASCII alone have no `.` beside sets and escaped ones, and no set of all but a few.
    has_any = "[^" in pattern or "." in re.sub(r"\\.|\[[^\]]*\]", "", pattern)
    is_ascii = "x-extensible-enum" in schema or (pattern and not has_any)
    return int(min(lengths)) * ((ASCII if '"' in pattern else 1) if is_ascii else CHARACTER)


@cache
def _longest(pattern: str) -> int:
    from re import _parser  # type: ignore[attr-defined]  # nothing public says how long a match can be

    return int(_parser.parse(pattern).getwidth()[1])


def answers(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield the schema of each JSON answer of each route, with a name for it."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    if kind in ORDINARY and path != "/openapi.json":
                        yield f"{method.upper()} {path} {status}", content["schema"]


def reached(schema: Any, schemas: Json, found: set[str]) -> set[str]:
    """Return the names of all schemas within a schema."""
    if isinstance(schema, list):
        for one in schema:
            reached(one, schemas, found)
    elif isinstance(schema, dict):
        if (name := referred(schema)) and name in schemas and name not in found:
            found.add(name)
            reached(schemas[name], schemas, found)
        for one in schema.values():
            reached(one, schemas, found)
    return found


DOCUMENT = description()
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_every_answer_fits_into_what_lambda_returns() -> None:
    sizes: dict[str, int] = {}
    for name, schema in answers(DOCUMENT):
        inner = reached(schema, SCHEMAS, set())
        together = sum(most for (owner, _), most in TOGETHER.items() if owner in inner)
        sizes[name] = most_bytes(schema, SCHEMAS) + together + WRAPPING
    assert len(sizes) > 300
    assert {name: size for name, size in sizes.items() if size > LIMIT} == {}
    # The test would notice a list that grew: the largest are not far below.
    assert max(sizes.values()) > LIMIT // 2


def test_the_descriptions_own_file_fits() -> None:
    assert len(json.dumps(json.dumps(DOCUMENT))) < LIMIT


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "string"},
        {"type": "string", "pattern": "^[0-9]+$"},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "boolean"}, "propertyNames": {"type": "string"}},
        {"type": ["string", "null"]},
    ],
)
def test_what_has_no_most_is_found(schema: Json) -> None:
    with pytest.raises(Unbounded):
        most_bytes(schema, {})


def test_a_bound_is_over_what_a_value_takes_in_lambdas_answer() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 5}}},
    }
    body = json.dumps({"a": ["😀" * 5] * 3}, separators=(",", ":"))
    wrapped = len(json.dumps(body)) - 2
    assert wrapped <= most_bytes(schema, {}) <= 1.2 * wrapped


def test_a_text_of_an_answer_that_says_nothing_of_its_length_is_bounded() -> None:
    given = {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "string", "maxLength": 9}},
    }
    assert bounded(given)["properties"] == {
        "a": {"type": ["string", "null"], "maxLength": 256},
        "b": {"type": "string", "maxLength": 9},
    }
