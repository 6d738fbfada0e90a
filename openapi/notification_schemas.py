"""Schemas of what the API answers, and webhooks say, about notifications."""

from chalicelib.api.requests import MAX_PAGE
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.notifications.state import MAX_FEEDBACK, STATEMENT_ID, State
from chalicelib.webhooks.webhook import TYPE_OF, TYPES
from openapi.json_schema import IDENTIFIER_SCHEMA, TIME, Json, object_schema, ref


def notification_schemas() -> Json:
    """Return the schemas by name."""
    return {
        "Notification": object_schema("What became of a holder's e-mail.", _NOTIFICATION, _MAY_LACK),
        "Notifications": _NOTIFICATIONS,
        "NotificationFeed": _NOTIFICATION_FEED,
        **{webhook_schema(type_): _webhook(type_) for type_ in TYPES},
    }


def webhook_schema(type_: str) -> str:
    """Return the name of the schema of a webhook's body, like NotificationDelivered."""
    return "".join(word.capitalize() for word in type_.split("."))


def _webhook(type_: str) -> Json:
    states = sorted(state.value for state, of_state in TYPE_OF.items() if of_state == type_)
    told = {name: _NOTIFICATION[name] for name in ("holder", "reason", "message_id")}
    data = {"transaction": _TOLD_OF, **told, "state": {"type": "string", "enum": states}}
    return object_schema(
        "What a webhook says: the same at each try.",
        {
            "type": {"type": "string", "const": type_},
            "timestamp": {**TIME, "description": "When it came to be so, in UTC."},
            "data": object_schema(
                "Which notification, and what became of it.", data, optional=("reason", "message_id")
            ),
        },
    )


_STATE: Json = {"type": "string", "enum": [state.value for state in State]}
_REASON = {"type": "string", "description": "A code, or the preference that said so."}
_MAY_LACK = ("reason", "queued_at", "sent_at", "message_id")
_NOTIFICATION: Json = {
    "holder": {**IDENTIFIER_SCHEMA, "description": "The bank's id of the holder."},
    "state": _STATE,
    "reason": _REASON,
    "queued_at": {**TIME, "description": "Since when it was to be told, in UTC."},
    "sent_at": {**TIME, "description": "When SES had accepted it, in UTC."},
    "updated_at": {**TIME, "description": "When it last changed, in UTC."},
    "message_id": {"type": "string", "description": "SES's id of the e-mail."},
    "history": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_FEEDBACK + 2,
        "description": "What happened, in order of time: of what SES told, the last ten.",
        "items": object_schema(
            "What happened.", {"state": _STATE, "at": TIME, "reason": _REASON}, optional=("reason",)
        ),
    },
}
_NOTIFICATIONS = object_schema(
    "A transaction's notifications, by holder.", {"notifications": {"type": "array", "items": ref("Notification")}}
)
_TOLD_OF = {
    "type": "string",
    "pattern": f"^(?:{IDENTIFIER.pattern}|{STATEMENT_ID.pattern})$",
    "description": "The transaction's id. Of a statement, `statement@`, the account, `@`, and the week or month by "
    "ISO 8601: no transaction has such an id.",
    "examples": ["t-4711", "statement@A123@2026-W23", "statement@A123@2026-06"],
}
_NOTIFICATION_FEED = object_schema(
    "Notifications that changed, as they are now.",
    {
        "notifications": {
            "type": "array",
            "maxItems": MAX_PAGE,
            "items": object_schema(
                "What became of a holder's e-mail about a transaction, or with a statement.",
                {"transaction": _TOLD_OF, **_NOTIFICATION},
                _MAY_LACK,
            ),
        },
        "next_cursor": {"type": "string", "description": "What `since` goes on from: always given."},
    },
)
