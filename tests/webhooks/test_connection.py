"""A pinned connection: to the given addresses, in the host's name, and ended from another thread."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

import pytest

from chalicelib.webhooks.connection import PinnedConnection, port_of
from chalicelib.webhooks.public_addresses import Address
from tests.far_side import BODY, HOST, PATIENT_S, Start, is_silent

LOOPBACK: list[Address] = [ipaddress.IPv4Address("127.0.0.1")]


def connection_to(url: str, addresses: list[Address] = LOOPBACK) -> PinnedConnection:
    return PinnedConnection(urlsplit(url), addresses, ssl.create_default_context(), PATIENT_S)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_host_header_leaves_the_default_port_out(scheme: str) -> None:
    # Over a pair of sockets: not everybody may listen on the ports themselves.
    near, far = socket.socketpair()
    connection = connection_to(f"{scheme}://{HOST}/")
    connection.sock = near
    with far, contextlib.closing(connection):
        connection.request("POST", "/", BODY)
        assert f"\r\nHost: {HOST}\r\n".encode() in far.recv(65_536)


def test_a_connection_that_was_aborted_before_it_began_does_no_handshake(start: Start) -> None:
    side = start(is_silent)
    before = time.monotonic()
    with contextlib.closing(connection_to(f"https://{HOST}:{side.port}/")) as connection:
        connection.abort()
        with pytest.raises(TimeoutError):
            connection.connect()
    assert time.monotonic() - before < PATIENT_S / 2


def test_the_host_is_never_looked_up(start: Start) -> None:
    side = start()
    # No name service knows this host.
    with contextlib.closing(connection_to(f"http://nobody.invalid:{side.port}/")) as connection:
        connection.request("POST", "/hooks", BODY)
        assert connection.getresponse().status == 200
    assert side.requests[0].host == [f"nobody.invalid:{side.port}"]


def test_a_wait_for_an_answer_ends_when_another_thread_aborts_it(start: Start) -> None:
    side = start(is_silent)
    before = time.monotonic()
    with contextlib.closing(connection_to(f"http://{HOST}:{side.port}/")) as connection:
        connection.request("POST", "/", BODY)
        alarm = threading.Timer(0.1, connection.abort)
        alarm.start()
        with pytest.raises(OSError, match=r".*"):
            connection.getresponse()
        alarm.join()
        assert connection.is_aborted
    assert time.monotonic() - before < PATIENT_S / 2


def test_a_connection_that_has_ended_may_be_aborted(start: Start) -> None:
    side = start()
    connection = connection_to(f"http://{HOST}:{side.port}/")
    connection.abort()  # before it has begun
    with contextlib.closing(connection_to(f"http://{HOST}:{side.port}/")) as connection:
        connection.request("POST", "/", BODY)
        connection.getresponse()
    connection.abort()


@pytest.mark.parametrize(
    ("url", "port"), [("https://a.example/", 443), ("http://a.example/", 80), ("https://a.example:8443/", 8443)]
)
def test_a_url_without_a_port_has_its_scheme_s(url: str, port: int) -> None:
    assert port_of(urlsplit(url)) == port


def test_a_port_that_no_host_has_is_refused() -> None:
    with pytest.raises(ValueError, match="Port out of range"):
        port_of(urlsplit("https://a.example:65536/"))
