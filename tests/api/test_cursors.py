"""Cursors: good for the listing that they were issued for, and for nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from chalicelib.api.cursors import position_in, sign
from chalicelib.errors import InvalidCursor

SECRET = "the stage's secret"
LISTING = ["eazycard", "A123", None, "2026-01-31", "debit"]
POSITION = "2026-01-10T14:00:00.000000Z#1"


@given(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))), st.text(st.characters(max_codepoint=127))
)
def test_a_cursor_gives_back_the_position_it_was_issued_for(listing: list[str | None], position: str) -> None:
    assert position_in(sign(SECRET, listing, position), SECRET, listing) == position


def test_a_cursor_can_stand_in_a_query_string_as_it_is() -> None:
    assert set(sign(SECRET, LISTING, POSITION)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    )


@pytest.mark.parametrize("index", range(len(LISTING)))
def test_another_listings_cursor_is_refused(index: int) -> None:
    other = [*LISTING[:index], "other", *LISTING[index + 1 :]]
    with pytest.raises(InvalidCursor):
        position_in(sign(SECRET, LISTING, POSITION), SECRET, other)


def test_a_cursor_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        position_in(sign("another secret", LISTING, POSITION), SECRET, LISTING)


def test_a_cursor_signed_for_another_purpose_is_refused() -> None:
    token = str(URLSafeSerializer(SECRET, salt="unsubscribe").dumps([LISTING, POSITION]))
    with pytest.raises(InvalidCursor):
        position_in(token, SECRET, LISTING)


def test_changing_any_character_of_a_cursor_spoils_it() -> None:
    cursor = sign(SECRET, LISTING, POSITION)
    # The last character of a base64 text carries bits that don't count.
    for index in range(len(cursor) - 1):
        forged = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
        with pytest.raises(InvalidCursor):
            position_in(forged, SECRET, LISTING)


@pytest.mark.parametrize("cursor", ["", ".", "..", "a.b", "\ud800", "é", "W10.x", "." * 10_000])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        position_in(cursor, SECRET, LISTING)


@given(st.text())
def test_no_text_whatever_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        position_in(text, SECRET, LISTING)
