"""How what a bank sends looks in an answer: decimals as strings, choices open, and objects that may have more fields.

A client reads an answer that has a field, or a value, that the description of its day did not have.
"""

import copy
from collections.abc import Iterable, Iterator

from openapi.decimals import DECIMALS, answered_decimal
from openapi.json_schema import Json, open_text, ref, referred

# What an answer may have that a request must not, and what says nothing about an answer.
_OF_REQUESTS = ("additionalProperties", "default", "minItems", "readOnly")


def answered_name(name: str) -> str:
    """Return the name of the schema by which an answer has an object that a request has under this one."""
    return f"Answered{name}"


def answered(requests: Json, name: str, *, all_required: bool = False) -> Json:
    """Return a request's schema as answers have it. Where everything has a default, all of it is there."""
    schema = copy.deepcopy(requests[name])
    del schema["additionalProperties"]
    schema["properties"] = {field: _property(requests, one) for field, one in schema["properties"].items()}
    if all_required:
        schema["required"] = list(schema["properties"])
    return dict(schema)


def objects_of(requests: Json, name: str) -> Iterator[str]:
    """Yield the names of the objects that a request's schema refers to, and of those that they refer to."""
    for definition in requests[name]["properties"].values():
        inner = referred(definition.get("items", definition))
        if "properties" in requests.get(inner, {}):  # a mapping, not the library  # nosec B113
            yield inner
            yield from objects_of(requests, inner)


def answered_objects(requests: Json, names: Iterable[str], *, all_required: bool = False) -> Json:
    """Return the schemas of all objects within those that are named, as answers have them, by their names there."""
    inner = {one for name in names for one in objects_of(requests, name)}
    return {answered_name(one): answered(requests, one, all_required=all_required) for one in sorted(inner)}


def _property(requests: Json, definition: Json) -> Json:
    description = definition.get("description", "")
    name = referred(definition)
    if name in DECIMALS:
        return answered_decimal(name, f"{description} Exact, as a string.".strip())
    if "properties" in requests.get(name, {}):  # a mapping, not the library  # nosec B113
        return ref(answered_name(name), description)
    if "enum" in definition:
        return open_text(definition["enum"], description)
    found = {key: value for key, value in definition.items() if key not in _OF_REQUESTS}
    if isinstance(inner := definition.get("additionalProperties"), dict):
        found["additionalProperties"] = _property(requests, inner)
    if "items" in definition:
        found["items"] = _property(requests, definition["items"])
    return found
