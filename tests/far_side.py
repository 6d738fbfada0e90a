"""A bank's endpoint over real sockets, which does with each connection what a test says."""

import contextlib
import gc
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

# Time limits: one that no request here reaches, and a short one for tests that wait until it is over.
PATIENT_S, IMPATIENT_S = 5.0, 0.4
HOST = "bank.example"


HEADERS = {"content-type": "application/json", "webhook-id": "msg_1", "Webhook-Signature": "v1,a= v1,b="}


BODY = '{"name": "Aïssatou"}\x00\r\n\r\n'.encode()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Request(NamedTuple):
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def host(self) -> list[str]:
        return [value for name, value in self.headers if name.lower() == "host"]


class FarSide(socketserver.ThreadingTCPServer):
    """An endpoint on this machine. It calls `does` with each connection, and keeps the requests that it reads."""

    allow_reuse_address = True

    def __init__(
        self,
        does: "Callable[[FarSide, socket.socket], None]",
        tls: ssl.SSLContext | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        super().__init__(address, socketserver.BaseRequestHandler)
        self._does = does
        self._tls = tls
        self.connections = 0
        self.requests: list[Request] = []
        self.was_left = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        request.settimeout(PATIENT_S)
        with contextlib.suppress(OSError):
            if self._tls is None:
                self._does(self, request)
            else:
                with self._tls.wrap_socket(request, server_side=True) as connection:
                    self._does(self, connection)

    def read(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            line = stream.readline().decode().strip()
            headers = []
            while header := stream.readline().decode().strip():
                name, _, value = header.partition(": ")
                headers.append((name, value))
            lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
            self.requests.append(Request(line, headers, stream.read(sum(lengths))))

    def wait_until_left(self, connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            while connection.recv(65_536):
                pass
        self.was_left.set()

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


Reaction = Callable[[FarSide, socket.socket], None]


Start = Callable[..., FarSide]


def answers(raw: bytes) -> Reaction:
    def reaction(side: FarSide, connection: socket.socket) -> None:
        side.read(connection)
        connection.sendall(raw)

    return reaction


accepts = answers(OK)


def is_silent(side: FarSide, connection: socket.socket) -> None:
    side.wait_until_left(connection)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts endpoints, and checks after the test that every connection to them was closed."""
    with contextlib.ExitStack() as sides:

        def started(does: Reaction = accepts, **options: Any) -> FarSide:
            return sides.enter_context(FarSide(does, **options))

        yield started
    gc.collect(1)  # a socket that was not closed warns now, and warnings are errors
