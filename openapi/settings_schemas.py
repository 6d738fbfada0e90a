"""Schemas of the answer about a bank's settings: all of them, with the defaults."""

from chalicelib.errors import MAX_ERRORS
from openapi.answered import answered, answered_objects
from openapi.json_schema import Json, ref

_MAY_LACK = ("webhook_url", "webhooks_disabled_at")


def settings_schemas(requests: Json) -> Json:
    """Return the schemas by name; `requests` has those of what a bank sends."""
    settings = answered(requests, "BankSettings")
    settings["description"] = "All of a bank's settings, the defaults too."
    settings["required"] = [name for name in settings["properties"] if name not in _MAY_LACK]
    settings["properties"]["warnings"] = {
        "type": "array",
        "maxItems": MAX_ERRORS,
        "items": ref("FieldError"),
        "description": "Only in the answer to `PUT`: what was set before, was left out of the request, and is at its "
        "default now.",
    }
    return {**answered_objects(requests, ["BankSettings"], all_required=True), "AllSettings": settings}
