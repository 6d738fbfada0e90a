"""Posts to the banks' endpoints. A bank chooses the URL, so every address is checked before a request goes to it.

`Poster.post` goes through these steps:

1. look the host up, once: a name without an address is an `unknown_host`;
2. check all of its addresses: one that is not allowed makes a `private_address`, and nothing is sent;
3. connect to one of these addresses, without a second look-up, which could return another address;
4. send the request, and read the status and headers of the answer: ten seconds later, it is a `timeout`.

Redirects are not followed: the answer is 302, for example. Proxies in the environment are not used.
"""

import http
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

from chalicelib.webhooks.connection import PinnedConnection, port_of
from chalicelib.webhooks.public_addresses import Address, is_public

# From the first packet to the answer's last header, also when the endpoint sends one byte at a time.
TAKES_AT_MOST_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An endpoint's answer: its HTTP `status`; or, if there is none, the `problem`, as a code like `timeout`.

    `retry_after_s` is for how many seconds the endpoint asks not to be called, 0 if it doesn't.
    """

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


class Poster:
    """Posts to URLs whose addresses `is_allowed` accepts.

    `look_up` is `socket.getaddrinfo` or behaves like it. `authorities` is a file of trusted certificate authorities,
    by default certifi's.
    """

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
        """Post the body to an http or https URL and return the answer, without reading the answer's body.

        Whatever the endpoint does becomes an Answer: nothing is raised. Takes at most ten seconds, and the time that
        the operating system needs to look the host up.
        """
        try:
            target = urlsplit(url)
            addresses = self._addresses(target)
        except (OSError, ValueError):  # ValueError: a port or a name that no host can have
            return Answer(problem="unknown_host")
        if not all(map(self._is_allowed, addresses)):
            return Answer(problem="private_address")
        connection = PinnedConnection(target, addresses, self._tls, self._takes_at_most_s)
        alarm = threading.Timer(self._takes_at_most_s, connection.abort)
        alarm.start()
        try:
            return _exchange(connection, target, headers, body)
        except Exception as error:  # an endpoint must not hold up the webhooks of other banks, whatever it sends
            return Answer(problem="timeout" if connection.is_aborted else _problem(error))
        finally:
            alarm.cancel()
            alarm.join()  # a late alarm could end another connection that has got the same socket number
            connection.close()

    def _addresses(self, target: SplitResult) -> list[Address]:
        """Return the host's addresses in the order of the look-up, but IPv4 first: a function has no IPv6 by default.

        Raises OSError if there are none.
        """
        found = self._look_up(target.hostname, port_of(target), type=socket.SOCK_STREAM)
        # Only link-local addresses have a scope ("%eth0"); they are refused without it too.
        addresses = dict.fromkeys(ipaddress.ip_address(entry[4][0].partition("%")[0]) for entry in found)
        if not addresses:
            raise OSError("no address")
        return sorted(addresses, key=lambda address: address.version)


def _exchange(connection: PinnedConnection, target: SplitResult, headers: Mapping[str, str], body: bytes) -> Answer:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    connection.request("POST", path, body, dict(headers))
    answer = connection.getresponse()
    if connection.is_aborted:  # http.client takes headers that were cut off for complete ones
        raise TimeoutError
    return Answer(answer.status, retry_after_s=_seconds(answer.getheader("retry-after")))


def _seconds(header: str | None) -> int:
    """Return a Retry-After header's seconds; 0 for a date, and for a header that is absent or malformed."""
    seconds = (header or "").strip()
    return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 9 else 0


def _problem(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, OSError) else "no_http"
