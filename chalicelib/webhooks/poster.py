"""Posting to banks' endpoints, whose addresses are theirs to choose: only ever to public ones, and nowhere else.

A name is looked up once for each request, and the request goes to the very address that was looked at: a name that
means something else a moment later leads nowhere. Redirects are not followed, proxies of the environment not asked.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# From the first packet to the answer's last header, however slowly it drips.
TAKES_AT_MOST_S = 10.0
_ADDRESSES_TRIED = 2
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Special by IANA's registries, but not, or not wholly, by every Python's.
_SPECIAL = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("3fff::/20"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: the HTTP `status`, or the `problem` that kept it from one, as a code."""

    status: int | None = None
    problem: str = ""
    retry_after_s: int = 0

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == http.HTTPStatus.GONE

    def __str__(self) -> str:
        return self.problem or str(self.status)


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's, whatever form it is dressed in."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return address.ipv4_mapped is not None and is_public(inner)
        if address.is_site_local:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_public_or_loopback(address: Address) -> bool:
    """What is let through where the endpoints are on this very machine: in the local cloud."""
    return address.is_loopback or is_public(address)


class Poster:
    def __init__(
        self,
        is_allowed: Callable[[Address], bool] = is_public,
        look_up: Callable[..., Any] = socket.getaddrinfo,
        authorities: str = "",
        takes_at_most_s: float = TAKES_AT_MOST_S,
    ) -> None:
        self._is_allowed = is_allowed
        self._look_up = look_up
        self._tls = ssl.create_default_context(cafile=authorities or certifi.where())
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._takes_at_most_s = takes_at_most_s

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post the body to an http or https URL; return what became of it. Raises nothing that the far side causes.

        Its answer's body is not read, its certificate has to be the host's. Takes ten seconds at most, and what the
        system takes to look a name up.
        """
        try:
            target = urlsplit(url)
            addresses = self._addresses(target)
        except (OSError, ValueError):  # ValueErrors tell of ports and labels that no host can have
            return Answer(problem="unknown_host")
        if not all(map(self._is_allowed, addresses)):
            return Answer(problem="private_address")
        connection = _Pinned(target, addresses, self._tls, self._takes_at_most_s)
        alarm = threading.Timer(self._takes_at_most_s, connection.abort)
        alarm.start()
        try:
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            if connection.is_aborted:  # http.client takes headers that were cut off for all of them
                raise TimeoutError
            return Answer(answer.status, retry_after_s=_seconds(answer.getheader("retry-after")))
        except Exception as error:  # whatever the far side sends must not hold up what goes to others
            return Answer(problem="timeout" if connection.is_aborted else _problem(error))
        finally:
            alarm.cancel()
            alarm.join()  # lest it end what another connection has by then under the same number
            connection.close()

    def _addresses(self, target: SplitResult) -> list[Address]:
        """Return the host's addresses as the look-up orders them, but IPv4 first: functions have no other way out by
        default.

        Raises OSError if there are none.
        """
        found = self._look_up(target.hostname, target.port or _port(target), type=socket.SOCK_STREAM)
        # A scope ("%eth0") belongs to link-local addresses only, which are refused without it as well.
        addresses = dict.fromkeys(ipaddress.ip_address(entry[4][0].partition("%")[0]) for entry in found)
        if not addresses:
            raise OSError("no address")
        return sorted(addresses, key=lambda address: address.version)


class _FinalResponse(http.client.HTTPResponse):
    """An answer that isn't an interim one ("103 Early Hints"), of which http.client knows one only."""

    def begin(self) -> None:
        super().begin()
        while self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first one
            super().begin()


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses that were looked at, in the name of the host that they were looked up for."""

    response_class = _FinalResponse

    def __init__(
        self, target: SplitResult, addresses: list[Address], tls: ssl.SSLContext, takes_at_most_s: float
    ) -> None:
        super().__init__(str(target.hostname), target.port or _port(target), timeout=takes_at_most_s)
        self.default_port = _port(target)  # or the Host header would name a port that goes without saying
        self._addresses = addresses[:_ADDRESSES_TRIED]
        self._each_takes_s = takes_at_most_s / len(self._addresses)
        self._tls = tls if target.scheme == "https" else None
        self.is_aborted = False

    def connect(self) -> None:
        sock = self._reached()
        sock.settimeout(self.timeout)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=self.host, do_handshake_on_connect=False)
        # Known to `abort` before the far side is waited for, or else not waited for at all.
        self.sock = sock
        if self.is_aborted:
            raise TimeoutError
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()

    def _reached(self) -> socket.socket:
        *others, last = self._addresses
        for address in others:
            with contextlib.suppress(OSError):
                return socket.create_connection((str(address), self.port), self._each_takes_s)
        return socket.create_connection((str(last), self.port), self._each_takes_s)

    def abort(self) -> None:
        """End the connection from another thread: whoever waits for it gets an error at once."""
        self.is_aborted = True
        sock = self.sock  # which http.client may forget at any moment
        if sock is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which would wait for the far side


def _port(target: SplitResult) -> int:
    return 443 if target.scheme == "https" else 80


def _seconds(header: str | None) -> int:
    """Return a Retry-After in seconds, 0 if it is none, or a date."""
    seconds = (header or "").strip()
    return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 9 else 0


def _problem(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, OSError) else "no_http"
