"""How an operation is described: its parts, and what all operations of a kind share."""

from collections.abc import Mapping, Sequence

from chalicelib.api.problems import REQUEST_ID
from chalicelib.api.requests import MAX_PAGE
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.staff.member import Group
from openapi.json_schema import IDENTIFIER_SCHEMA, Json, ref
from openapi.problems import problem_responses

JSON = "application/json"


def parameter(place: str, name: str, description: str, schema: Json, example: str | None = None) -> Json:
    """Return a parameter; one in a path is required, no other is."""
    found: Json = {"name": name, "in": place, "description": description, "schema": schema}
    if place == "path":
        found["required"] = True
    if example is not None:
        # The example of an optional parameter is in its schema: here, tools would send it with every request.
        found |= {"example": example} if place == "path" else {"schema": {**schema, "examples": [example]}}
    return found


LIMIT = parameter(
    "query",
    "limit",
    "The most items in an answer.",
    {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50},
)
# The parameters that several operations have, by the names that they use for them.
PARAMETERS: dict[str, Json] = {
    "transaction_id": parameter("path", "transaction_id", "The bank's id of the transaction.", IDENTIFIER_SCHEMA, "1"),
    "account": parameter("path", "account", "The account's id.", IDENTIFIER_SCHEMA, "A123"),
    "case_id": parameter("path", "case_id", "The case's id: the transaction's.", IDENTIFIER_SCHEMA, "1"),
    "holder": parameter("path", "holder", "The bank's id of the holder.", IDENTIFIER_SCHEMA, "awa"),
    "if_match": parameter(
        "header",
        "If-Match",
        "The `ETag` of what was read. If it is another one by now, the answer is 412, and nothing is changed.",
        {"type": "string"},
        '"0b5bd2ba2b6f9e8c9f4a64d1a3d6d1b2"',
    ),
}
API_KEY: Json = {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The bank's API key."}
# A security scheme, not parameters: a signature needs the bytes of the body, which a generated client's caller hasn't.
SIGNATURE: Json = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Only where the bank has a signing secret: `v1,` and the Base64 HMAC-SHA256 of `id.timestamp.body`. "
    "Send the id in `webhook-id`, and the time of signing in seconds since 1970 in `webhook-timestamp`. Several "
    "signatures, with spaces between, are allowed.",
}
WEBHOOK_SIGNATURE: Json = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Of a webhook: `v1,` and the Base64 HMAC-SHA256 of `id.timestamp.body`, made with the bank's "
    "webhook secret. Several, with spaces between, while a secret is rotated. `webhook-id` is the webhook's id, the "
    "same at each try; `webhook-timestamp` is the time of signing, in seconds since 1970.",
}
STAFF: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The ID token of a member of the bank's staff, from the service's Cognito user pool. The role that "
    "an operation names is the least group that may use it: `viewer`, `analyst` or `admin`, each of which includes "
    "those before it.",
}
_OF_WRITES: list[Json] = [{"apiKey": []}, {"apiKey": [], "signature": []}]
HEADERS: dict[str, Json] = {
    "Location": {
        "description": "The transaction, relative to this request's URL.",
        "required": True,
        "schema": {
            "type": "string",
            "format": "uri-reference",
            "pattern": f"^\\./(transactions/)?{IDENTIFIER.pattern}$",
        },
    },
    "ETag": {
        "description": "The version of what is answered, for `If-Match`.",
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    },
    "Idempotency-Replayed": {
        "description": "Nothing new was recorded.",
        "schema": {"type": "string", "const": "true"},
    },
    "Preference-Applied": {
        "description": "The preferences that were applied (RFC 7240), if there are any.",
        "schema": {
            "type": "string",
            "pattern": "^(respond-async|(respond-async, )?handling=(strict|lenient))$",
        },
    },
    "Retry-After": {
        "description": "The seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1},
    },
    REQUEST_ID: {
        "description": "The one id of the request: `request_id` of a problem, and of the request's lines in the "
        "service's logs. A client's own is not taken over.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    },
    "WWW-Authenticate": {"description": "The header that proves who calls.", "schema": {"type": "string"}},
}


def answer(
    description: str,
    schema: Json,
    example: Json | None = None,
    headers: Sequence[str] = (),
    links: Mapping[str, Json] | None = None,
) -> Json:
    """Return a JSON response."""
    content: Json = {"schema": schema}
    if example is not None:
        content["example"] = example
    found: Json = {"description": description, "content": {JSON: content}}
    if headers:
        found["headers"] = {name: header(name) for name in headers}
    if links:
        found["links"] = dict(links)
    return found


def header(name: str) -> Json:
    """Return a response's header, one of HEADERS."""
    return {"$ref": f"#/components/headers/{name}"}


def link(operation_id: str, description: str, **parameters: str) -> Json:
    """Return a link to an operation whose parameters are expressions over this request and its response."""
    return {"operationId": operation_id, "description": description, "parameters": parameters}


def operation(
    operation_id: str,
    tag: str,
    summary: str,
    description: str = "",
    *,
    answers: Mapping[int, Json],
    parameters: Sequence[str | Json] = (),
    body: tuple[str, Mapping[str, Json]] | None = None,
    form: Json | None = None,
    codes: Sequence[str] = (),
    is_write: bool = False,
    is_open: bool = False,
    group: Group | None = None,
) -> Json:
    """Return an operation.

    `parameters` are names of PARAMETERS, or parameters. `body` is the name of its schema, and examples by label. `form`
    is the content of a body that isn't JSON. `codes` are the problems that not every operation of the kind has. An open
    operation needs no key. An operation with a `group` is for staff who are signed in, and in that group at least.
    """
    # Every method: a request that names another media type is refused, even without a body.
    problems = {"internal_error", "unsupported_media_type", *codes}
    gateway = ["all"]
    if not is_open:
        refusals = {"unknown_api_key"} if group is None else {"not_signed_in", "group_required", "read_limit_reached"}
        problems |= {"validation_failed", "temporarily_unavailable", *refusals}
        gateway.append("key" if group is None else "staff")
    if is_write and group is None:
        problems.add("invalid_signature")
    if body is not None:
        problems |= {"malformed_body", "card_number_refused", "body_too_large"}
        gateway.append("body")
    if form is not None:
        problems.add("body_too_large")
        gateway.append("body")
    if any((PARAMETERS[one] if isinstance(one, str) else one)["in"] == "path" for one in parameters):
        gateway.append("path parameter")
    found: Json = {"operationId": operation_id, "tags": [tag], "summary": summary}
    if description:
        found["description"] = description
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        schema, examples = body
        content = {"schema": ref(schema), "examples": {label: {"value": value} for label, value in examples.items()}}
        found["requestBody"] = {"required": True, "content": {JSON: content}}
    if form is not None:
        found["requestBody"] = {"required": True, "content": form}
    if is_open or is_write or group is not None:
        found["security"] = [] if is_open else [{"staff": [group.value]}] if group else _OF_WRITES
    found["responses"] = problem_responses(problems, gateway)
    for status, one in answers.items():
        found["responses"][str(status)] = _either(one, found["responses"].get(str(status), {}))
    for response in found["responses"].values():
        response["headers"] = {**response.get("headers", {}), REQUEST_ID: header(REQUEST_ID)}
    found["responses"] = dict(sorted(found["responses"].items()))
    return found


def _either(own: Json, problem: Json) -> Json:
    """Return a response that is the operation's own, or a problem document."""
    if not problem:
        return own
    return {
        **problem,
        "description": f"{own['description']}\n{problem['description']}",
        "content": {**own["content"], **problem["content"]},
    }
