"""What the API sends to banks by itself: the description's webhooks."""

from chalicelib.webhooks.webhook import TYPES
from openapi.json_schema import Json
from openapi.notification_schemas import webhook_schema
from openapi.operation import parameter

_ABOUT = {
    "notification.bounced": "An e-mail bounced.",
    "notification.delivered": "An e-mail was delivered to the holder's mail server.",
    "notification.failed": "An e-mail could not be sent.",
}
_HEADERS = [
    parameter(
        "header", "webhook-id", "The message's id: the same whenever it comes again.", {"type": "string"}, "msg_2Kt7"
    ),
    parameter(
        "header", "webhook-timestamp", "When it was signed, in seconds since 1970.", {"type": "string"}, "1768053600"
    ),
    parameter(
        "header",
        "webhook-signature",
        "`v1,` and the Base64 HMAC-SHA256 of `id.timestamp.body`; several, with spaces between, while a secret is "
        "rotated.",
        {"type": "string"},
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
]


def webhooks() -> Json:
    """Return what is posted to a bank's `webhook_url`, by type."""
    return {type_: {"post": _operation(type_)} for type_ in TYPES}


def _operation(type_: str) -> Json:
    return {
        "operationId": webhook_schema(type_),
        "tags": ["Webhooks"],
        "summary": _ABOUT[type_],
        "description": "Posted to the bank's `webhook_url`, signed with the bank's webhook secret in the form of "
        "[Standard Webhooks](https://www.standardwebhooks.com/), at least once and in any order. It is tried again for "
        "three days, until it is answered with 2xx. A minute after a 410, nothing is sent until the bank puts its "
        "settings.",
        "security": [],
        "parameters": _HEADERS,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{webhook_schema(type_)}"}}},
        },
        "responses": {
            "2XX": {"description": "Taken: it is not sent again."},
            "410": {"description": "Nothing more is wanted."},
            "default": {"description": "Not taken: it is tried again. Redirects are not followed."},
        },
    }
