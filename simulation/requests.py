"""Requests of banks, as API Gateway hands them to the function."""

import json
from typing import Any


def request(
    bank: str,
    method: str,
    resource: str,
    body: dict[str, Any],
    parameters: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return API Gateway's event for a request of a bank."""
    sent = {"content-type": "application/json", "x-api-key": f"tn_key-of-{bank}", "host": "api.example.com"}
    sent |= headers or {}
    path = resource.format(**(parameters or {}))
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "multiValueQueryStringParameters": None,
        "queryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": path,
            "requestId": "r",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
