"""The API's committed description, the sharpened one, and validators of its schemas."""

import json
from typing import Any

from jsonschema_rs import Draft202012Validator

from infra.package import PROJECT_DIR
from openapi.__main__ import OPENAPI
from tests.sharpened import sharpened

FILE = PROJECT_DIR / OPENAPI
DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text())
EXACT = sharpened(DESCRIPTION)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return what checks an instance against a schema of the sharpened description, formats included.

    Patterns are read as ECMA's.
    """
    return Draft202012Validator({**schema, "components": EXACT["components"]}, validate_formats=True)
