"""The API's committed description, and validators of its schemas."""

import json
from typing import Any

from jsonschema_rs import Draft202012Validator

from infra.package import PROJECT_DIR
from openapi.__main__ import OPENAPI

FILE = PROJECT_DIR / OPENAPI
DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text())


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return what checks an instance against one of the description's schemas, formats included, patterns as ECMA's."""
    return Draft202012Validator({**schema, "components": DESCRIPTION["components"]}, validate_formats=True)
