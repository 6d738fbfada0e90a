"""The description's webhooks: what the service sends to a bank's endpoint."""

from chalicelib.webhooks.webhook import TYPES
from openapi.json_schema import Json, ref
from openapi.notification_schemas import webhook_schema

_ABOUT = {
    "alert.answered": "A holder answered a security alert: it was the holder, or it wasn't.",
    "holder.changed": "A holder's security alerts ended, or a holder's address changed.",
    "notification.bounced": "An e-mail bounced.",
    "notification.delivered": "An e-mail was delivered to the holder's mail server.",
    "notification.failed": "An e-mail could not be sent.",
    "transaction.flagged": "A transaction was flagged.",
    "webhook.test": "A test, when the bank names an endpoint or asks for one. An accepted test proves the endpoint.",
}


def webhooks() -> Json:
    """Return what is posted to a bank's endpoints, by type."""
    return {type_: {"post": _operation(type_)} for type_ in TYPES}


def _operation(type_: str) -> Json:
    return {
        "operationId": webhook_schema(type_),
        "tags": ["Webhooks"],
        "summary": _ABOUT[type_],
        "description": "Posted to each of the bank's endpoints that wants this type, signed with the bank's webhook "
        "secret in the form of [Standard Webhooks](https://www.standardwebhooks.com/), at least once and in any order. "
        "Sent again for three days (a test for an hour), until the answer is 2xx. Within a minute after a 410, nothing "
        "more is sent to the endpoint until the bank stores its settings again.",
        "security": [{"webhookSignature": []}],
        "requestBody": {
            "required": True,
            # openapi-generator's Python client has no type for a webhook's body, and can't be imported without one.
            "x-py-typing": webhook_schema(type_),
            "content": {"application/json": {"schema": ref(webhook_schema(type_))}},
        },
        "responses": {
            "2XX": {"description": "Accepted. It is not sent again."},
            "410": {"description": "The endpoint wants no more webhooks."},
            "default": {"description": "Not accepted. It is sent again. Redirects are not followed."},
        },
    }
