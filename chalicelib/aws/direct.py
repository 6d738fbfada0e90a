"""DynamoDB's most frequent operations without botocore's layers: the first and every later call takes less time.

`DirectDynamoDB` makes the first attempt of a call. What it can't use (an error, a lost connection, a wrong checksum) it
hands to botocore's client, which takes it for its own first attempt. So the retries, the waits and the errors are
botocore's own. That client is made only then, or for another operation.
"""

import io
import json
import os
import re
import threading
import time
from binascii import crc32
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.exceptions import HTTPClientError

from chalicelib.aws.connections import Answer, Connections
from chalicelib.aws.signing import Credentials, authorization

USER_AGENT = "transaction-notifier"
_TRACE = "_X_AMZN_TRACE_ID"  # set by Lambda for each invocation
_OTHER_DOMAINS = re.compile("cn-|.*-iso|eusc-")  # regions whose endpoints botocore must find
_BINARY = re.compile(rb'"BS?" ?:')


def endpoint(environment: Mapping[str, str]) -> str | None:
    """Return DynamoDB's URL for a function with this environment; None if only botocore can find it."""
    url = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment.get("AWS_ENDPOINT_URL")
    region = environment.get("AWS_DEFAULT_REGION", "")
    if not region or (_OTHER_DOMAINS.match(region) and not url):
        return None
    return url or f"https://dynamodb.{region}.amazonaws.com"


class DirectDynamoDB:
    """Takes the place of botocore's client for DynamoDB, with plain JSON values as that has them.

    `credentials` returns the current ones; `make_client` makes botocore's client, when it is first needed.
    """

    def __init__(
        self,
        connections: Connections,
        url: str,
        region: str,
        credentials: Callable[[], Credentials],
        make_client: Callable[[], Any],
    ) -> None:
        self._connections, self._url, self._region, self._credentials = connections, url, region, credentials
        self._host = urlsplit(url).netloc
        self._make_client, self._making = make_client, threading.Lock()
        self._client: Any = None
        self._attempted = threading.local()  # `first`: what became of the first attempt, in the thread that made it

    def put_item(self, **arguments: Any) -> Any:
        return self._call("PutItem", "put_item", arguments)

    def get_item(self, **arguments: Any) -> Any:
        return self._call("GetItem", "get_item", arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self._call("UpdateItem", "update_item", arguments)

    def query(self, **arguments: Any) -> Any:
        return self._call("Query", "query", arguments)

    def batch_get_item(self, **arguments: Any) -> Any:
        return self._call("BatchGetItem", "batch_get_item", arguments)

    def close(self) -> None:
        self._connections.close()
        if self._client is not None:
            self._client.close()

    def __getattr__(self, name: str) -> Any:
        """Return what botocore's client has by this name: another operation, `meta`, `exceptions`."""
        return getattr(self._full(), name)

    def _call(self, operation: str, method: str, arguments: dict[str, Any]) -> Any:
        try:
            body = json.dumps(arguments).encode()
        except TypeError:  # binary values, which botocore encodes
            return getattr(self._full(), method)(**arguments)
        try:
            first = self._connections.post(self.request(operation, body))
        except HTTPClientError as error:
            return self._continued(method, arguments, error)
        status, headers, content = first
        if status != 200 or headers.get("x-amz-crc32", "") not in ("", str(crc32(content))) or _BINARY.search(content):
            return self._continued(method, arguments, first)
        answer = json.loads(content)
        answer["ResponseMetadata"] = {"HTTPStatusCode": status, "RequestId": headers.get("x-amzn-requestid", "")}
        return answer

    def request(self, operation: str, body: bytes) -> bytes:
        """Return the whole signed request."""
        credentials = self._credentials()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signed = {"content-type": "application/x-amz-json-1.0", "host": self._host, "x-amz-date": at}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        signed["x-amz-target"] = f"DynamoDB_20120810.{operation}"
        headers = {
            **signed,
            "authorization": authorization(credentials, self._region, at, signed, body),
            "accept-encoding": "identity",  # the checksum is of what is sent
            "content-length": str(len(body)),
            "user-agent": USER_AGENT,
        }
        if _TRACE in os.environ:
            headers["x-amzn-trace-id"] = quote(os.environ[_TRACE], safe="-=;:+&[]{}\"',")
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body

    def _continued(self, method: str, arguments: dict[str, Any], first: Answer | HTTPClientError) -> Any:
        """Let botocore's client go on from the first attempt: parse or raise what came, or try again."""
        client = self._full()
        self._attempted.first = first
        try:
            return getattr(client, method)(**arguments)
        finally:
            self._attempted.first = None

    def _full(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = self._make_client()
                self._client.meta.events.register("before-send.dynamodb", self._first_attempt)
        return self._client

    def _first_attempt(self, **_: Any) -> Any:
        """Answer botocore's first attempt with what is known of it; let it send the others."""
        first, self._attempted.first = getattr(self._attempted, "first", None), None
        if isinstance(first, HTTPClientError):
            raise first
        if first is None:
            return None
        from botocore.awsrequest import AWSResponse  # loaded with the client

        status, headers, content = first
        return AWSResponse(self._url, status, headers, _Received(content))


class _Received(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()
