"""Visible text: a name of which nothing shows is none, and one with a single letter is."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from chalicelib.holders.conventions import plain
from chalicelib.ledger.visible_text import BLANK_TEXT, Visible, has_something_visible

INVISIBLE = [
    "",
    " ",
    "\t\n",
    "\u00a0",  # no-break space
    "\u3000",  # ideographic space
    "\u200b",  # zero width space
    "\u200c\u200d",  # joiners
    "\u2060",  # word joiner
    "\ufeff",  # byte order mark
    "\u00ad",  # soft hyphen
    "\u200e\u202e\u2066",  # bidirectional
    "\u061c",  # Arabic letter mark
    "\u180e",  # Mongolian vowel separator
    "\U000e0041\U000e007f",  # tags
    "\ufe0f",  # variation selector
    "\u0301",  # an accent upon nothing
    "\u034f",  # grapheme joiner
    "\u17b4",  # Khmer inherent vowel
    "\u115f\u1160",  # Hangul fillers
    "\u3164",
    "\uffa0",  # its half-width form
    "\u2800",  # blank Braille
    "\ufffc",  # object replacement
    "\ue000",  # private use
    "\U000f0000",
    "\u0378",  # unassigned
    "\x00\x1b",
    " \u200b\u0301\u3164 ",
]
VISIBLE = ["A", "é", "日", "ا", "ᄀ", "7", "-", "😀", "€", "👩\u200d🚀", "\u200bA", "e\u0301", "O'Brien", "\u2801"]


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_text_of_which_nothing_shows_is_refused(text: str) -> None:
    assert not has_something_visible(text)
    with pytest.raises(ValidationError) as refusal:
        Visible()(text)
    assert refusal.value.messages == [BLANK_TEXT] == ["Must not be blank."]


@pytest.mark.parametrize("text", VISIBLE)
def test_a_text_of_which_one_character_shows_is_taken(text: str) -> None:
    assert has_something_visible(text)
    assert Visible()(text) == text


@pytest.mark.parametrize(("text", "fits"), [("", False), (" \t\n", False), ("A", True), (" A ", True)])
def test_the_pattern_that_the_api_s_description_has_asks_for_something_that_is_no_space(text: str, fits: bool) -> None:
    assert bool(re.search(Visible.pattern, text)) is fits


@given(st.text())
def test_an_email_greets_everybody_whose_name_is_taken(name: str) -> None:
    if has_something_visible(name):
        assert has_something_visible(plain(name))


@given(st.text(st.sampled_from([*"".join(INVISIBLE)])), st.text(st.sampled_from([*"".join(INVISIBLE)])))
def test_nothing_invisible_makes_a_text_visible_and_nothing_invisible_hides_a_letter(before: str, after: str) -> None:
    assert not has_something_visible(before + after)
    assert has_something_visible(f"{before}A{after}")


def test_no_space_control_or_formatting_character_shows() -> None:
    shown = [chr(code) for code in range(0x110000) if has_something_visible(chr(code))]
    assert not [one for one in shown if one.isspace() or unicodedata.category(one)[0] in "CMZ"]
    assert len(shown) > 100_000
