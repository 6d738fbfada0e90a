"""Senders: what is written is read by one parser, and the header From is read back as it was."""

from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mail.sender import MAX_HEADER, InvalidSender, Sender, read_sender


def read_back(header: str) -> tuple[str, str]:
    """Return the name and address of a header, as a mail program reads it; there is one of them."""
    ((encoded, address),) = getaddresses([header])
    return str(make_header(decode_header(encoded))), address


WRITTEN = [
    ("alerts@example.com", "", "alerts@example.com"),
    (" alerts@example.com ", "", "alerts@example.com"),
    ("<alerts@example.com>", "", "alerts@example.com"),
    ("EAZYCard <alerts@example.com>", "EAZYCard", "alerts@example.com"),
    ("Banque Atlantique, Cameroun <a@x.example>", "Banque Atlantique, Cameroun", "a@x.example"),
    ("Crédit; Lyonnais <a@x.example>", "Crédit; Lyonnais", "a@x.example"),
    ("Bank (Cameroon): alerts @ 24h <a@x.example>", "Bank (Cameroon): alerts @ 24h", "a@x.example"),
    ('"Crédit, Agricole" <a@x.example>', "Crédit, Agricole", "a@x.example"),
    ('"The \\"Bank\\"" <a@x.example>', 'The "Bank"', "a@x.example"),
    ('The "Bank" of Y <a@x.example>', 'The "Bank" of Y', "a@x.example"),
    ('The "Bank" <a@x.example>', 'The "Bank"', "a@x.example"),
    ('"The" Bank <a@x.example>', '"The" Bank', "a@x.example"),
    ('"A <B>" <a@x.example>', "A <B>", "a@x.example"),
    ('"A \\\\ B" <a@x.example>', "A \\ B", "a@x.example"),
    ('"" <a@x.example>', "", "a@x.example"),
    ('" <a@x.example>', '"', "a@x.example"),
    ("L'Union d’épargne <a@x.example>", "L'Union d’épargne", "a@x.example"),
    ("=?utf-8?q?x?= <a@x.example>", "=?utf-8?q?x?=", "a@x.example"),
    ("銀行 <a@x.example>", "銀行", "a@x.example"),
]


@pytest.mark.parametrize(("written", "name", "address"), WRITTEN)
def test_a_sender_is_read_back_as_it_was_written(written: str, name: str, address: str) -> None:
    sender = read_sender(written)
    assert (sender.name, sender.address) == (name, address)
    assert read_back(sender.header) == (name, address)


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "EAZYCard", "EAZYCard <>", "EAZYCard <alerts>", "EAZYCard alerts@example.com", "a@b@x.example"),
        *("A <a@x.example>, B <b@x.example>", "a@x.example, b@x.example", "A <a@x.example> B", "a@x.example>"),
        *("A\r\nBcc: b@y.example <a@x.example>", "A <a@x.example\n>", "A\0 <a@x.example>"),
        *("É <é@x.example>", "É <a@exämple.com>"),
    ],
)
def test_what_no_mail_can_come_from_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(InvalidSender, match="write an address, or a name with the address in angle brackets"):
        read_sender(written)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "'Nothing' is no address"),
        ("EAZYCard <>", "'Nothing' is no address"),
        ("EAZYCard", "'EAZYCard' is no address"),
        ("A\0 <a@x.example>", "must be on one line"),
        ("A <a@x.example>, B <b@x.example>", "There is one sender"),
    ],
)
def test_a_sender_is_refused_with_the_reason(written: str, why: str) -> None:
    with pytest.raises(InvalidSender, match=why):
        read_sender(written)


def test_a_sender_has_no_name_unless_one_is_written() -> None:
    assert Sender("alerts@example.com").header == "alerts@example.com"


def test_what_is_no_character_to_print_in_a_name_becomes_a_space() -> None:
    assert read_back(Sender("alerts@example.com", " A\tB\r\n C").header) == ("A B C", "alerts@example.com")


@given(st.text(max_size=140))
def test_any_name_makes_one_line_of_ascii_that_ses_takes_with_one_address(name: str) -> None:
    header = Sender("alerts@example.com", name).header
    assert header.isascii()
    assert header.isprintable()
    assert len(header) <= MAX_HEADER
    assert all(len(word) <= 75 for word in header.split(" ") if word.startswith("=?"))
    read, address = read_back(header)
    assert address == "alerts@example.com"
    kept = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    assert kept.startswith(read.rstrip())


def test_a_name_that_is_too_long_is_cut_and_the_address_stays() -> None:
    address = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example"
    header = Sender(address, "銀行" * 70).header
    assert MAX_HEADER - 20 < len(header) <= MAX_HEADER
    assert header.endswith(f" <{address}>")


def test_a_header_of_320_characters_is_sent_whole_and_of_a_longer_one_the_least_is_cut() -> None:
    assert MAX_HEADER == 320
    room = MAX_HEADER - len(" <a@x.example>")
    for name in ("x" * room, "x" * (room + 1)):
        assert Sender("a@x.example", name).header == f"{'x' * room} <a@x.example>"


def test_an_address_that_is_too_long_by_itself_is_left_to_ses() -> None:
    address = f"{'a' * 400}@x.example"
    assert Sender(address, "EAZYCard").header == address


def test_encoded_words_are_as_long_as_rfc_2047_lets_them_be() -> None:
    words = Sender("a@x.example", "é" + "a" * 150).header.split(" ")[:-1]
    assert max(map(len, words)) == 75
