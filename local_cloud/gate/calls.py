"""A request as a call of an AWS API: which service and operation, with which parameters, by whom, on what."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from local_cloud.gate import models
from local_cloud.gate.keys import Signer
from local_cloud.gate.rule import Call, entries

# Services whose name in a signature is not botocore's.
_NAMES = {"ses": "sesv2", "monitoring": "cloudwatch"}
_QUERY = frozenset({"sns", "iam", "sts", "cloudformation", "cloudwatch"})
_REST = frozenset({"lambda", "sesv2", "apigateway"})
# What names the resource of a call. Never a key of an item.
_RESOURCES = (
    "TableName",
    "QueueUrl",
    "TopicArn",
    "SecretId",
    "FunctionName",
    "Bucket",
    "LogGroupName",
    "ConfigurationSetName",
    "StackName",
    "UserPoolId",
    "StreamArn",
    "Namespace",
    "KeyId",
)


def call_of(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, signer: Signer) -> Call:
    """Return the call that a signed request is. What can't be read has no parameters: the emulator refuses it."""
    service = _NAMES.get(signer.service, signer.service)
    if service == "sesv2" and not path.startswith("/v2/"):
        service = "ses"
    target, _, operation = headers.get("x-amz-target", "").rpartition(".")
    if target.startswith("DynamoDBStreams"):
        service = "dynamodbstreams"
    parameters: dict[str, Any] = {}
    if service == "s3":
        operation, parameters = _s3(method, path, query)
    elif service in _REST:
        operation, parameters = models.operation_at(service, method, path) or ("", {})
        parameters |= _payload(body, headers) if operation == "Invoke" else _json(body)
    elif target:
        parameters = _json(body)
    elif service in _QUERY or b"Action=" in body:
        parameters = dict(parse_qsl(f"{query}&{body.decode('utf-8', 'replace')}", keep_blank_values=True))
        operation = str(parameters.pop("Action", ""))
    return Call(service, operation, parameters, signer.access_key_id, signer.region, len(body))


def resources_of(call: Call) -> Iterator[str]:
    """Yield the names or ARNs of what a call is about; an empty text if it names nothing."""
    named = [str(call.parameters[name]) for name in _RESOURCES if name in call.parameters]
    tables = call.parameters.get("RequestItems")
    named += list(tables) if isinstance(tables, dict) else []
    for item in entries(call.parameters.get("TransactItems")):
        named += [f"{kind} {one['TableName']}" for kind, one in item.items() if "TableName" in one]
    named += [
        str(entry["EventBusName"]) for entry in entries(call.parameters.get("Entries")) if "EventBusName" in entry
    ]
    yield from sorted(set(named)) or [""]


def _s3(method: str, path: str, query: str) -> tuple[str, dict[str, Any]]:
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    if key:
        names = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
        return names.get(method, f"{method} object"), {"Bucket": bucket, "Key": key}
    if method == "PUT" and not query:
        return "CreateBucket", {"Bucket": bucket}
    listing = method == "GET" and "list-type" in query
    return "ListObjectsV2" if listing else f"{method} bucket", {"Bucket": bucket}


def _payload(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    return {"Payload": body, "InvocationType": headers.get("x-amz-invocation-type", "RequestResponse")}


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
