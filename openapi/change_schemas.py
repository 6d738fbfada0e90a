"""Schemas of what is told of a changed holder: the event on EventBridge, and the webhook's data."""

from chalicelib.changes.change_teller import HOLDER_CHANGED
from chalicelib.holders.change import BANK, HOLDER, KINDS
from openapi.json_schema import IDENTIFIER_SCHEMA, TIME, Json, event_of, object_schema, open_text

_CHANGE = "What changed: the security alerts ended, or the holder has another address."
_BY = "Who changed it: the bank, or the holder on the page."
_AT = {**TIME, "description": "When it was changed, in UTC."}
_WHO: Json = {
    "account": {**IDENTIFIER_SCHEMA, "description": "The account's id."},
    "holder": {**IDENTIFIER_SCHEMA, "description": "The bank's id of the holder."},
}
HOLDER_CHANGE = object_schema(
    "What changed of a holder, without the holder's name and address.",
    {**_WHO, "change": open_text(KINDS, _CHANGE), "changed_by": open_text((BANK, HOLDER), _BY), "changed_at": _AT},
)


def holder_event_schema() -> Json:
    """Return the JSON Schema of the HolderChanged event, as EventBridge delivers it."""
    return event_of(
        HOLDER_CHANGED,
        "A holder's security alerts ended, or a holder's address changed. The event may come more than once, with the "
        "same content.",
        {
            **_WHO,
            "change": {"type": "string", "enum": list(KINDS), "description": _CHANGE},
            "changed_by": {"type": "string", "enum": [BANK, HOLDER], "description": _BY},
            "changed_at": _AT,
        },
    )
