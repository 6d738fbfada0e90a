"""The gate's refusals, in the form of the API that was called."""

import json
from xml.sax.saxutils import escape

_QUERY = frozenset({"sns", "iam", "sts", "cloudformation", "cloudwatch", "ses"})
_REST_JSON = frozenset({"lambda", "sesv2", "apigateway"})
Answer = tuple[int, dict[str, str], bytes]


def refusal(service: str, error: str, status: int, message: str) -> Answer:
    """Return the status, headers and body with which this service refuses a call."""
    if service == "s3":
        text = f"<Error><Code>{escape(error)}</Code><Message>{escape(message)}</Message></Error>"
        return status, {"content-type": "application/xml"}, text.encode()
    if service in _QUERY:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(error)}</Code>"
            f"<Message>{escape(message)}</Message></Error></ErrorResponse>"
        )
        return status, {"content-type": "text/xml"}, text.encode()
    headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-errortype": error}
    if service in _REST_JSON:
        headers["content-type"] = "application/json"
    if service == "sqs":
        headers["x-amzn-query-error"] = f"{error};Sender"
    return status, headers, json.dumps({"__type": error, "message": message}).encode()


def plain(status: int, text: str) -> Answer:
    """Return an answer for people: the request is no call of an API."""
    return status, {"content-type": "text/plain; charset=utf-8"}, f"{text}\n".encode()


def as_json(status: int, message: str) -> Answer:
    """Return an answer as API Gateway gives its own."""
    return status, {"content-type": "application/json"}, json.dumps({"message": message}).encode()
