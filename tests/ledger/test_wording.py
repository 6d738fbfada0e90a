"""Free text: all spellings of the same become one, and nothing is kept that no reader and no queue can take."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.ledger.wording import cut, is_normal, is_readable, normalised

ANY_TEXT = st.text(st.characters(exclude_categories=()))
SPACES_AND_SUCH = st.text(st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u2002\u2028\u3000\u0301\ufffd\ud800ae"))


@given(ANY_TEXT | SPACES_AND_SUCH)
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert is_readable(once)


@given(ANY_TEXT | SPACES_AND_SUCH)
@example("\u2000")  # NFC makes another space of it
@example("a\u2028\u0301")
@example(" \0 ")
def test_what_is_kept_is_in_nfc_without_controls_and_with_single_spaces(text: str) -> None:
    kept = normalised(text)
    assert unicodedata.is_normalized("NFC", kept)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]|\s\s|[^\S ]|^\s|\s$", kept)
    kept.encode()


@given(ANY_TEXT | SPACES_AND_SUCH)
def test_what_is_seen_to_be_normal_is_normal(text: str) -> None:
    if is_normal(text):
        assert normalised(text) == text


@pytest.mark.parametrize("text", ["Café", "a b", "日本", "", "😀 x", "مقهى"])
def test_ordinary_text_is_seen_to_be_normal(text: str) -> None:
    assert is_normal(text)


@given(ANY_TEXT, st.integers(1, 40))
def test_a_cut_text_is_a_normalised_beginning_of_at_most_its_length(text: str, length: int) -> None:
    whole = normalised(text)
    kept = cut(whole, length)
    assert len(kept) <= length
    assert whole.startswith(kept)
    assert normalised(kept) == kept
    assert bool(kept) == bool(whole)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("abcd", "abc"),
        ("ab cd", "ab"),
        ("abx\u0323\u0301", "ab"),  # a letter and its accents are one
        ("ab👩\u200d👧", "ab"),  # so are joined emoji
        ("ab👍🏽", "ab"),  # and one with a skin tone
        ("ab❤\ufe0f", "ab"),
        ("a\u0301\u0301\u0301\u0301", "a\u0301\u0301"),  # but too long a character is cut all the same
    ],
)
def test_a_text_is_cut_between_characters_as_they_are_shown(text: str, kept: str) -> None:
    assert cut(text, 3) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("e" + "\u0301\u0316" * 15 + "x", "\u00e9" + "\u0316" * 15 + "\u0301" * 14 + "x"),
        ("a" + "\u0301" * 31 + "bc" + "\u0316" * 40, "\u00e1" + "\u0301" * 29 + "bc" + "\u0316" * 30),
        ("\u0958" + "\u0316" * 30, "\u0915\u093c" + "\u0316" * 29),
    ],
    ids=["30 of them", "more", "one more because it is taken apart"],
)
def test_a_character_keeps_30_accents(text: str, kept: str) -> None:
    assert normalised(text) == kept
    assert normalised(kept) == kept


def test_more_accents_are_unreadable_and_never_take_a_time_that_grows_with_their_square() -> None:
    text = "a" + "\u0301\u0316" * 60_000
    assert not is_readable(text)
    assert not is_normal(text)
    began = time.process_time()
    assert len(normalised(text)) == 30
    assert time.process_time() - began < 1  # in NFC as it is, it takes ten
