"""Kept-alive HTTP connections to one AWS endpoint, for calls that don't go through botocore."""

import contextlib
import select
import socket
import ssl
from typing import BinaryIO
from urllib.parse import urlsplit

import certifi
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

Answer = tuple[int, dict[str, str], bytes]  # the status, the headers with lower-case names, the body

_MAX_LINE = 65_536


class Connections:
    """Opens as many connections as calls run side by side, and uses the one that became free last."""

    def __init__(self, url: str, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._url = url
        parts = urlsplit(url)
        self._context = ssl.create_default_context(cafile=certifi.where()) if parts.scheme == "https" else None
        self._address = (parts.hostname or "", parts.port or (443 if self._context else 80))
        self._connect_timeout_s, self._read_timeout_s = connect_timeout_s, read_timeout_s
        self._free: list[_Connection] = []

    def post(self, request: bytes) -> Answer:
        """Send a whole request and return its answer.

        Raises the errors of botocore that its own client would raise, for botocore's retries to judge.
        """
        connection = self._alive() or self._opened()
        try:
            connection.socket.sendall(request)
            answer = _read(connection.reader)
        except TimeoutError as error:
            connection.close()
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except (OSError, ValueError, LookupError) as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=self._url, error=error, request=None) from error
        if answer[1].get("connection", "").lower() == "close":
            connection.close()
        else:
            self._free.append(connection)
        return answer

    def close(self) -> None:
        """Close the free connections."""
        while self._free:
            self._free.pop().close()

    def _alive(self) -> "_Connection | None":
        """Return a free connection that the other side has not closed meanwhile."""
        with contextlib.suppress(IndexError):  # none is free, or another thread took the last one
            while connection := self._free.pop():
                if not connection.polled.poll(0):  # all that can be read now is its end
                    return connection
                connection.close()
        return None

    def _opened(self) -> "_Connection":
        try:
            connection = socket.create_connection(self._address, self._connect_timeout_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_hostname=self._address[0])
            connection.settimeout(self._read_timeout_s)
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self._url, error=error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        return _Connection(connection)


class _Connection:
    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.reader = connection.makefile("rb")
        self.polled = select.poll()
        self.polled.register(connection, select.POLLIN)

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


def _read(reader: BinaryIO) -> Answer:
    """Return the next answer; raises OSError, ValueError or LookupError if it isn't a whole one.

    `http.client` reads headers as those of an e-mail, which takes longer than all the rest of a call.
    """
    status = int(_line(reader).split(None, 2)[1])
    headers = {}
    while line := _line(reader).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return status, headers, _exactly(reader, int(headers["content-length"]))
    content = b""
    while size := int(_line(reader).partition(b";")[0], 16):
        content += _exactly(reader, size + 2)[:-2]
    while _line(reader).strip():
        pass  # headers behind the content
    return status, headers, content


def _line(reader: BinaryIO) -> bytes:
    line = reader.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the answer ended early")
    return line


def _exactly(reader: BinaryIO, size: int) -> bytes:
    content = reader.read(size)
    if len(content) < size:
        raise ConnectionResetError("the answer ended early")
    return content
