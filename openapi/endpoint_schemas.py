"""Schemas of what the API answers about a bank's endpoints, and of what webhooks say of flags and tests."""

from chalicelib.api.requests import MAX_PAGE
from chalicelib.banks.schemas import MAX_URL
from chalicelib.banks.webhook_endpoints import CHOICES, MAX_ENDPOINTS, Status
from chalicelib.webhooks.records import Standing
from chalicelib.webhooks.webhook import TYPES
from openapi.flag_schemas import event_schema
from openapi.json_schema import IDENTIFIER_SCHEMA, TIME, Json, object_schema, open_text, ref

_ID: Json = {"type": "string", "description": "The webhook's id."}
_ENDPOINT: Json = {"type": "string", "description": "The endpoint's id; `default` is the one in the short form."}
_URL: Json = {"type": "string", "maxLength": MAX_URL, "description": "The endpoint's URL."}
_TYPE = open_text(TYPES, "The webhook's type.")
_CHOSEN: Json = {"type": "array", "maxItems": len(CHOICES), "items": open_text(CHOICES, "A type that it wants.")}
_ANSWER: Json = {"type": "string", "description": "The status of the answer, or a code that says why there was none."}


def endpoint_schemas() -> Json:
    """Return the schemas by name."""
    return {
        "EndpointStatus": object_schema(
            "An endpoint, and whether it is in use.",
            {
                "id": _ENDPOINT,
                "url": _URL,
                "types": _CHOSEN,
                "status": open_text([one.value for one in Status], "`unproved` gets tests only; `gone` gets nothing."),
                "since": {**TIME, "description": "Since when it has this status, in UTC."},
            },
            optional=("since",),
        ),
        "WebhookAttempt": object_schema(
            "An attempt to deliver a webhook, and what follows.",
            {
                "id": _ID,
                "type": _TYPE,
                "transaction": {"type": "string", "description": "What it is about, as in the webhook's data."},
                "endpoint": _ENDPOINT,
                "url": _URL,
                "state": open_text([one.value for one in Standing], "The webhook's delivery status after it."),
                "answer": _ANSWER,
                "attempts": {"type": "integer", "minimum": 0, "description": "How often it was posted by then."},
                "at": {**TIME, "description": "When, in UTC."},
                "next_at": {**TIME, "description": "When it is tried next, in UTC."},
            },
            optional=("transaction", "url", "next_at"),
        ),
        "WebhookAttempts": object_schema(
            "The bank's endpoints, and attempts to deliver webhooks, newest first.",
            {
                "endpoints": {"type": "array", "maxItems": MAX_ENDPOINTS + 1, "items": ref("EndpointStatus")},
                "attempts": {"type": "array", "maxItems": MAX_PAGE, "items": ref("WebhookAttempt")},
                "next_cursor": {"type": "string", "description": "The `cursor` for what was before, if there is more."},
            },
            optional=("next_cursor",),
        ),
        "EndpointTest": object_schema(
            "An endpoint's answer to a test.",
            {
                "id": _ID,
                "endpoint": _ENDPOINT,
                "url": _URL,
                "answer": _ANSWER,
                "accepted": {"type": "boolean", "description": "Whether it answered 2xx."},
            },
        ),
        "EndpointTests": object_schema(
            "The endpoints' answers.",
            {"tests": {"type": "array", "maxItems": MAX_ENDPOINTS + 1, "items": ref("EndpointTest")}},
        ),
        "WebhookResent": object_schema(
            "A webhook that is sent again.",
            {"id": _ID, "type": _TYPE, "endpoint": _ENDPOINT, "state": open_text(["queued"], "Its state.")},
        ),
        "FlaggedTransaction": _flagged(),
        "TestedEndpoint": object_schema("Which endpoint is tested.", {"endpoint": _ENDPOINT}),
    }


def _flagged() -> Json:
    """Return the schema of a webhook's data about a flagged transaction: what the event on EventBridge says."""
    detail = event_schema()["properties"]["detail"]["properties"]
    transaction = detail["transaction"]["properties"]
    about = {name: value for name, value in transaction.items() if name != "id"}
    about["timestamp"] = {**TIME, "description": "The transaction's own, in UTC."}
    about["recorded_at"] = {**TIME, "description": "When it was stored, in UTC."}
    about["type"] = open_text(["credit", "debit"], "The direction of the money, as the account sees it.")
    about["status"] = open_text(["settled", "authorized"], "The transaction's status.")
    about["merchant"] = {"type": "object", "properties": transaction["merchant"]["properties"]}
    return object_schema(
        "The transaction, and why it was flagged.",
        {
            "transaction": {**IDENTIFIER_SCHEMA, "description": "The transaction's id."},
            **about,
            "flags": ref("Flags"),
        },
        optional=("merchant",),
    )
