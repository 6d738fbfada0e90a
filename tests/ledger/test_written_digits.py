"""Digits of every script and form are read as 0 to 9."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger.written_digits import in_plain_characters


def test_every_digit_of_unicode_becomes_ours() -> None:
    for code in range(128, sys.maxunicode + 1):
        value = unicodedata.digit(chr(code), None)
        if value is not None:
            assert in_plain_characters(chr(code)) == str(value), hex(code)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Réf. n° 12", "Rxf. n- 12"),
        ("ＦＲ１４", "FR14"),
        ("4️⃣1️⃣", "41"),
        ("4\u200b1\u00ad1\u03011", "4111"),
        ("4\u00a01\u20281\t1", "4 1 1 1"),
        ("4–1—1ー1ـ1", "4-1-1-1-1"),
        ("4\x001", "41"),
        ("一二三 〇", "123 0"),
        ("½ Ⅻ ⑩", "- - -"),
        ("بتاريخ ٢٠٢٦", "xxxxxx 2026"),
        ("4ㅤ1", "41"),
        ("4\u115f1\u11601\uffa01", "4111"),
        ("4\U0010ffff1\U0010fffe1", "411"),  # the last characters of Unicode
        ("ﬁn ㎏ Ａ ª", "xn - A a"),  # one letter that is two is none of ours
    ],
)
def test_text_becomes_plain(text: str, plain: str) -> None:
    assert in_plain_characters(text) == plain


@given(st.text())
def test_it_is_ascii_and_has_no_more_digits_than_unicode_counts(text: str) -> None:
    plain = in_plain_characters(text)
    assert plain.isascii()
    assert sum(map(str.isdigit, plain)) <= sum(map(str.isnumeric, text))


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32)))
def test_printable_ascii_stays(text: str) -> None:
    assert in_plain_characters(text) == text
