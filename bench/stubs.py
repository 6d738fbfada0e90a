"""The replacement of DynamoDB: it has one bank, stores nothing, and answers at once.

It works at two levels, the same for all handlers. `client`: the client is replaced, so that only the handler's own work
counts, up to the item in DynamoDB's form. `network`: the client runs, botocore's or the service's own, but its request
isn't sent. `stub_server` is the third level, `wire`: the request goes over HTTP.
"""

import dataclasses
import io
import json
from binascii import crc32
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.hooks import first_non_none_response

from bench.events import API_KEY
from chalicelib.aws.connections import Connections
from chalicelib.aws.dynamo import Item, to_item
from chalicelib.banks.bank import ApiKey, Bank, hash_key

_BANK = Bank("bench", "Bench", "EUR", "standard")
_API_KEY = ApiKey(hash_key(API_KEY), _BANK.id, "gateway")
_ENTRIES = {
    f"bank#{_BANK.id}": to_item(dataclasses.asdict(_BANK)),
    f"key#{_API_KEY.hash}": to_item(dataclasses.asdict(_API_KEY)),
}


class StubClient:
    """Replaces a client."""

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = _ENTRIES.get(Key["entry"]["S"])
        return {"Item": found} if found else {}

    def put_item(self, **_: Any) -> dict[str, Any]:
        return {}

    def update_item(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"taken": {"N": "1"}, "until_ms": {"N": "0"}}}


def holder_of(key: Item) -> dict[str, Any]:
    """Return the answer to a read of an account's only holder; an empty one for a key of another table."""
    if "account_key" not in key:
        return {}
    holder = {
        "name": "Grace Tanyi",
        "email": "grace@example.com",
        "locale": "en",
        "timezone": "Africa/Douala",
        "preferences": {},
        "enrolled_at": "2026-01-01T00:00:00Z",
    }
    return {"Item": {**key, **to_item({"holder:h": holder})}}


class StubResourceClient:
    """Replaces the client under a resource. That client converts values into DynamoDB's form inside its call."""

    def __init__(self, client: Any) -> None:
        self._events = client.meta.events
        self._model = client.meta.service_model.operation_model("PutItem")

    def put_item(self, **parameters: Any) -> dict[str, Any]:
        about = {"model": self._model, "context": {}}
        answers = self._events.emit("provide-client-params.dynamodb.PutItem", params=parameters, **about)
        parameters = first_non_none_response(answers, default=parameters)
        self._events.emit("before-parameter-build.dynamodb.PutItem", params=parameters, **about)
        return {}


def cut_off(client: Any) -> Any:
    """Return the client, changed so that it sends no request."""
    client.meta.events.register("before-send.dynamodb", _answer)
    return client


class StubConnections(Connections):
    """Replaces the connections of the service's own client: the signed request isn't sent."""

    def __init__(self) -> None:
        pass

    def post(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        head, _, body = request.partition(b"\r\n\r\n")
        answer = _answer_to(head, body)
        content = json.dumps(answer).encode()
        return 200, {"content-length": str(len(content)), "x-amz-crc32": str(crc32(content))}, content

    def close(self) -> None:
        pass


def _answer_to(head: bytes, body: bytes) -> dict[str, Any]:
    """Return the answer to a request; `head` has the operation's name in it."""
    if b".GetItem" in head:
        return StubClient().get_item(**json.loads(body))
    return StubClient().update_item() if b".UpdateItem" in head else {}


class _Received(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()


def _answer(request: AWSRequest, **_: Any) -> AWSResponse:
    answer = _answer_to(request.headers["X-Amz-Target"], request.body)
    body = json.dumps(answer).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(body)),
        "x-amzn-RequestId": "3B8N3F4Q2A7VJ9K0S5L6M1P2C3",
    }
    return AWSResponse(request.url, 200, headers, _Received(body))
