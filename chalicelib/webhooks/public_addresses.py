"""Which IP addresses webhooks may be posted to: public ones, so that no bank can reach a private network through us."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Reserved in IANA's registries, but not, or not completely, in the `ipaddress` module of every Python version.
_RESERVED = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("3fff::/20"))


def is_public(address: Address) -> bool:
    """Return whether an address is public, also when it is an IPv4 address written as an IPv6 address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return address.ipv4_mapped is not None and is_public(inner)
        if address.is_site_local:
            return False
    if any(address in network for network in _RESERVED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_public_or_loopback(address: Address) -> bool:
    """Return whether an address is public or a loopback address: the local cloud's endpoints are on its own machine."""
    return address.is_loopback or is_public(address)
