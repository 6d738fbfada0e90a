"""Requests of banks, and of holders' browsers, as API Gateway hands them to the function."""

import json
from typing import Any
from urllib.parse import urlencode


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
    return _event(method, resource, json.dumps(body), parameters, sent | (headers or {}))


def form(resource: str, fields: dict[str, str], parameters: dict[str, str]) -> dict[str, Any]:
    """Return API Gateway's event for a form that a browser sends."""
    headers = {"content-type": "application/x-www-form-urlencoded", "host": "alerts.example.com"}
    return _event("POST", resource, urlencode(fields), parameters, headers)


def _event(
    method: str, resource: str, body: str, parameters: dict[str, str] | None, sent: dict[str, str]
) -> dict[str, Any]:
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
        "body": body,
        "isBase64Encoded": False,
    }
