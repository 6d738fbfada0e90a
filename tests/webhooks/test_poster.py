"""Posting to banks' endpoints, over real sockets: public addresses only, in the host's name, and never for long."""

import contextlib
import gc
import ipaddress
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.webhooks.poster import Address, Answer, Poster, _Pinned, is_public, is_public_or_loopback

HOST = "bank.example"
HEADERS = {"content-type": "application/json", "webhook-id": "msg_1", "Webhook-Signature": "v1,a= v1,b="}
BODY = '{"name": "Aïssatou"}\x00\r\n\r\n'.encode()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
# Far more than any request here takes, and where a test waits for the limit, no more than it has to.
PATIENT_S, IMPATIENT_S = 5.0, 0.4


class Request(NamedTuple):
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def host(self) -> list[str]:
        return [value for name, value in self.headers if name.lower() == "host"]


class FarSide(socketserver.ThreadingTCPServer):
    """An endpoint on this machine that does with each connection what the test says, and keeps what it reads."""

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


def drips(start: bytes, drop: bytes) -> Reaction:
    """A far side that sends something ever again, before its answer is over."""

    def reaction(side: FarSide, connection: socket.socket) -> None:
        side.read(connection)
        connection.sendall(start)
        while not side.was_left.wait(0.05):
            connection.sendall(drop)

    return reaction


def pours(start: bytes, drop: bytes) -> Reaction:
    """A far side that sends as much as is taken, until nothing is."""

    def reaction(side: FarSide, connection: socket.socket) -> None:
        side.read(connection)
        connection.settimeout(0.7)
        connection.sendall(start)
        while True:
            connection.sendall(drop * 100)

    return reaction


def is_silent(side: FarSide, connection: socket.socket) -> None:
    side.wait_until_left(connection)


def never_reads(side: FarSide, connection: socket.socket) -> None:
    time.sleep(1.5 * IMPATIENT_S)


def resets(side: FarSide, connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hangs_up(side: FarSide, connection: socket.socket) -> None:
    side.read(connection)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts far sides; when the test is over, every one of them was left by whoever connected to it."""
    with contextlib.ExitStack() as sides:

        def started(does: Reaction = accepts, **options: Any) -> FarSide:
            return sides.enter_context(FarSide(does, **options))

        yield started
    gc.collect(1)  # a socket that nobody closed warns now, and a warning is an error


class Names:
    """A name service that gives its answers one after the other, and the last one ever again."""

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


# Which addresses


PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "52.95.110.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2600:1f18::1",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.100",
    "192.0.0.170",
    "192.0.0.255",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::8.8.8.8",
    "::ffff:0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.0.0.100",
    "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::192.0.0.100",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:0:a00:1::f7f7:f7f7",
    "2001:10::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff00::1",
    "ff02::1",
    "ff0e::1",
]
PRIVATE_NETWORKS = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
PRIVATE = st.sampled_from(PRIVATE_NETWORKS).flatmap(lambda network: st.ip_addresses(network=network)).map(int)
V4_IN_V6 = {
    "compatible": lambda inner, rest: inner,
    "mapped": lambda inner, rest: 0xFFFF << 32 | inner,
    "translated": lambda inner, rest: 0xFFFF << 48 | inner,
    "nat64": lambda inner, rest: 0x64FF9B << 96 | inner,
    "local nat64": lambda inner, rest: 0x64FF9B0001 << 80 | (rest >> 64 & 0xFFFF) << 32 | inner,
    "6to4": lambda inner, rest: 0x2002 << 112 | inner << 80 | rest,
    "teredo server": lambda inner, rest: 0x2001 << 112 | inner << 64 | rest & (1 << 64) - 1,
    "teredo client": lambda inner, rest: 0x2001 << 112 | (rest & (1 << 64) - 1) << 32 | inner ^ 0xFFFFFFFF,
    "isatap of a link": lambda inner, rest: 0xFE80 << 112 | 0x5EFE << 32 | inner,
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert is_public_or_loopback(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_is(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0", "fd00::1", "fe80::1"])
def test_where_loopback_is_let_through_no_other_private_address_is(address: str) -> None:
    assert not is_public_or_loopback(ipaddress.ip_address(address))
    assert is_public_or_loopback(ipaddress.ip_address("127.0.0.1"))
    assert is_public_or_loopback(ipaddress.ip_address("::1"))


@given(inner=PRIVATE)
def test_no_private_ipv4_is_public(inner: int) -> None:
    assert not is_public(ipaddress.IPv4Address(inner))


@pytest.mark.parametrize("dress", V4_IN_V6)
@settings(max_examples=40)
@given(inner=PRIVATE, rest=st.integers(0, (1 << 80) - 1))
def test_no_private_ipv4_is_public_in_any_ipv6_dress(dress: str, inner: int, rest: int) -> None:
    assert not is_public(ipaddress.IPv6Address(V4_IN_V6[dress](inner, rest)))


@given(address=st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_is_public_and_public_ipv4_in_it(address: ipaddress.IPv6Address) -> None:
    carries_v4 = address in ipaddress.ip_network("64:ff9b::/96") or address.ipv4_mapped is not None
    assert not is_public(address) or carries_v4 or address in ipaddress.ip_network("2000::/3")


# Where a request goes


@pytest.mark.parametrize("other", ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%eth0", "fd00::1"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_name_with_one_private_among_its_addresses_is_refused_and_nothing_is_connected_to(
    start: Start, other: str, is_first: bool
) -> None:
    side = start()
    addresses = [other, "127.0.0.1"] if is_first else ["127.0.0.1", other]
    answer = post(
        f"http://{HOST}:{side.port}/", Names(addresses), is_allowed=lambda address: str(address) == "127.0.0.1"
    )
    assert answer == Answer(problem="private_address")
    assert side.connections == 0


def test_a_private_address_among_public_ones_is_refused_by_the_rule_that_ships() -> None:
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


def test_on_the_local_cloud_an_endpoint_on_this_machine_is_posted_to(start: Start) -> None:
    side = start()
    answer = Poster(is_public_or_loopback).post(f"http://127.0.0.1:{side.port}/hooks", HEADERS, BODY)
    assert answer == Answer(200)
    assert [request.host for request in side.requests] == [[f"127.0.0.1:{side.port}"]]


def test_a_name_that_means_something_else_a_moment_later_leads_nowhere_else(start: Start) -> None:
    side = start()
    # Without an entry in any DNS: whoever looked it up by another way would find nothing.
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    assert post(f"http://{HOST}:{side.port}/", names) == Answer(200)
    assert names.asked == [(HOST, side.port)]
    assert post(f"http://{HOST}:{side.port}/", names, is_allowed=is_public) == Answer(problem="private_address")
    assert side.connections == 1


def test_a_name_is_looked_up_with_the_port_that_goes_without_saying() -> None:
    names = Names(["10.0.0.1"])
    for url in ("https://a.example/", "http://b.example/", "https://c.example:8443/"):
        post(url, names)
    assert names.asked == [("a.example", 443), ("b.example", 80), ("c.example", 8443)]


def unknown(*_: Any, **__: Any) -> list[Any]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("names", [unknown, Names([])], ids=["refused", "empty"])
def test_a_name_without_an_address_is_an_unknown_host(names: Callable[..., Any]) -> None:
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
def test_a_url_that_leads_to_no_host_at_all_is_one_too(url: str) -> None:
    assert Poster().post(url, HEADERS, BODY) == Answer(problem="unknown_host")


def test_when_the_first_address_refuses_the_second_is_posted_to(start: Start) -> None:
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
    """An address where nobody answers the knock: its queue is full."""
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


def test_where_nobody_answers_the_knock_the_limit_holds(full: tuple[str, int]) -> None:
    before = time.monotonic()
    answer = post(f"http://{HOST}:{full[1]}/", Names(["127.0.0.2"]), IMPATIENT_S)
    assert answer == Answer(problem="timeout")
    assert time.monotonic() - before < IMPATIENT_S + 0.5


def test_an_endpoint_of_two_addresses_may_take_as_long_to_answer_as_one_of_one(start: Start) -> None:
    def answers_late(side: FarSide, connection: socket.socket) -> None:
        time.sleep(0.7)
        accepts(side, connection)

    side = start(answers_late)
    assert post(f"http://{HOST}:{side.port}/", Names(["127.0.0.2", "127.0.0.1"]), 1.2) == Answer(200)


def test_the_environment_s_proxies_are_not_asked(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_path_and_query_are_asked_as_written(start: Start, written: str, asked: str) -> None:
    side = start()
    assert post(f"http://{HOST}:{side.port}{written}") == Answer(200)
    assert [request.line for request in side.requests] == [f"POST {asked} HTTP/1.1"]


def test_a_host_in_capitals_is_the_same_host(start: Start) -> None:
    side = start()
    names = Names(["127.0.0.1"])
    assert post(f"http://BANK.Example:{side.port}/", names) == Answer(200)
    assert names.asked == [(HOST, side.port)]
    assert side.requests[0].host == [f"{HOST}:{side.port}"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_host_header_names_no_port_that_goes_without_saying(scheme: str) -> None:
    # Over a pair of sockets: not everybody may listen on the ports themselves.
    near, far = socket.socketpair()
    addresses: list[Address] = [ipaddress.IPv4Address("127.0.0.1")]
    connection = _Pinned(urlsplit(f"{scheme}://{HOST}/"), addresses, ssl.create_default_context(), PATIENT_S)
    connection.sock = near
    with far, contextlib.closing(connection):
        connection.request("POST", "/", BODY)
        assert f"\r\nHost: {HOST}\r\n".encode() in far.recv(65_536)


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
def test_a_certificate_that_does_not_speak_for_the_host_is_refused_before_anything_is_sent(
    start: Start, authority: Authority, names: list[str], validity: dict[str, datetime]
) -> None:
    side = start(tls=authority.context(*names, **validity))
    answer = post(f"https://{HOST}:{side.port}/", authorities=authority.file)
    assert answer == Answer(problem="certificate")
    assert side.requests == []


@pytest.mark.parametrize("authorities", ["", "another's"])
def test_so_is_one_of_an_authority_that_is_not_known(
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
def test_any_2xx_is_acceptance(start: Start, status: int) -> None:
    side = start(answers(f"HTTP/1.1 {status} Taken\r\n\r\n".encode()))
    answer = post(f"http://{HOST}:{side.port}/")
    assert answer == Answer(status)
    assert answer.is_accepted
    assert not answer.is_gone
    assert str(answer) == str(status)


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 502, 503, 999])
def test_nothing_else_is_and_only_410_is_gone(start: Start, status: int) -> None:
    side = start(answers(f"HTTP/1.1 {status} No\r\n\r\n".encode()))
    answer = post(f"http://{HOST}:{side.port}/")
    assert answer == Answer(status)
    assert not answer.is_accepted
    assert answer.is_gone == (status == 410)


@pytest.mark.parametrize("status", [204, 410, 503])
@pytest.mark.parametrize("interim", [[100], [102], [103], [100, 103, 103, 102]], ids=str)
def test_answers_in_between_are_passed_over(start: Start, interim: list[int], status: int) -> None:
    before = b"".join(f"HTTP/1.1 {number} Wait\r\nretry-after: 9\r\n\r\n".encode() for number in interim)
    side = start(answers(before + f"HTTP/1.1 {status} Done\r\nretry-after: 5\r\n\r\n".encode()))
    assert post(f"http://{HOST}:{side.port}/") == Answer(status, retry_after_s=5)


def test_another_protocol_is_no_answer_that_takes_anything(start: Start) -> None:
    side = start(answers(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n"))
    assert post(f"http://{HOST}:{side.port}/") == Answer(101)


@pytest.mark.parametrize("status", [200, 429, 503])
def test_how_long_an_endpoint_asks_to_be_left_alone_is_heard(start: Start, status: int) -> None:
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
def test_it_is_told_in_seconds_and_not_at_all_if_it_is_a_date_or_nonsense(
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
def test_however_slowly_an_answer_drips_the_limit_holds(
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
def test_a_handshake_that_never_ends_is_ended(start: Start, does: Reaction, addresses: list[str]) -> None:
    side = start(does)
    before = time.monotonic()
    answer = post(f"https://{HOST}:{side.port}/", Names(addresses), IMPATIENT_S)
    assert answer == Answer(problem="timeout")
    assert IMPATIENT_S * 0.9 < time.monotonic() - before < IMPATIENT_S + 0.7


def test_a_connection_that_comes_about_after_the_alarm_is_not_waited_for(start: Start) -> None:
    side = start(is_silent)
    addresses: list[Address] = [ipaddress.IPv4Address("127.0.0.1")]
    target = urlsplit(f"https://{HOST}:{side.port}/")
    before = time.monotonic()
    with contextlib.closing(_Pinned(target, addresses, ssl.create_default_context(), PATIENT_S)) as connection:
        connection.abort()
        with pytest.raises(TimeoutError):
            connection.connect()
    assert time.monotonic() - before < PATIENT_S / 2


def test_a_far_side_that_takes_nothing_in_is_left(start: Start) -> None:
    side = start(never_reads)
    answer = post(f"http://{HOST}:{side.port}/", takes_at_most_s=IMPATIENT_S, body=b"x" * 20_000_000)
    assert answer == Answer(problem="timeout")


def test_a_port_where_nobody_listens_is_unreachable() -> None:
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
def test_what_is_no_http_is_told_as_such(start: Start, raw: bytes) -> None:
    answer = post(f"http://{HOST}:{start(answers(raw)).port}/")
    assert answer == Answer(problem="no_http")


def test_headers_without_end_are_not_waited_for(start: Start) -> None:
    side = start(pours(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"))
    assert post(f"http://{HOST}:{side.port}/") == Answer(problem="no_http")


STATUS_LINES = st.builds(b"HTTP/1.1 %b\r\n".__mod__, st.binary(max_size=12))
HEADER_LINES = st.builds(b"%b: %b\r\n".__mod__, st.tuples(st.binary(max_size=8), st.binary(max_size=20)))


def test_whatever_is_answered_becomes_a_status_or_a_problem(start: Start) -> None:
    to_answer = [b""]
    side = start(lambda side, connection: answers(to_answer[-1])(side, connection))
    poster = Poster(is_public_or_loopback, Names(["127.0.0.1"]), takes_at_most_s=PATIENT_S)

    @settings(max_examples=50)
    @given(parts=st.lists(st.one_of(STATUS_LINES, HEADER_LINES, st.just(OK), st.binary(max_size=30)), max_size=5))
    def becomes(parts: list[bytes]) -> None:
        to_answer.append(b"".join(parts))
        answer = poster.post(f"http://{HOST}:{side.port}/", HEADERS, BODY)
        assert (answer.status is None) == (answer.problem in ("no_http", "unreachable"))

    becomes()
    assert side.connections == len(to_answer) - 1
