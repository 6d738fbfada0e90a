"""E-mail addresses: which spellings are one address, and which addresses are refused because no e-mail gets there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from chalicelib.ledger import email_address as rules
from chalicelib.ledger.email_address import Mailable, canonical, email_rules, same_address, why_unmailable

PUNYCODE = "xn--exmple-cua.com"  # exämple.com


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Awa.Case@Example.com", "awa.case@example.com"),
        ("AWA@EXAMPLE.COM", "awa@example.com"),
        ("awa@example.com.", "awa@example.com"),  # the root's dot
        ("awa@exämple.com", f"awa@{PUNYCODE}"),
        ("awa@EXÄMPLE.com", f"awa@{PUNYCODE.upper()}"),
        ("awa@exa\u0308mple.com", f"awa@{PUNYCODE}"),  # composed otherwise
        ("awa@ｅｘａｍｐｌｅ．ｃｏｍ", "awa@example.com"),  # full-width
        ("awa@example\u3002com", "awa@example.com"),  # an ideographic full stop
        ("awa@example.\u212aim", "awa@example.kim"),  # the sign of kelvin is a K
        ("é@example.com", "E\u0301@example.com"),
        ("Σας@example.com", "σας@example.com"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str) -> None:
    assert same_address(one, other)
    assert same_address(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("awa@example.com", "a.wa@example.com"),
        ("awa@example.com", "awa+tag@example.com"),
        ("awa@example.com", "awa@example.org"),
        ("awa@example.com", "awa@sub.example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("awa@straße.de", "awa@strasse.de"),
        ("mıke@example.com", "mike@example.com"),  # a dotless i
        ("MİKE@example.com", "mike@example.com"),  # a capital with a dot
        ("ſam@example.com", "sam@example.com"),  # a long s
        ("ａwa@example.com", "awa@example.com"),  # full-width
        ("аwa@example.com", "awa@example.com"),  # Cyrillic
        ("ﬁona@example.com", "fiona@example.com"),  # a ligature
        ('"awa"@example.com', "awa@example.com"),
        ("awa", "awa@example.com"),
        ("", "@"),
    ],
)
def test_two_addresses(one: str, other: str) -> None:
    assert not same_address(one, other)
    assert not same_address(other, one)


_ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126))


@given(local_part=_ASCII, domain=_ASCII.map(lambda text: text.replace("@", "").rstrip(".")))
def test_an_ascii_address_has_the_form_that_earlier_releases_hashed(local_part: str, domain: str) -> None:
    address = f"{local_part}@{domain}"
    assert canonical(address) == address.lower()
    assert same_address(address.upper(), f"{address.lower()}.")


@given(st.text() | st.emails() | st.builds("{}@{}".format, st.text(), st.text()))
def test_the_form_of_any_text_is_its_own_form(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@given(st.text(st.characters(blacklist_characters="@")), st.text(st.characters(blacklist_characters="@")))
def test_the_form_of_a_local_part_outside_of_ascii_is_never_that_of_an_ascii_one(one: str, other: str) -> None:
    is_ascii = canonical(f"{one}@a.b").isascii()
    # By Unicode's own rule of equal texts (NFC), the sign of kelvin and two more are ASCII characters.
    assert is_ascii == "".join(part for part in one if part not in "\u212a\u037e\u1fef").isascii()
    assert canonical(f"{one}@{other}").rpartition("@")[2].isascii()


@pytest.mark.parametrize(
    "address",
    [
        "a@b.co",
        "Awa.Case@Example.com",
        "first.last+tag@sub.example.com",
        "o'brien@example.org",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        f"{'x' * 64}@example.com",
        f"a@{'y' * 63}.com",
        f"awa@{PUNYCODE}",
        "awa@example.xn--p1ai",
        "awa@example.photography",
        "awa@1.2.3.com",
        "awa@7-eleven.com",
        "fraud@bank.example",
        "bounce+7@simulator.amazonses.com",
    ],
)
def test_an_address_that_ses_takes_is_taken(address: str) -> None:
    assert why_unmailable(address) is None
    assert Mailable()(address) == address


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", rules.NO_ADDRESS),
        ("awa", rules.NO_ADDRESS),
        ("awa@", rules.NO_ADDRESS),
        ("@example.com", rules.NO_ADDRESS),
        ("awa@@example.com", rules.NO_ADDRESS),
        ("awa@exa mple.com", rules.NO_ADDRESS),
        ("awa @example.com", rules.NO_ADDRESS),
        ("awa\t@example.com", rules.NO_ADDRESS),
        ("awa@example.com\n", rules.NO_ADDRESS),
        ("awa\x00@example.com", rules.NO_ADDRESS),
        ("awa\x7f@example.com", rules.NO_ADDRESS),
        ("Awa <awa@example.com>", rules.NO_ADDRESS),
        ("mailto:awa@example.com", rules.NO_ADDRESS),
        ("a@example.com,b@example.com", rules.NO_ADDRESS),
        ("a..b@example.com", rules.NO_ADDRESS),
        (".awa@example.com", rules.NO_ADDRESS),
        ("awa.@example.com", rules.NO_ADDRESS),
        ("awa@example..com", rules.NO_ADDRESS),
        ("awa@.example.com", rules.NO_ADDRESS),
        ("awa@example.com.", rules.NO_ADDRESS),
        ("awa@-example.com", rules.NO_ADDRESS),
        ("awa@example-.com", rules.NO_ADDRESS),
        ("awa@ex_ample.com", rules.NO_ADDRESS),
        (f"a@{'y' * 64}.com", rules.NO_ADDRESS),
        ("awa@xn--.com", rules.NO_ADDRESS),
        ("awa@xn--a-!.com", rules.NO_ADDRESS),
        ('"awa"@example.com', rules.QUOTED),
        ('"a b"@example.com', rules.QUOTED),
        (f"{'x' * 65}@example.com", rules.LONG_LOCAL_PART),
        ("user@123.123.123.123", rules.IP_ADDRESS),
        ("user@123", rules.IP_ADDRESS),
        ("user@[127.0.0.1]", rules.IP_ADDRESS),
        ("user@[IPv6:2001:db8::1]", rules.IP_ADDRESS),
        ("awa@example", rules.NO_DOMAIN),
        ("awa@localhost", rules.NO_DOMAIN),
        ("awa@example.123", rules.NO_DOMAIN),
        ("awa@example.c", rules.NO_DOMAIN),
        ("awa@example.c0m", rules.NO_DOMAIN),
        ("user@0x7f.0x1", rules.NO_DOMAIN),
        *((f"awa@example.{name}", rules.RESERVED) for name in ("test", "invalid", "localhost", "LOCAL", "onion")),
        *((f"awa@example.{name}", rules.RESERVED) for name in ("alt", "internal", "home.arpa")),
        ("awa@exämple.com", rules.NO_ASCII),
        ("ñ@example.com", rules.NO_ASCII),
        ("awa\u200b@example.com", rules.NO_ASCII),
        ("awa@example.com\u2060", rules.NO_ASCII),
        ("ａwa@example.com", rules.NO_ASCII),
    ],
)
def test_an_address_that_no_email_gets_to_is_refused_with_its_reason(address: str, why: str) -> None:
    assert why_unmailable(address) == why
    with pytest.raises(ValidationError) as refusal:
        Mailable()(address)
    assert refusal.value.messages == [why]


def test_a_whole_address_has_at_most_254_characters() -> None:
    def is_taken(address: str) -> bool:
        try:
            for rule in email_rules():
                rule(address)
        except ValidationError:
            return False
        return True

    longest = f"a@{'.'.join(['y' * 62] * 4)}"[:250] + ".co"
    assert (len(longest), is_taken(longest), is_taken(f"b{longest}"), is_taken(f"bc{longest}")) == (
        253,
        True,
        True,
        False,
    )


@given(st.emails())
def test_what_is_taken_is_one_address_in_ascii_without_anything_invisible(address: str) -> None:
    if why_unmailable(address) is None:
        assert address.isascii()
        assert address.isprintable()
        assert " " not in address
        assert address.count("@") == 1
