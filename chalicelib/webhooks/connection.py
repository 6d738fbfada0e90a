"""An HTTP connection to IP addresses that were checked before, in the name of their host."""

import contextlib
import http.client
import socket
import ssl
from urllib.parse import SplitResult

from chalicelib.webhooks.public_addresses import Address

_ADDRESSES_TRIED = 2


class _FinalResponse(http.client.HTTPResponse):
    """The final answer: http.client itself skips only one kind of interim answer (100), not "103 Early Hints"."""

    def begin(self) -> None:
        super().begin()
        while self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # as they are before the first call
            super().begin()


class PinnedConnection(http.client.HTTPConnection):
    """A connection to one of the given addresses, of which it tries the first two. It never looks the host up again.

    The Host header and the certificate are those of the host in `target`. Each call of the operating system takes at
    most `takes_at_most_s`; `abort` ends the whole connection.
    """

    response_class = _FinalResponse

    def __init__(
        self, target: SplitResult, addresses: list[Address], tls: ssl.SSLContext, takes_at_most_s: float
    ) -> None:
        super().__init__(str(target.hostname), port_of(target), timeout=takes_at_most_s)
        # http.client leaves the default port out of the Host header.
        self.default_port = _default_port(target)
        self._addresses = addresses[:_ADDRESSES_TRIED]
        self._each_takes_s = takes_at_most_s / len(self._addresses)
        self._tls = tls if target.scheme == "https" else None
        self.is_aborted = False

    def connect(self) -> None:
        """Connect, and over https check the host's certificate; raises OSError."""
        sock = self._connected_socket()
        sock.settimeout(self.timeout)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=self.host, do_handshake_on_connect=False)
        # From here on, `abort` can end the socket. If it was called before, the handshake isn't begun.
        self.sock = sock
        if self.is_aborted:
            raise TimeoutError
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()

    def _connected_socket(self) -> socket.socket:
        *others, last = self._addresses
        for address in others:
            with contextlib.suppress(OSError):
                return socket.create_connection((str(address), self.port), self._each_takes_s)
        return socket.create_connection((str(last), self.port), self._each_takes_s)

    def abort(self) -> None:
        """End the connection, from another thread: the thread that waits for it gets an error at once."""
        self.is_aborted = True
        sock = self.sock  # kept here: http.client may set it to None at any moment
        if sock is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS's own shutdown would wait for the endpoint


def port_of(target: SplitResult) -> int:
    """Return the port of a URL: its own, or the default of its scheme. Raises ValueError for a port over 65535."""
    return target.port or _default_port(target)


def _default_port(target: SplitResult) -> int:
    return 443 if target.scheme == "https" else 80
