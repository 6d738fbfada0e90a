"""Posting to banks' endpoints over real sockets: to allowed addresses, in the host's name, within a time limit."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.webhooks.poster import Answer, Poster
from chalicelib.webhooks.public_addresses import Address, is_public, is_public_or_loopback
from tests.far_side import (
    BODY,
    HEADERS,
    HOST,
    IMPATIENT_S,
    OK,
    PATIENT_S,
    FarSide,
    Reaction,
    Start,
    accepts,
    answers,
    is_silent,
)
from tests.sizes import size


def drips(start: bytes, drop: bytes) -> Reaction:
    """An endpoint that sends the same bytes again and again, slowly, and never ends its answer."""

    def reaction(side: FarSide, connection: socket.socket) -> None:
        side.read(connection)
        connection.sendall(start)
        while not side.was_left.wait(0.05):
            connection.sendall(drop)

    return reaction


def pours(start: bytes, drop: bytes) -> Reaction:
    """An endpoint that sends as fast as it can, until the connection ends."""

    def reaction(side: FarSide, connection: socket.socket) -> None:
        side.read(connection)
        connection.settimeout(0.7)
        connection.sendall(start)
        while True:
            connection.sendall(drop * 100)

    return reaction


def never_reads(side: FarSide, connection: socket.socket) -> None:
    time.sleep(1.5 * IMPATIENT_S)


def resets(side: FarSide, connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hangs_up(side: FarSide, connection: socket.socket) -> None:
    side.read(connection)


class Names:
    """A name service that gives its answers in order, and then repeats the last."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int, type: int) -> list[Any]:  # noqa: A002
        self.asked.append((host, port))
        addresses = self._answers[min(len(self.asked), len(self._answers)) - 1]
        return [(socket.AF_UNSPEC, type, 6, "", (address, port)) for address in addresses]


def post(
    url: str,
    names: Callable[..., Any] | None = None,
    takes_at_most_s: float = PATIENT_S,
    is_allowed: Callable[[Address], bool] = is_public_or_loopback,
    authorities: str = "",
    body: bytes = BODY,
) -> Answer:
    """Post as a sender does, to 127.0.0.1 unless `names` say something else; no alarm is left behind."""
    poster = Poster(is_allowed, names or Names(["127.0.0.1"]), authorities, takes_at_most_s)
    answer = poster.post(url, HEADERS, body)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    return answer


# Where a request goes


@pytest.mark.parametrize("other", ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%eth0", "fd00::1"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_host_with_a_private_address_among_its_addresses_is_refused_without_a_connection(
    start: Start, other: str, is_first: bool
) -> None:
    side = start()
    addresses = [other, "127.0.0.1"] if is_first else ["127.0.0.1", other]
    answer = post(
        f"http://{HOST}:{side.port}/", Names(addresses), is_allowed=lambda address: str(address) == "127.0.0.1"
    )
    assert answer == Answer(problem="private_address")
    assert side.connections == 0


def test_by_default_a_private_address_among_public_addresses_is_refused() -> None:
    answer = post(f"https://{HOST}/", Names(["8.8.8.8", "10.0.0.1"]), is_allowed=is_public)
    assert answer == Answer(problem="private_address")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_this_machine_is_refused_however_it_is_written(start: Start, host: str) -> None:
    side = start()
    answer = Poster().post(f"http://{host}:{side.port}/", HEADERS, BODY)
    assert answer == Answer(problem="private_address")
    assert side.connections == 0


def test_where_loopback_is_allowed_an_endpoint_on_this_machine_gets_the_request(start: Start) -> None:
    side = start()
    answer = Poster(is_public_or_loopback).post(f"http://127.0.0.1:{side.port}/hooks", HEADERS, BODY)
    assert answer == Answer(200)
    assert [request.host for request in side.requests] == [[f"127.0.0.1:{side.port}"]]


def test_a_host_that_has_another_address_at_the_next_look_up_gets_nothing_there(start: Start) -> None:
    side = start()
    # Without an entry in any DNS: whoever looked it up by another way would find nothing.
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    assert post(f"http://{HOST}:{side.port}/", names) == Answer(200)
    assert names.asked == [(HOST, side.port)]
    assert post(f"http://{HOST}:{side.port}/", names, is_allowed=is_public) == Answer(problem="private_address")
    assert side.connections == 1


def test_a_host_is_looked_up_with_its_port_or_the_default_of_its_scheme() -> None:
    names = Names(["10.0.0.1"])
    for url in ("https://a.example/", "http://b.example/", "https://c.example:8443/"):
        post(url, names)
    assert names.asked == [("a.example", 443), ("b.example", 80), ("c.example", 8443)]


def unknown(*_: Any, **__: Any) -> list[Any]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("names", [unknown, Names([])], ids=["refused", "empty"])
def test_a_host_without_an_address_is_an_unknown_host(names: Callable[..., Any]) -> None:
    answer = post(f"https://{HOST}/", names)
    assert answer == Answer(problem="unknown_host")
    assert not answer.is_accepted


@pytest.mark.parametrize(
    "url",
    [
        f"https://{HOST}:65536/",
        f"https://{HOST}:99999/hooks",
        f"https://{'a' * 64}.example/",
        "https://a..b/",
        "http://[::1/",
    ],
)
def test_a_url_that_can_have_no_host_is_an_unknown_host(url: str) -> None:
    assert Poster().post(url, HEADERS, BODY) == Answer(problem="unknown_host")


def test_when_the_first_address_refuses_the_second_gets_the_request(start: Start) -> None:
    side = start()
    assert post(f"http://{HOST}:{side.port}/", Names(["127.0.0.2", "127.0.0.1"])) == Answer(200)
    assert len(side.requests) == 1


def test_no_more_than_two_addresses_are_tried(start: Start) -> None:
    side = start()
    answer = post(f"http://{HOST}:{side.port}/", Names(["127.0.0.3", "127.0.0.2", "127.0.0.1"]))
    assert answer == Answer(problem="unreachable")
    assert side.connections == 0


def test_addresses_are_tried_in_the_order_of_the_look_up_but_ipv4_first(start: Start) -> None:
    first = start()
    second = start(address=("127.0.0.2", first.port))
    url = f"http://{HOST}:{first.port}/"
    for names in (Names(["127.0.0.2", "127.0.0.1"]), Names(["::1", "127.0.0.3", "127.0.0.2", "127.0.0.2"])):
        assert post(url, names) == Answer(200)
    assert (first.connections, second.connections) == (0, 2)
    assert post(url, Names(["127.0.0.1", "127.0.0.2"])) == Answer(200)
    assert first.connections == 1


@pytest.fixture
def full() -> Iterator[tuple[str, int]]:
    """An address that accepts no connection, because its queue is full."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_when_the_first_address_never_answers_the_second_still_has_its_time(
    start: Start, full: tuple[str, int]
) -> None:
    side = start(address=("127.0.0.1", full[1]))
    answer = post(f"http://{HOST}:{side.port}/", Names(["127.0.0.2", "127.0.0.1"]), 2 * IMPATIENT_S)
    assert answer == Answer(200)


def test_the_time_limit_holds_when_no_connection_is_made(full: tuple[str, int]) -> None:
    before = time.monotonic()
    answer = post(f"http://{HOST}:{full[1]}/", Names(["127.0.0.2"]), IMPATIENT_S)
    assert answer == Answer(problem="timeout")
    assert time.monotonic() - before < IMPATIENT_S + 0.5


def test_an_endpoint_with_two_addresses_has_as_long_to_answer_as_an_endpoint_with_one(start: Start) -> None:
    def answers_late(side: FarSide, connection: socket.socket) -> None:
        time.sleep(0.7)
        accepts(side, connection)

    side = start(answers_late)
    assert post(f"http://{HOST}:{side.port}/", Names(["127.0.0.2", "127.0.0.1"]), 1.2) == Answer(200)


def test_proxies_in_the_environment_are_not_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, side = start(), start()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert post(f"http://{HOST}:{side.port}/") == Answer(200)
    assert post(f"https://{HOST}:{side.port}/").problem == "unreachable"  # it speaks no TLS
    assert (proxy.connections, side.connections) == (0, 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(start: Start, status: int) -> None:
    elsewhere = start()
    side = start(answers(f"HTTP/1.1 {status} Moved\r\nlocation: http://127.0.0.1:{elsewhere.port}/\r\n\r\n".encode()))
    answer = post(f"http://{HOST}:{side.port}/")
    assert answer == Answer(status)
    assert not answer.is_accepted
    assert (elsewhere.connections, side.connections) == (0, 1)


# What arrives


def test_headers_and_body_arrive_as_sent(start: Start) -> None:
    side = start()
    assert post(f"http://{HOST}:{side.port}/hooks") == Answer(200)
    (request,) = side.requests
    assert request.line == "POST /hooks HTTP/1.1"
    assert request.body == BODY
    assert [header for header in request.headers if header[0] in HEADERS] == list(HEADERS.items())
    added = {name.lower(): value for name, value in request.headers if name not in HEADERS}
    assert added == {"host": f"{HOST}:{side.port}", "accept-encoding": "identity", "content-length": str(len(BODY))}


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("", "/"),
        ("/", "/"),
        ("?a=1&b=%2F", "/?a=1&b=%2F"),
        ("/hooks/a%20b?c=d?e", "/hooks/a%20b?c=d?e"),
        ("//twice/;x=y", "//twice/;x=y"),
        ("/hooks#part", "/hooks"),
    ],
)
def test_path_and_query_are_sent_as_written(start: Start, written: str, asked: str) -> None:
    side = start()
    assert post(f"http://{HOST}:{side.port}{written}") == Answer(200)
    assert [request.line for request in side.requests] == [f"POST {asked} HTTP/1.1"]


def test_a_host_in_capitals_is_the_same_host(start: Start) -> None:
    side = start()
    names = Names(["127.0.0.1"])
    assert post(f"http://BANK.Example:{side.port}/", names) == Answer(200)
    assert names.asked == [(HOST, side.port)]
    assert side.requests[0].host == [f"{HOST}:{side.port}"]


# In the host's name


class Authority(NamedTuple):
    ca: trustme.CA
    file: str

    def context(self, *names: str, **validity: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, **validity).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.crt"
    ca.cert_pem.write_to_path(str(file))
    return Authority(ca, str(file))


def asked_for(context: ssl.SSLContext) -> list[str | None]:
    """Return where the names are kept for which a server's certificate is asked (SNI)."""
    names: list[str | None] = []

    def keep(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        names.append(name)

    context.sni_callback = keep
    return names


@pytest.mark.parametrize(
    ("host", "name"),
    [(HOST, HOST), ("BANK.example", HOST), ("bücher.example", "xn--bcher-kva.example"), ("a.b.example", "*.b.example")],
)
def test_over_tls_the_certificate_has_to_be_the_host_s(
    start: Start, authority: Authority, host: str, name: str
) -> None:
    context = authority.context(name)
    names = asked_for(context)
    side = start(tls=context)
    assert post(f"https://{host}:{side.port}/hooks", authorities=authority.file) == Answer(200)
    (request,) = side.requests
    asked = name.replace("*", "a")
    assert names == [asked]
    assert request.host == [f"{asked}:{side.port}"]
    assert request.body == BODY


LONG_AGO, NOT_SO_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "validity"),
    [
        (["other.example"], {}),
        ([f"*.{HOST}"], {}),
        (["127.0.0.1"], {}),
        ([HOST], {"not_before": LONG_AGO, "not_after": NOT_SO_LONG_AGO}),
        ([HOST], {"not_before": datetime(2999, 1, 1, tzinfo=UTC), "not_after": datetime(2999, 2, 1, tzinfo=UTC)}),
    ],
    ids=["another's", "of hosts below", "of the address", "expired", "not valid yet"],
)
def test_a_certificate_of_another_host_or_time_is_refused_before_anything_is_sent(
    start: Start, authority: Authority, names: list[str], validity: dict[str, datetime]
) -> None:
    side = start(tls=authority.context(*names, **validity))
    answer = post(f"https://{HOST}:{side.port}/", authorities=authority.file)
    assert answer == Answer(problem="certificate")
    assert side.requests == []


@pytest.mark.parametrize("authorities", ["", "another's"])
def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(
    start: Start, authority: Authority, authorities: str, tmp_path: Path
) -> None:
    if authorities:
        authorities = str(tmp_path / "another.crt")
        trustme.CA().cert_pem.write_to_path(authorities)
    side = start(tls=authority.context(HOST))
    answer = post(f"https://{HOST}:{side.port}/", authorities=authorities)
    assert answer == Answer(problem="certificate")
    assert side.requests == []


# What is answered


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_accepts_the_request(start: Start, status: int) -> None:
    side = start(answers(f"HTTP/1.1 {status} Taken\r\n\r\n".encode()))
    answer = post(f"http://{HOST}:{side.port}/")
    assert answer == Answer(status)
    assert answer.is_accepted
    assert not answer.is_gone
    assert str(answer) == str(status)


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 502, 503, 999])
def test_no_other_status_accepts_it_and_only_410_is_gone(start: Start, status: int) -> None:
    side = start(answers(f"HTTP/1.1 {status} No\r\n\r\n".encode()))
    answer = post(f"http://{HOST}:{side.port}/")
    assert answer == Answer(status)
    assert not answer.is_accepted
    assert answer.is_gone == (status == 410)


@pytest.mark.parametrize("status", [204, 410, 503])
@pytest.mark.parametrize("interim", [[100], [102], [103], [100, 103, 103, 102]], ids=str)
def test_interim_answers_are_skipped(start: Start, interim: list[int], status: int) -> None:
    before = b"".join(f"HTTP/1.1 {number} Wait\r\nretry-after: 9\r\n\r\n".encode() for number in interim)
    side = start(answers(before + f"HTTP/1.1 {status} Done\r\nretry-after: 5\r\n\r\n".encode()))
    assert post(f"http://{HOST}:{side.port}/") == Answer(status, retry_after_s=5)


def test_switching_protocols_does_not_accept_the_request(start: Start) -> None:
    side = start(answers(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n"))
    assert post(f"http://{HOST}:{side.port}/") == Answer(101)


@pytest.mark.parametrize("status", [200, 429, 503])
def test_the_wait_that_an_endpoint_asks_for_is_in_the_answer(start: Start, status: int) -> None:
    side = start(answers(f"HTTP/1.1 {status} Later\r\nretry-after: 120\r\n\r\n".encode()))
    assert post(f"http://{HOST}:{side.port}/") == Answer(status, retry_after_s=120)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("  7  ", 7),
        ("0", 0),
        ("999999999", 999_999_999),
        ("1" * 10, 0),
        ("1" * 5_000, 0),
        ("", 0),
        ("-5", 0),
        ("+5", 0),
        ("1.5", 0),
        ("1_000", 0),
        ("soon", 0),
        ("²", 0),
        ("\u0663".encode().decode("latin-1"), 0),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 0),
        ("5\r\nretry-after: 6", 0),
    ],
)
def test_a_wait_is_read_in_seconds_and_ignored_if_it_is_a_date_or_malformed(
    start: Start, header: str, seconds: int
) -> None:
    side = start(answers(f"HTTP/1.1 503 Later\r\nRetry-After: {header}\r\n\r\n".encode("latin-1")))
    assert post(f"http://{HOST}:{side.port}/") == Answer(503, retry_after_s=seconds)


@pytest.mark.parametrize("length", ["", "content-length: 1000000000000\r\n", "transfer-encoding: chunked\r\n"])
def test_the_answer_s_body_is_not_waited_for(start: Start, length: str) -> None:
    side = start(pours(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode(), b"x" * 1_000))
    before = time.monotonic()
    assert post(f"http://{HOST}:{side.port}/") == Answer(200)
    assert time.monotonic() - before < PATIENT_S / 2


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_the_connection_is_closed_after_the_answer(start: Start, connection: str) -> None:
    def stays(side: FarSide, one: socket.socket) -> None:
        answers(f"HTTP/1.1 200 OK\r\nconnection: {connection}\r\ncontent-length: 9\r\n\r\n".encode())(side, one)
        side.wait_until_left(one)

    side = start(stays)
    assert post(f"http://{HOST}:{side.port}/") == Answer(200)
    assert side.was_left.wait(1)


# What goes wrong


@pytest.mark.parametrize(
    "does",
    [
        is_silent,
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 O", b"K"),
        drips(b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        drips(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        pours(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["silent", "no status line", "status line", "header", "headers", "continue", "continue at once", "hints"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_time_limit_holds_for_an_answer_that_comes_slowly(
    start: Start, authority: Authority, scheme: str, does: Reaction
) -> None:
    side = start(does, tls=authority.context(HOST) if scheme == "https" else None)
    before = time.monotonic()
    answer = post(f"{scheme}://{HOST}:{side.port}/", takes_at_most_s=IMPATIENT_S, authorities=authority.file)
    assert answer == Answer(problem="timeout")
    assert str(answer) == "timeout"
    assert IMPATIENT_S * 0.9 < time.monotonic() - before < IMPATIENT_S + 0.7


def dripping_handshake(side: FarSide, connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"\x16\x03\x03\x40\x00")  # the head of a record that is never full
    while not side.was_left.wait(0.05):
        connection.sendall(b"\x02")


@pytest.mark.parametrize("does", [is_silent, dripping_handshake])
@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"]], ids=["one", "two"])
def test_the_time_limit_holds_for_a_handshake_that_never_ends(
    start: Start, does: Reaction, addresses: list[str]
) -> None:
    side = start(does)
    before = time.monotonic()
    answer = post(f"https://{HOST}:{side.port}/", Names(addresses), IMPATIENT_S)
    assert answer == Answer(problem="timeout")
    assert IMPATIENT_S * 0.9 < time.monotonic() - before < IMPATIENT_S + 0.7


def test_the_time_limit_holds_for_an_endpoint_that_reads_nothing(start: Start) -> None:
    side = start(never_reads)
    answer = post(f"http://{HOST}:{side.port}/", takes_at_most_s=IMPATIENT_S, body=b"x" * 20_000_000)
    assert answer == Answer(problem="timeout")


def test_a_port_that_is_closed_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    answer = post(f"http://{HOST}:{port}/")
    assert answer == Answer(problem="unreachable")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("does", [resets, hangs_up])
def test_a_connection_that_ends_without_an_answer_is_unreachable(start: Start, scheme: str, does: Reaction) -> None:
    side = start(does)
    assert post(f"{scheme}://{HOST}:{side.port}/") == Answer(problem="unreachable")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/3 200 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"K" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1_000 + b"\r\n",
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_an_answer_that_is_not_http_is_no_http(start: Start, raw: bytes) -> None:
    answer = post(f"http://{HOST}:{start(answers(raw)).port}/")
    assert answer == Answer(problem="no_http")


def test_endless_headers_are_no_http(start: Start) -> None:
    side = start(pours(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"))
    assert post(f"http://{HOST}:{side.port}/") == Answer(problem="no_http")


STATUS_LINES = st.builds(b"HTTP/1.1 %b\r\n".__mod__, st.binary(max_size=12))
HEADER_LINES = st.builds(b"%b: %b\r\n".__mod__, st.tuples(st.binary(max_size=8), st.binary(max_size=20)))


def test_any_bytes_become_a_status_or_a_problem(start: Start) -> None:
    to_answer = [b""]
    side = start(lambda side, connection: answers(to_answer[-1])(side, connection))
    poster = Poster(is_public_or_loopback, Names(["127.0.0.1"]), takes_at_most_s=PATIENT_S)

    @settings(max_examples=size(50, 1_000))
    @given(parts=st.lists(st.one_of(STATUS_LINES, HEADER_LINES, st.just(OK), st.binary(max_size=30)), max_size=5))
    def becomes(parts: list[bytes]) -> None:
        to_answer.append(b"".join(parts))
        answer = poster.post(f"http://{HOST}:{side.port}/", HEADERS, BODY)
        assert (answer.status is None) == (answer.problem in ("no_http", "unreachable"))

    becomes()
    assert side.connections == len(to_answer) - 1
