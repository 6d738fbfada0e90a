"""The API's OpenAPI 3.1 description, made from the app's own schemas, errors and limits."""

import re
from typing import Any

from apispec import APISpec

from chalicelib.api.documentation import SERVER
from openapi.answer_schemas import add_answer_schemas
from openapi.json_schema import Json
from openapi.marshmallow_fields import ExactPlugin
from openapi.operation import API_KEY, HEADERS, PARAMETERS, SIGNATURE, STAFF, WEBHOOK_SIGNATURE
from openapi.paths import paths
from openapi.problems import problem_examples
from openapi.request_schemas import add_request_schemas, state_defaults
from openapi.webhooks import webhooks

_ABOUT = """\
Notifies card and account holders of every transaction. A bank posts its transactions; the service validates each of
them, stores it exactly once, and notifies the account's holders by e-mail, in their language.

Requests and answers are JSON in UTF-8. A bank sends its API key in the header `x-api-key`. A bank with a signing secret
also signs every write in the form of [Standard Webhooks](https://www.standardwebhooks.com/). Amounts in answers are
exact decimal strings with all of the currency's decimals. Times in answers are RFC 3339 in UTC. Unknown fields and
query parameters are refused. What needs no key can also be asked for with `HEAD`. Every answer has the request's one id
in the header `x-request-id`. Every error is a problem document (RFC 9457); programs may rely on its `code`.
"""
_CONTACT = {"name": "The service's operator", "email": "support@transaction-notifier.example"}
_LICENSE = {"name": "Proprietary: for banks under contract", "identifier": "LicenseRef-Proprietary"}
_TAGS = {
    "Transactions": "Record transactions, alone or in batches, and read them.",
    "Analytics": "Totals of the recorded transactions.",
    "Holders": "The people who are notified of an account's transactions.",
    "Settings": "The rules that flag a transaction, the addresses of operators, and the endpoints of webhooks.",
    "Endpoints": "What became of webhooks, tests of the bank's endpoints, and one more try.",
    "Staff": "What the console shows to a bank's staff. They sign in, and send their ID token instead of an API key.",
    "Preferences": "The holder's pages, which the encrypted links in e-mails lead to. They need no key.",
    "Notifications": "The delivery status of e-mails.",
    "Service": "The service itself. Needs no key.",
    # A tag of their own: a generator replaces the operations of a tag by the webhooks that share it.
    "Webhooks": "Requests that the service sends to a bank's endpoints.",
}


def description() -> Json:
    """Return the description: the same, to the order of its keys, as long as the app is."""
    spec = APISpec(
        "Transaction notifier",
        "1",
        "3.1.0",
        plugins=[ExactPlugin()],
        info={"description": _ABOUT, "contact": _CONTACT, "license": _LICENSE},
        servers=[{"url": SERVER}],
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        security=[{"apiKey": []}],
        webhooks=webhooks(),
    )
    spec.components.security_scheme("apiKey", API_KEY)
    spec.components.security_scheme("signature", SIGNATURE)
    spec.components.security_scheme("webhookSignature", WEBHOOK_SIGNATURE)
    spec.components.security_scheme("staff", STAFF)
    add_request_schemas(spec)
    add_answer_schemas(spec)
    state_defaults(spec.components.schemas)
    for name, parameter in PARAMETERS.items():
        spec.components.parameter(name, parameter["in"], parameter)
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, example in problem_examples().items():
        spec.components.example(name, example)
    for path, operations in paths().items():
        spec.path(path, operations=operations)
    made = spec.to_dict()
    order = ("openapi", "info", "servers", "security", "tags", "paths", "webhooks", "components")
    return {name: _with_least_lengths(made[name]) for name in order}


def _with_least_lengths(node: Any) -> Any:
    """Return a part of the description in which every string that can't be empty says so.

    Patterns say it too, but not all generators check them.
    """
    if isinstance(node, list):
        return [_with_least_lengths(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    found = {name: _with_least_lengths(inner) for name, inner in node.items()}
    pattern = found.get("pattern")
    if isinstance(pattern, str) and "minLength" not in found and not re.search(pattern, ""):
        found["minLength"] = 1
    return found
