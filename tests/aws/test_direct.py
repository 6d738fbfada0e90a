"""The direct client: what it sends, answers and raises is what botocore's client would."""

import contextlib
import json
import os
import socket
import threading
from binascii import crc32
from collections.abc import Iterator
from typing import Any, BinaryIO

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.connections import Connections
from chalicelib.aws.direct import USER_AGENT, DirectDynamoDB, endpoint
from chalicelib.aws.signing import Credentials
from tests.far_side import FarSide, Request
from tests.sizes import size

REGION = "us-east-2"
TRACE = "Root=1-69625b80-0c1d2e3f4a5b6c7d8e9f0a1b;Parent=53995c3f42cd8ad8;Sampled=1"
KEY = Credentials("AKIDEXAMPLE", "secret", "a/token=")
CONFIG = Config(
    connect_timeout=1,
    read_timeout=0.5,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    user_agent=USER_AGENT,
)
_values = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, st.text(max_size=8)),
        st.builds(lambda number: {"N": str(number)}, st.integers(-9, 9)),
        st.builds(lambda value: {"BOOL": value}, st.booleans()),
        st.builds(lambda value: {"B": value}, st.binary(max_size=4)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3)),
        st.builds(lambda values: {"M": values}, st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    ),
    max_leaves=6,
)
_items = st.dictionaries(st.text(min_size=1, max_size=4), _values, max_size=4)
_calls = st.one_of(
    st.builds(lambda item: ("put_item", {"TableName": "t", "Item": item, "ConditionExpression": "a = é"}), _items),
    st.builds(lambda key: ("get_item", {"TableName": "t", "Key": key, "ConsistentRead": True}), _items),
    st.builds(lambda some: ("query", {"TableName": "t", "Limit": 3, "ExpressionAttributeValues": some}), _items),
    st.builds(lambda key: ("batch_get_item", {"RequestItems": {"t": {"Keys": [key]}}}), _items),
)


def answer(status: int, content: Any, checksum: int = 0, **headers: str) -> bytes:
    """Return a raw answer; `checksum` is added to the right one."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {"content-length": str(len(raw)), "x-amzn-requestid": "R1", "x-amz-crc32": str(crc32(raw) + checksum)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (named | headers).items())
    return f"HTTP/1.1 {status} Any\r\n{lines}\r\n".encode() + raw


def refused(code: str, status: int = 400, **more: Any) -> bytes:
    return answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no", **more})


ITEM = {"id": {"S": "é"}, "n": {"N": "2.50"}, "deep": {"M": {"B": {"L": [{"B": "AAH/"}, {"NULL": True}]}}}}
CONDITION_FAILED = refused("ConditionalCheckFailedException", Item=ITEM)
ANSWERS = {
    "done": answer(200, {}),
    "item": answer(200, {"Item": {"id": {"S": "1"}}, "Unknown": 1} | {"ConsumedCapacity": {"CapacityUnits": 0.5}}),
    "binary": answer(200, {"Item": ITEM}),
    "page": answer(200, {"Items": [{"id": {"S": "1"}}], "Count": 1, "ScannedCount": 1}),
    "several": answer(200, {"Responses": {"t": [{"id": {"S": "1"}}]}, "UnprocessedKeys": {}}),
    "wrong checksum": answer(200, {"Item": {}}, checksum=1),
    "no checksum": answer(200, {"Item": {}}, **{"x-amz-crc32": ""}).replace(b"x-amz-crc32: \r\n", b""),
    "condition": CONDITION_FAILED,
    "invalid": refused("ValidationException"),
    "unknown code": refused("NeverHeardOf"),
    "throttled": refused("ProvisionedThroughputExceededException"),
    "broken": refused("InternalServerError", 500),
    "unavailable": answer(503, b"<html>"),
    "no code": answer(400, {}),
    "hung up": b"",
    "cut off": answer(200, {"Item": {}})[:-1],
}


class Scripted:
    """An endpoint that gives these answers in turn, the last one again and again; an empty one hangs up."""

    def __init__(self) -> None:
        self.script: list[bytes] = []
        self.sent: list[Request] = []
        self._lock = threading.Lock()
        self.side = FarSide(self._does)
        self.url = f"http://127.0.0.1:{self.side.port}"

    def plays(self, *script: bytes) -> None:
        self.script, self.sent = list(script), []

    def _does(self, _side: FarSide, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                with self._lock:
                    self.sent.append(request)
                    raw = self.script[min(len(self.sent), len(self.script)) - 1]
                if not raw:
                    return
                connection.sendall(raw)
                if raw == ANSWERS["cut off"]:
                    return


def _read(stream: BinaryIO) -> Request | None:
    line = stream.readline().decode().strip()
    headers = []
    while header := stream.readline().decode().strip():
        name, _, value = header.partition(": ")
        headers.append((name.lower(), value))
    return Request(line, headers, stream.read(int(dict(headers)["content-length"]))) if line else None


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    with server.side:
        yield server


@pytest.fixture
def clients(scripted: Scripted) -> Iterator[list[Any]]:
    """Botocore's client and the direct one, both to the scripted endpoint."""
    made = [botocore_client(scripted.url), direct_client(scripted.url)]
    yield made
    for client in made:
        client.close()


def botocore_client(url: str) -> Any:
    keys = {
        "aws_access_key_id": KEY.access_key,
        "aws_secret_access_key": KEY.secret_key,
        "aws_session_token": KEY.token,
    }
    return boto3.client("dynamodb", endpoint_url=url, region_name=REGION, config=CONFIG, **keys)


def direct_client(url: str, connect_timeout_s: float = 1, read_timeout_s: float = 0.5) -> DirectDynamoDB:
    connections = Connections(url, connect_timeout_s, read_timeout_s)
    return DirectDynamoDB(connections, url, REGION, lambda: KEY, lambda: botocore_client(url))


def outcome(client: Any, call: tuple[str, dict[str, Any]]) -> Any:
    """Return what a call answers, or all that its error says."""
    method, arguments = call
    try:
        found = getattr(client, method)(**arguments)
    except Exception as error:
        response = dict(getattr(error, "response", None) or {})
        metadata = response.pop("ResponseMetadata", {})
        return type(error).__name__, response, metadata.get("HTTPStatusCode"), str(error)
    metadata = found.pop("ResponseMetadata")
    return found, metadata["HTTPStatusCode"], metadata["RequestId"]


@settings(max_examples=size(40, 800))
@given(_calls)
def test_it_sends_the_bytes_that_botocore_would_send_and_signs_them_as_botocore_would(
    scripted: Scripted, clients: list[Any], call: tuple[str, dict[str, Any]]
) -> None:
    scripted.plays(ANSWERS["done"])
    for client in clients:
        getattr(client, call[0])(**call[1])
    theirs, ours = scripted.sent
    assert (ours.line, ours.body) == (theirs.line, theirs.body)
    own, their_own = dict(ours.headers), dict(theirs.headers)
    for name in ("host", "content-type", "content-length", "x-amz-target", "x-amz-security-token"):
        assert own[name] == their_own[name]
    names = own["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-date", "x-amz-target", "x-amz-security-token", "content-type"} <= set(names)
    assert own["authorization"] == _signed_by_botocore(own, names, ours.body)


def _signed_by_botocore(headers: dict[str, str], names: list[str], body: bytes) -> str:
    from botocore.awsrequest import AWSRequest

    request = AWSRequest("POST", f"http://{headers['host']}/", headers={n: headers[n] for n in names}, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(BotocoreCredentials(*KEY), "dynamodb", REGION)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    signed = f"SignedHeaders={';'.join(names)}, Signature={signature}"
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, {signed}"


@settings(max_examples=size(60, 1_200))
@given(st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=4), st.sampled_from(["put_item", "get_item"]))
def test_it_answers_raises_and_tries_again_as_botocore_does(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, script: list[str], method: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore's waits between its tries
    call = (method, {"TableName": "t", ("Item" if method == "put_item" else "Key"): {"id": {"S": "1"}}})
    found = []
    for client in (botocore_client(scripted.url), direct_client(scripted.url)):  # new ones, which may try again
        scripted.plays(*(ANSWERS[name] for name in script))
        with contextlib.closing(client):
            told = outcome(client, call)
        found.append((_modelled(told, method), len(scripted.sent)))
    assert found[0] == found[1]


def _modelled(told: Any, method: str) -> Any:
    # botocore leaves out what its model of the operation doesn't have: nothing reads that.
    if isinstance(told[0], dict):
        names = {"put_item": (), "get_item": ("Item",)}[method]
        return {name: value for name, value in told[0].items() if name in names}, *told[1:]
    return told


def test_a_lost_first_try_and_its_retries_end_within_the_limits_and_raise_botocore_s_error() -> None:
    with FarSide(lambda side, connection: side.wait_until_left(connection)) as silent:
        client = direct_client(f"http://127.0.0.1:{silent.port}", read_timeout_s=0.05)
        with pytest.raises(Exception, match="Read timeout") as raised:
            client.get_item(TableName="t", Key={"id": {"S": "1"}})
        client.close()
    assert type(raised.value).__name__ == "ReadTimeoutError"
    assert silent.connections == 3


def test_botocore_s_client_is_made_only_for_what_the_direct_path_cannot_do(scripted: Scripted) -> None:
    made = []

    def make() -> Any:
        made.append(botocore_client(scripted.url))
        return made[-1]

    client = DirectDynamoDB(Connections(scripted.url, 1, 1), scripted.url, REGION, lambda: KEY, make)
    scripted.plays(ANSWERS["done"])
    client.put_item(TableName="t", Item={"id": {"S": "1"}})
    assert not made
    scripted.plays(ANSWERS["condition"])
    for _ in range(2):
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as raised:
            client.put_item(TableName="t", Item={"id": {"S": "1"}})
        assert raised.value.response["Item"]["deep"]["M"]["B"]["L"][0] == {"B": b"\x00\x01\xff"}
    assert len(made) == 1
    assert len(scripted.sent) == 2  # each was asked once
    scripted.plays(ANSWERS["done"])
    client.update_item(TableName="t", Key={"id": {"S": "1"}})
    assert [dict(request.headers)["x-amz-target"] for request in scripted.sent] == ["DynamoDB_20120810.UpdateItem"]
    client.close()


@pytest.mark.parametrize("trace", [None, TRACE])
def test_a_call_carries_lambda_s_trace_as_botocore_s_do(
    scripted: Scripted, clients: list[Any], monkeypatch: pytest.MonkeyPatch, trace: str | None
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    if trace:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    scripted.plays(ANSWERS["done"])
    for client in clients:
        client.get_item(TableName="t", Key={"id": {"S": "1"}})
    assert [dict(one.headers).get("x-amzn-trace-id") for one in scripted.sent] == [trace, trace]


def test_the_endpoint_is_botocore_s_in_every_region_or_left_to_it() -> None:
    session = boto3.session.Session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("dynamodb", partition):
            if region != "local":
                own = endpoint({"AWS_DEFAULT_REGION": region})
                assert own in (None, session.client("dynamodb", region_name=region).meta.endpoint_url)
                assert own is not None or partition not in ("aws", "aws-us-gov"), region
    assert endpoint({}) is None
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        assert endpoint({"AWS_DEFAULT_REGION": "cn-north-1", name: "http://here"}) == "http://here"
    assert os.environ["AWS_DEFAULT_REGION"] == REGION
