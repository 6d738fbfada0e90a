"""The API's committed description, the sharpened one, and validators of its schemas."""

import json
from typing import Any

from jsonschema_rs import Draft202012Validator

from chalicelib.api.documentation import SERVER
from infra.package import PROJECT_DIR
from openapi.__main__ import OPENAPI
from tests.sharpened import sharpened

FILE = PROJECT_DIR / OPENAPI
DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text())
EXACT = sharpened(DESCRIPTION)
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
OPERATIONS: list[dict[str, Any]] = [
    operation
    for part in ("paths", "webhooks")
    for operations in DESCRIPTION[part].values()
    for operation in operations.values()
]


def described_at(url: str) -> str:
    """Return the description that was generated, with the URL at which it is asked for."""
    return FILE.read_text().replace(SERVER, url)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return what checks an instance against a schema of the sharpened description, formats included.

    Patterns are read as ECMA's.
    """
    return Draft202012Validator({**schema, "components": EXACT["components"]}, validate_formats=True)
