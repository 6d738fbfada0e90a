"""Schemas of the answers about holders."""

import copy

from chalicelib.holders.holder import MAX_HOLDERS
from openapi.json_schema import DIGITS, IDENTIFIER_SCHEMA, TIME, Json, object_schema, ref, string


def holder_schemas(requests: Json) -> Json:
    """Return the schemas by name; `requests` has those of what a bank sends."""
    return {
        "EnrolledPreferences": _preferences(requests["Preferences"]),
        "EnrolledHolder": object_schema(
            "A holder who is told of the account's transactions.",
            {
                "id": {**IDENTIFIER_SCHEMA, "description": "The id in the path."},
                **copy.deepcopy(requests["Holder"]["properties"]),
                "preferences": ref("EnrolledPreferences"),
                "enrolled_at": {**TIME, "description": "When the holder was enrolled or replaced, in UTC."},
                "suppressed": _SUPPRESSED,
            },
            optional=("suppressed",),
        ),
        "Holders": _HOLDERS,
    }


def _preferences(enrolled: Json) -> Json:
    preferences = copy.deepcopy(enrolled)
    del preferences["additionalProperties"]
    preferences["properties"]["min_amount"]["additionalProperties"] = string(f"^{DIGITS}$", "Exact.")
    preferences["description"] = "As they were enrolled; amounts are strings."
    return preferences


_SUPPRESSED = object_schema(
    "No e-mail goes to the address any more, for any of the bank's holders who have it, until another is enrolled.",
    {
        "reason": {"type": "string", "enum": ["complaint", "hard_bounce"]},
        "since": {**TIME, "description": "When it bounced or was complained of, in UTC."},
    },
)
_HOLDERS = object_schema(
    "An account's holders, by id.",
    {"holders": {"type": "array", "maxItems": MAX_HOLDERS, "items": ref("EnrolledHolder")}},
)
