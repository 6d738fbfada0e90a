"""Schemas of the answers about holders."""

from chalicelib.holders.holder import MAX_HOLDERS
from chalicelib.notifications.verdicts import REASONS
from openapi.answered import answered, answered_objects
from openapi.json_schema import IDENTIFIER_SCHEMA, TIME, Json, object_schema, open_text, ref


def holder_schemas(requests: Json) -> Json:
    """Return the schemas by name; `requests` has those of what a bank sends."""
    holder = answered(requests, "Holder")["properties"]
    holder["preferences"] = {
        **holder["preferences"],
        "description": "What the holder is notified of: the bank's preferences, and in their place, field by field, "
        "what the "
        "holder has chosen.",
    }
    properties = {
        "id": {**IDENTIFIER_SCHEMA, "description": "The id in the path."},
        **holder,
        "preferences_chosen_by": open_text(
            ("bank", "holder"), "Who chose the preferences: `holder` as soon as the holder has chosen any of them."
        ),
        "preferences_chosen_at": {**TIME, "description": "When they were chosen, in UTC."},
        "created_at": {**TIME, "description": "When the holder was first enrolled, in UTC."},
        "enrolled_at": {
            **TIME,
            "description": "When the bank last replaced the holder, or changed the address, in UTC.",
        },
        "updated_at": {**TIME, "description": "When the bank or the holder last changed something, in UTC."},
        "confirmation_asked_at": {
            **TIME,
            "description": "Since when the holder is to confirm the address, in UTC. Absent if nobody asks for it. "
            "Without `address_confirmed_at`, the holder gets no e-mails.",
        },
        "address_confirmed_at": {**TIME, "description": "When the address was confirmed, in UTC. Absent if it isn't."},
        "suppressed": ref("Suppression"),
    }
    return {
        **answered_objects(requests, ["Holder"]),
        "EnrolledHolder": object_schema(
            "A holder who is notified of the account's transactions.",
            properties,
            optional=("confirmation_asked_at", "address_confirmed_at", "suppressed"),
        ),
        "Suppression": _SUPPRESSION,
        "Holders": _HOLDERS,
    }


_SUPPRESSION = object_schema(
    "No e-mail is sent to this address, for any of the bank's holders who have it. It ends when another address is "
    "enrolled, when it is lifted, and at `until` if it has that.",
    {
        "reason": open_text(REASONS, "The reason."),
        "since": {**TIME, "description": "The time of the bounce or complaint, in UTC."},
        "until": {**TIME, "description": "When it lapses by itself, in UTC. Absent if it doesn't."},
    },
    optional=("until",),
)
_HOLDERS = object_schema(
    "An account's holders, by id.",
    {"holders": {"type": "array", "maxItems": MAX_HOLDERS, "items": ref("EnrolledHolder")}},
)
