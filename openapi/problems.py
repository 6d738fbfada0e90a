"""Which problem documents an operation can answer: the app's own, and those of the gateway in front of it."""

import json
from collections.abc import Iterable
from functools import cache

from chalicelib.api.problems import ANSWERS, CONTENT_TYPE
from chalicelib.errors import MAX_ERRORS, MAX_FIELD
from infra.package import PROJECT_DIR
from openapi.json_schema import Json, object_schema, ref

_LONGEST_PATH = 10_240  # API Gateway's limit of a request line
FIELD_ERROR = object_schema(
    "A field or parameter, and what is wrong with it.",
    {
        "field": {
            "type": "string",
            "maxLength": MAX_FIELD,
            "description": "With dots: `merchant.mcc`. Empty if the message is about a batch's item as a whole, "
            "or says how many more there are.",
        },
        "message": {"type": "string", "minLength": 1, "description": "For people. It never repeats what was sent."},
    },
)
PROBLEM = object_schema(
    "A problem document (RFC 9457). Programs may rely on `code`; the texts are for people.",
    {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:transaction-notifier:problem:[a-z_]+$"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        # Of a request that breaks rules, it names the fields.
        "detail": {"type": "string", "maxLength": (MAX_ERRORS + 1) * MAX_FIELD},
        "instance": {"type": "string", "maxLength": _LONGEST_PATH, "description": "The path of the request."},
        "code": {"type": "string", "pattern": "^[a-z]+(_[a-z]+)*$"},
        "request_id": {
            "type": "string",
            "description": "The one id of the request: the header `x-request-id`, and in the service's logs.",
        },
        "errors": {"type": "array", "maxItems": MAX_ERRORS, "items": ref("FieldError")},
    },
)
# The gateway's answers by what they hang on.
_GATEWAY = {
    "all": (
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "ACCESS_DENIED",
        "WAF_FILTERED",
        "EXPIRED_TOKEN",
        "INVALID_SIGNATURE",
        "THROTTLED",
        "INTEGRATION_TIMEOUT",
        "INTEGRATION_FAILURE",
    ),
    "staff": ("UNAUTHORIZED",),
    "key": ("INVALID_API_KEY", "QUOTA_EXCEEDED"),
    "body": ("REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    "path parameter": ("MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND"),
}

_REASONS = {
    "bad_request": "the gateway can't read the request",
    "body_too_large": "the body is over the limit",
    "card_number_refused": "the body holds what looks like a full card number",
    "case_claimed": "a colleague works on the case; `detail` says who, and since when",
    "case_closed": "the case is closed: reopen it first",
    "case_full": "the case holds as many notes as it can",
    "case_not_found": "the bank has no case with this id",
    "case_not_yours": "the member hasn't claimed the case",
    "forbidden": "the gateway refuses the request",
    "group_required": "the member of staff is not in the group that this needs",
    "holder_not_found": "the account has no such holder",
    "internal_error": "an error of the service; its operator finds it by `request_id`",
    "invalid_cursor": "the cursor was not issued for this listing",
    "invalid_signature": "the bank has a signing secret, and the signature is missing, wrong or over 5 minutes old",
    "lifted_lately": "the address is suppressed again within a day after it was lifted; try again after `Retry-After`",
    "malformed_body": "the body is not UTF-8 or no JSON object, has the same key twice, NaN or Infinity, is nested too "
    "deeply, or has control characters or U+FFFD to U+FFFF",
    "precondition_failed": "`If-Match` names another version than the present one; nothing is changed",
    "no_open_case": "no case is open",
    "no_webhook_secret": "the bank has no webhook secret: an operator of the service issues the first one",
    "no_endpoint": "the bank's settings name no endpoint for webhooks",
    "not_signed_in": "the ID token is missing, not valid, expired, or of no active bank",
    "not_suppressed": "e-mails go to the holder's address",
    "quota_exceeded": "the plan's requests or transactions of the day are used up",
    "range_too_large": "the range has more than one request adds up or answers; `errors` names the day to which it may "
    "go",
    "read_limit_reached": "the member has asked as much as one may in an hour; try again after `Retry-After`",
    "route_not_found": "no route has this path and method",
    "temporarily_unavailable": "try again; this is safe",
    "throttled": "the plan's rate is exceeded",
    "too_many_secrets": "five webhook secrets of the bank are valid; try again after `Retry-After`",
    "too_many_holders": "the account has the most holders that it can have",
    "transaction_conflict": "the id is recorded with other content; `errors` names the fields that differ",
    "transaction_not_found": "the bank has no transaction with this id",
    "tried_lately": "it was tried a moment ago; try again after `Retry-After`",
    "unknown_api_key": "the API key is missing, or is not the key of an active bank",
    "unsupported_media_type": "the body is not `application/json`, or has a `Content-Encoding`",
    "validation_failed": "fields or parameters break a rule; `errors` names each",
    "webhook_not_found": "no webhook with this id was tried in the last seven days",
}
_ERRORS = {
    "card_number_refused": {"field": "description", "message": "Looks like a full card number."},
    "range_too_large": {"field": "to", "message": "Must be 2026-01-20 at most."},
    "transaction_conflict": {"field": "amount", "message": "Differs from what is recorded."},
    "validation_failed": {"field": "amount", "message": "Must be over 0."},
}
_MESSAGE = "$context.error.messageString"
_HEADERS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}


@cache
def gateway_answers() -> dict[str, Json]:
    """Return the gateway's own answers by their type, as the app's template sets them up."""
    template = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    responses = template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    return {
        name: json.loads(response["ResponseTemplates"]["application/json"].replace(_MESSAGE, '""'))
        for name, response in responses.items()
    }


def app_statuses() -> dict[str, int]:
    """Return the status of each code that the app answers."""
    return {error.code: status for error, (status, _) in ANSWERS.items()} | {
        "internal_error": 500,
        "route_not_found": 404,
    }


def problem_examples() -> Json:
    """Return a problem document for each status and code, by the name under which responses refer to it."""
    titles = {(status, error.code): title for error, (status, title) in ANSWERS.items()}
    titles |= {(answer["status"], answer["code"]): answer["title"] for answer in gateway_answers().values()}
    return {
        f"{status}_{code}": {
            "value": {
                "type": f"urn:transaction-notifier:problem:{code}",
                "title": title,
                "status": status,
                "detail": f"{title}.",
                "instance": "/transactions",
                "code": code,
                "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "errors": [_ERRORS[code]] if code in _ERRORS else [],
            }
        }
        for (status, code), title in sorted(titles.items())
        if code in _REASONS
    }


def problem_responses(codes: Iterable[str], gateway: Iterable[str]) -> Json:
    """Return the responses, by status, for the app's codes and for the gateway's answers to what is in `gateway`."""
    statuses = app_statuses()
    answers = [gateway_answers()[name] for kind in gateway for name in _GATEWAY[kind]]
    found = {(statuses[code], code) for code in codes} | {(one["status"], one["code"]) for one in answers}
    by_status: dict[int, list[str]] = {}
    for status, code in sorted(found):
        by_status.setdefault(status, []).append(code)
    return {str(status): _response(status, listed) for status, listed in by_status.items()}


def _response(status: int, codes: list[str]) -> Json:
    response: Json = {
        "description": "\n".join(f"- `{code}`: {_REASONS[code]}" for code in codes),
        "content": {
            CONTENT_TYPE: {
                "schema": ref("Problem"),
                "examples": {code: {"$ref": f"#/components/examples/{status}_{code}"} for code in codes},
            }
        },
    }
    if status in _HEADERS:
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS[status]}
    return response
