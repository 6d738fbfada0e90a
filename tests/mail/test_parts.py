"""A payment's reference in an e-mail: as it is, unless a mail program could make a link of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.holders.conventions import plain
from chalicelib.mail.parts import verbatim

# Whatever any program may take for a host, wherever the program thinks that it ends.
HOST = re.compile(r"[\w-]+\.[\w-]*[^\W\d_]|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
JOINER = "\N{WORD JOINER}"
PIECES = st.sampled_from(
    [
        ".",
        "-",
        "/",
        "_",
        ":",
        "1",
        "255",
        "evil",
        "com",
        "co",
        "xn--p1ai",
        "é",
        "\u5b9e",
        " ",
        "\u200b",
        "\u00ad",
        JOINER,
    ]
)


@pytest.mark.parametrize(
    "reference",
    [
        *(
            "evil.com-now",
            "evil.com-",
            "evil.co.uk-x",
            "evil.com_",
            "evil.com.",
            "INV-7.evil.com-7",
            "a.b",
            "evil.1password",
        ),
        *(
            "evil.xn--p1ai/login",
            "evil.xn--p1ai",
            "\u0440\u0444.\u0440\u0444-1",
            "1.2.3.4",
            "1.2.3.4/login",
            "x1.2.3.4x",
        ),
        *("evil.\u200bcom", "evil.\u2060com", "evil.\u00adcom", "1.\u200b2.3.4"),
    ],
)
def test_every_dot_of_what_could_be_a_host_is_broken_up(reference: str) -> None:
    assert verbatim(reference) == plain(reference)
    assert not re.search(rf"\.(?![\s{JOINER}]|$)", verbatim(reference))


@given(st.text() | st.lists(PIECES, max_size=20).map("".join))
def test_nothing_that_could_be_a_host_is_left_and_all_else_is_as_it_is(reference: str) -> None:
    shown = verbatim(reference)
    bare = shown.replace(JOINER, "")
    assert not HOST.search(shown)
    assert bare == plain(reference).replace(JOINER, "")
    # No more than that is broken up: what has only words, and dots before numbers or at an end, is as it was sent.
    if re.fullmatch(r"(\w|[ /_-]|(?<!\d)\.(?=\d)|\.(?=\s|$))*", bare) and not re.search(r"\.[\w-]*[^\W\d]", bare):
        assert shown == bare


@pytest.mark.parametrize(
    "reference",
    ["2026.01.10", "1.255.663", "INV.2026-1:7", "12.50", "No. 7", "Facture no. B", "A/1.2.3", "v1.", "A-7/2026"],
)
def test_a_dot_before_a_number_joins_no_link(reference: str) -> None:
    assert verbatim(reference) == reference
