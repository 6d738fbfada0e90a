"""Schemas of what the API answers about notifications, and of what webhooks carry."""

from chalicelib.api.requests import MAX_PAGE
from chalicelib.banks.webhook_endpoints import ALERT_ANSWERED, HOLDER_CHANGED, TRANSACTION_FLAGGED, WEBHOOK_TEST
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.notifications.records import MOST_OF_A_TRANSACTION
from chalicelib.notifications.state import CHANGE_ID, DIGEST_ID, MAX_FEEDBACK, STATEMENT_ID, State
from chalicelib.webhooks.webhook import TYPE_OF, TYPES
from openapi.change_schemas import HOLDER_CHANGE
from openapi.json_schema import IDENTIFIER_SCHEMA, MOST_OF_A_VALUE, TIME, Json, object_schema, open_text, ref


def notification_schemas() -> Json:
    """Return the schemas by name."""
    return {
        "Notification": object_schema("The delivery status of a holder's e-mail.", _NOTIFICATION, _MAY_LACK),
        "NotificationEvent": _EVENT,
        "Notifications": _NOTIFICATIONS,
        "ChangedNotification": _CHANGED,
        "NotificationFeed": _NOTIFICATION_FEED,
        "WebhookData": _WEBHOOK_DATA,
        "HolderChange": HOLDER_CHANGE,
        **{webhook_schema(type_): _webhook(type_) for type_ in TYPES},
    }


def webhook_schema(type_: str) -> str:
    """Return the name of the schema of a webhook's body, like NotificationDelivered."""
    return "".join(word.capitalize() for word in type_.split("."))


# The schema of the data, and what the time says, of types that aren't about the delivery of an e-mail.
_DATA = {
    ALERT_ANSWERED: ("AlertAnswer", "When the holder answered, in UTC."),
    HOLDER_CHANGED: ("HolderChange", "When the holder was changed, in UTC."),
    TRANSACTION_FLAGGED: ("FlaggedTransaction", "When the transaction was flagged, in UTC."),
    WEBHOOK_TEST: ("TestedEndpoint", "When the test was asked for, in UTC."),
}


def _webhook(type_: str) -> Json:
    data, at = _DATA.get(type_, ("WebhookData", "When the delivery status came to be, in UTC."))
    return object_schema(
        "The body of a webhook: the same at each try.",
        {
            "type": {"type": "string", "const": type_},
            "timestamp": {**TIME, "description": at},
            "data": ref(data),
        },
    )


_STATE = open_text([state.value for state in State], "The delivery status.")
_REASON = {"type": "string", "maxLength": MOST_OF_A_VALUE, "description": "A code, or the preference that decided."}
_MAY_LACK = ("reason", "queued_at", "sent_at", "message_id", "digest")
_NOTIFICATION: Json = {
    "holder": {
        **IDENTIFIER_SCHEMA,
        "description": "The bank's id of the holder; of a holder who was erased, a random name.",
    },
    "state": _STATE,
    "reason": _REASON,
    "queued_at": {**TIME, "description": "When the e-mail was queued, in UTC."},
    "sent_at": {**TIME, "description": "When SES accepted the e-mail, in UTC."},
    "updated_at": {**TIME, "description": "When the notification last changed, in UTC."},
    "message_id": {"type": "string", "description": "SES's id of the e-mail."},
    "digest": {
        "type": "string",
        "pattern": f"^{DIGEST_ID.pattern}$",
        "description": "The id of the digest that the notification waits for, or with which it came. Notifications "
        "with the same one came in one e-mail.",
        "examples": ["digest@A123@20260110T150000.000000Z"],
    },
    "history": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_FEEDBACK + 2,
        "description": f"What happened, in order of time; of what SES reported, the last {MAX_FEEDBACK} events.",
        "items": ref("NotificationEvent"),
    },
}
_EVENT = object_schema("What happened, and when.", {"state": _STATE, "at": TIME, "reason": _REASON}, ("reason",))
_NOTIFICATIONS = object_schema(
    "A transaction's notifications, by holder.",
    {
        "notifications": {"type": "array", "maxItems": MOST_OF_A_TRANSACTION, "items": ref("Notification")},
    },
)
_TRANSACTION: Json = {
    "type": "string",
    "pattern": f"^(?:{IDENTIFIER.pattern}|{STATEMENT_ID.pattern}|{CHANGE_ID.pattern})$",
    "description": "The transaction's id. Of a statement: `statement@`, the account, `@`, and the week or month by "
    "ISO 8601. Of an e-mail about a change of the holder: `alerts_ended@`, `address_changed@` or `confirm_address@`, "
    "the account, `@`, and the time. No transaction has such an id.",
    "examples": [
        "t-4711",
        "statement@A123@2026-W23",
        "statement@A123@2026-06",
        "alerts_ended@A123@20260110T140000000000Z",
    ],
}
_CHANGED = object_schema(
    "The delivery status of a holder's e-mail about a transaction, or with a statement.",
    {"transaction": _TRANSACTION, **_NOTIFICATION},
    _MAY_LACK,
)
_NOTIFICATION_FEED = object_schema(
    "Notifications that changed, each with its status now.",
    {
        "notifications": {"type": "array", "maxItems": MAX_PAGE, "items": ref("ChangedNotification")},
        "next_cursor": {"type": "string", "description": "The `since` of the next request. Always there."},
    },
)
_WEBHOOK_DATA = object_schema(
    "The notification, and its delivery status.",
    {
        "transaction": _TRANSACTION,
        **{name: _NOTIFICATION[name] for name in ("holder", "reason", "message_id")},
        "state": open_text(sorted(state.value for state in TYPE_OF), "The delivery status."),
    },
    optional=("reason", "message_id"),
)
