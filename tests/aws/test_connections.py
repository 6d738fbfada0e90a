"""Connections to AWS: kept alive, replaced when the other side closes them, and botocore's errors when one fails."""

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from chalicelib.aws.connections import Connections
from local_cloud.server import free_port
from tests.far_side import FarSide

REQUEST = b"POST / HTTP/1.1\r\nhost: dynamodb\r\ncontent-length: 2\r\n\r\n{}"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Amz-Crc32:  5\r\n\r\n{"a":1}'
CLOSING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nTrailer: t\r\n\r\n'
Serves = Callable[..., FarSide]
To = Callable[..., Connections]


@pytest.fixture
def serves() -> Iterator[Serves]:
    """Start an endpoint whose connections each give the raw answers in turn, and are closed after the last."""
    sides: list[FarSide] = []

    def start(*answers: bytes, tls: ssl.SSLContext | None = None) -> FarSide:
        def does(side: FarSide, connection: socket.socket) -> None:
            for raw in answers:
                side.read(connection)
                connection.sendall(raw)

        sides.append(FarSide(does, tls))
        return sides[-1]

    yield start
    for side in sides:
        side.__exit__()


@pytest.fixture
def to() -> Iterator[To]:
    made: list[Connections] = []

    def connections(side: FarSide, scheme: str = "http", read_timeout_s: float = 2) -> Connections:
        made.append(Connections(f"{scheme}://127.0.0.1:{side.port}", 1, read_timeout_s))
        return made[-1]

    yield connections
    for connections_ in made:
        connections_.close()


@pytest.mark.parametrize("raw", [OK, CHUNKED], ids=["length", "chunked"])
def test_an_answer_has_status_headers_and_body_and_its_connection_is_kept(to: To, serves: Serves, raw: bytes) -> None:
    side = serves(raw, raw, raw)
    connections = to(side)
    for _ in range(3):
        status, headers, body = connections.post(REQUEST)
        assert (status, body) == (200, b'{"a":1}')
        assert raw is CHUNKED or headers == {"content-length": "7", "x-amz-crc32": "5"}
    assert side.connections == 1
    assert side.requests[2].body == b"{}"


def test_a_connection_that_the_other_side_closed_meanwhile_is_replaced(to: To, serves: Serves) -> None:
    side = serves(OK)
    connections = to(side)
    for _ in range(3):
        assert connections.post(REQUEST)[0] == 200
        connections._free[0].polled.poll(2_000)  # until its end has come
    assert side.connections == 3


def test_a_connection_that_is_to_be_closed_is_not_kept(to: To, serves: Serves) -> None:
    side = serves(CLOSING, CLOSING)
    connections = to(side)
    assert [connections.post(REQUEST)[0] for _ in range(2)] == [200, 200]
    assert side.connections == 2


def test_each_of_several_threads_has_a_connection_and_gets_its_own_answers(serves: Serves, to: To) -> None:
    side = serves(*[OK] * 50)
    connections = to(side)
    with ThreadPoolExecutor(4) as pool:
        assert {body for _, _, body in pool.map(lambda _: connections.post(REQUEST), range(50))} == {b'{"a":1}'}
    assert 1 <= side.connections <= 4


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", OK[:-3], CHUNKED[:-20], b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
)
def test_an_answer_that_is_not_whole_is_a_closed_connection(to: To, serves: Serves, raw: bytes) -> None:
    with pytest.raises(ConnectionClosedError):
        to(serves(raw)).post(REQUEST)


def test_an_answer_that_does_not_come_in_time_is_a_read_timeout(to: To) -> None:
    with FarSide(lambda side, connection: side.wait_until_left(connection)) as side:
        with pytest.raises(ReadTimeoutError):
            to(side, read_timeout_s=0.05).post(REQUEST)
        assert side.was_left.wait(5)  # the connection is not used again


def test_an_endpoint_that_nobody_serves_cannot_be_reached() -> None:
    with pytest.raises(EndpointConnectionError):
        Connections(f"http://127.0.0.1:{free_port()}", 1, 1).post(REQUEST)


def test_an_endpoint_that_does_not_accept_in_time_is_a_connect_timeout() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(4)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        with pytest.raises(ConnectTimeoutError):
            Connections(f"http://127.0.0.1:{full.getsockname()[1]}", 0.2, 1).post(REQUEST)
        for other in others:
            other.close()


def test_a_certificate_of_an_unknown_authority_is_refused(to: To, serves: Serves) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    side = serves(OK, tls=tls)
    with pytest.raises(SSLError):
        to(side, "https").post(REQUEST)
    assert not side.requests
