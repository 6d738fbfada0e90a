"""The forms that many schemas share: ids, times, exact decimals, open texts, objects and references."""

from collections.abc import Iterable
from typing import Any

from chalicelib.flags.events import SOURCE
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS, MAX_INTEGER_DIGITS

Json = dict[str, Any]

# How long a text of an answer is at most, unless its schema says otherwise: a listed value, any other text, a URL.
MOST_OF_A_VALUE = 64
MOST_OF_A_TEXT = 256
MOST_OF_A_URL = 2048

IDENTIFIER_SCHEMA: Json = {"type": "string", "pattern": f"^{IDENTIFIER.pattern}$"}
# An exact decimal as a string, without what makes one of a certain sign or over 0.
DIGITS = rf"(0|[1-9][0-9]{{0,{MAX_INTEGER_DIGITS - 1}}})(\.[0-9]{{1,{max(CURRENCY_DECIMALS.values())}}})?"
OVER_ZERO = r"(?!0(\.0+)?$)"
# Without a pattern: generated clients read it as a time, to which no pattern applies.
TIME: Json = {"type": "string", "format": "date-time"}


def ref(name: str, description: str = "") -> Json:
    """Return a reference to a schema of the description."""
    reference: Json = {"$ref": f"#/components/schemas/{name}"}
    return {**reference, "description": description} if description else reference


def referred(schema: Json) -> str:
    """Return the name of the schema that a schema refers to, empty if it refers to none."""
    return str(schema.get("$ref", "").rpartition("/")[2])


def string(pattern: str, description: str) -> Json:
    """Return the schema of a string of a certain form."""
    return {"type": "string", "pattern": pattern, "description": description}


def open_text(values: Iterable[str], description: str) -> Json:
    """Return the schema of a string in an answer whose known values are listed.

    It is no `enum`: a client that was generated today must read a value that the API answers next year.
    """
    known = list(values)
    listed = ", ".join(f"`{value}`" for value in known)
    text = f"{description} Known values: {listed}. Expect others later.".strip()
    return {"type": "string", "maxLength": MOST_OF_A_VALUE, "x-extensible-enum": known, "description": text}


def object_schema(description: str, properties: Json, optional: Iterable[str] = ()) -> Json:
    """Return the schema of an object all of whose properties are required, but for the optional ones."""
    left_out = set(optional)
    required = [name for name in properties if name not in left_out]
    return {"type": "object", "description": description, "properties": properties, "required": required}


def bounded(schema: Any) -> Any:
    """Return a part of an answer's schema in which every string and every map by currency says how long it can be."""
    if isinstance(schema, list):
        return [bounded(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: bounded(inner) for name, inner in schema.items()}
    if "string" in (found.get("type"), *([*found["type"]] if isinstance(found.get("type"), list) else ())):
        most = MOST_OF_A_URL if found.get("format") == "uri" else MOST_OF_A_TEXT
        if not found.keys() & {"maxLength", "enum", "const"} and found.get("format") in (None, "uri"):
            found["maxLength"] = most
    if referred(found.get("propertyNames", {})) == "Currency":
        found.setdefault("maxProperties", len(CURRENCY_DECIMALS))
    return found


def event_of(detail_type: str, description: str, detail: Json) -> Json:
    """Return the JSON Schema of an event as EventBridge delivers it; `detail` is what it says after the bank's id."""
    properties: Json = {
        "version": {"type": "string", "const": "1", "description": "A change that breaks readers makes a new one."},
        "bank": {"type": "string", "description": "The bank's id."},
        **detail,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": detail_type,
        "description": description,
        "type": "object",
        "properties": {
            "source": {"type": "string", "const": SOURCE},
            "detail-type": {"type": "string", "const": detail_type},
            "detail": {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
        },
        "required": ["source", "detail-type", "detail"],
    }
