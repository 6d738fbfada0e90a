"""The forms that many schemas share: ids, times, exact decimals, objects and references."""

from typing import Any

from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS, MAX_INTEGER_DIGITS

Json = dict[str, Any]

IDENTIFIER_SCHEMA: Json = {"type": "string", "pattern": f"^{IDENTIFIER.pattern}$"}
# An exact decimal as a string, without what makes one of a certain sign or over 0.
DIGITS = rf"(0|[1-9][0-9]{{0,{MAX_INTEGER_DIGITS - 1}}})(\.[0-9]{{1,{max(CURRENCY_DECIMALS.values())}}})?"
OVER_ZERO = r"(?!0(\.0+)?$)"
TIME: Json = {"type": "string", "format": "date-time", "pattern": "Z$"}


def ref(name: str) -> Json:
    """Return a reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def string(pattern: str, description: str) -> Json:
    """Return the schema of a string of a certain form."""
    return {"type": "string", "pattern": pattern, "description": description}


def object_schema(description: str, properties: Json, optional: tuple[str, ...] = ()) -> Json:
    """Return the schema of an object all of whose properties are required, but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": description, "properties": properties, "required": required}
