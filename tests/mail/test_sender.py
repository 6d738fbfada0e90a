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
