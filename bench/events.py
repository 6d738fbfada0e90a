"""The requests of the benchmark, as API Gateway passes them to a function."""

import json
from collections.abc import Iterable
from typing import Any

API_KEY = "tn_key-of-the-bench"
Body = dict[str, Any]


class Context:
    """The part of Lambda's context that the handlers use."""

    aws_request_id = "6bc28136-xmpl-4365-b021-0ce6b2e64ab0"
    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-2:123456789012:function:bench"

    def get_remaining_time_in_millis(self) -> int:
        return 28_000


CONTEXT = Context()


def smallest(number: int) -> Body:
    """Return the smallest valid transaction, each with its own id."""
    return {
        "id": f"bench-{number:08d}",
        "account": f"A{number % 1000:03d}",
        "amount": (number % 90_000 + 1000) / 100,
        "type": "credit" if number % 3 else "debit",
        "timestamp": f"2026-01-{number % 28 + 1:02d}T{number % 24:02d}:{number % 60:02d}:07Z",
    }


def every_field(number: int) -> Body:
    """Return a transaction that has every field."""
    return {
        **smallest(number),
        "currency": "USD",
        "status": "settled",
        "authorization_id": f"authorization-{number}",
        "merchant": {"name": "Marché Mokolo", "mcc": "5411", "city": "Yaoundé", "country": "CM"},
        "description": f"Card purchase {number % 100}, thank you",
        "balance": "10234.50",
        "card_last4": f"{number % 10_000:04d}",
        "metadata": {"channel": "pos", "terminal": f"T-{number % 50}"},
    }


def largest(number: int) -> Body:
    """Return a transaction so large that 500 fill a batch, in text that takes the most memory.

    Python stores every character of a text with the width of its widest character.
    """
    return {**every_field(number), "metadata": {f"{pair}-{'k' * 250}": "v" * 249 + "😀" for pair in range(15)}}


def digits(number: int) -> Body:
    """Return a small transaction; the first has megabytes of digits, which are searched for card numbers."""
    return {**smallest(number), "description": "1 " * 1_800_000} if number == 0 else smallest(number)


def post(body: Body) -> dict[str, Any]:
    """Return the event of `POST /transactions`."""
    return _event("/transactions", body)


def post_batch(bodies: Iterable[Body]) -> dict[str, Any]:
    """Return the event of `POST /transactions/batch`."""
    return _event("/transactions/batch", {"transactions": list(bodies)})


def _event(path: str, body: Body) -> dict[str, Any]:
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Host": "abcdefghij.execute-api.us-east-2.amazonaws.com",
        "User-Agent": "bank/1.0",
        "X-Amzn-Trace-Id": "Root=1-69625b80-0c1d2e3f4a5b6c7d8e9f0a1b",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        "x-api-key": API_KEY,
    }
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": "POST",
            "path": f"/prod{path}",
            "accountId": "123456789012",
            "stage": "prod",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"apiKeyId": "k1a2b3c4d5", "sourceIp": "203.0.113.7", "userAgent": "bank/1.0"},
            "apiId": "abcdefghij",
        },
        "body": json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }
