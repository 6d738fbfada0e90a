"""Which addresses are public: none of a private network is, also when it is written as an IPv6 address."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.webhooks.public_addresses import is_public, is_public_or_loopback
from tests.sizes import size

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
def test_an_address_that_is_private_or_reserved_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0", "fd00::1", "fe80::1"])
def test_where_loopback_is_allowed_no_other_private_address_is(address: str) -> None:
    assert not is_public_or_loopback(ipaddress.ip_address(address))
    assert is_public_or_loopback(ipaddress.ip_address("127.0.0.1"))
    assert is_public_or_loopback(ipaddress.ip_address("::1"))


@given(inner=PRIVATE)
def test_no_private_ipv4_is_public(inner: int) -> None:
    assert not is_public(ipaddress.IPv4Address(inner))


@pytest.mark.parametrize("dress", V4_IN_V6)
@settings(max_examples=size(40, 800))
@given(inner=PRIVATE, rest=st.integers(0, (1 << 80) - 1))
def test_no_private_ipv4_is_public_in_any_ipv6_form(dress: str, inner: int, rest: int) -> None:
    assert not is_public(ipaddress.IPv6Address(V4_IN_V6[dress](inner, rest)))


@given(address=st.ip_addresses(v=6))
def test_only_global_unicast_and_public_ipv4_in_ipv6_are_public(address: ipaddress.IPv6Address) -> None:
    carries_v4 = address in ipaddress.ip_network("64:ff9b::/96") or address.ipv4_mapped is not None
    assert not is_public(address) or carries_v4 or address in ipaddress.ip_network("2000::/3")
