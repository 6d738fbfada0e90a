"""Tokens of links: sealed for one purpose and a time, and those of earlier releases still read."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from chalicelib.holders.link_tokens import InvalidToken, open_sealed, seal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
FIELDS = ["eazycard", "A123", "h1", "0123456789ab"]
texts = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=64)


@given(st.lists(texts, min_size=1, max_size=6), st.sampled_from(["preferences", "unsubscribe"]))
def test_what_is_sealed_is_opened_by_the_same_purpose_alone(fields: list[str], purpose: str) -> None:
    token = seal(fields, purpose, "key", NOW)
    assert open_sealed(token, purpose, ["other", "key"], MONTH, NOW) == fields
    with pytest.raises(InvalidToken):
        open_sealed(token, f"{purpose}s", ["key"], MONTH, NOW)
    with pytest.raises(InvalidToken):
        open_sealed(token, purpose, ["other"], MONTH, NOW)


@given(st.data())
def test_a_token_of_which_a_bit_is_changed_is_none(data: st.DataObject) -> None:
    token = seal(FIELDS, "preferences", "key", NOW)
    content = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidToken):
        open_sealed(base64.urlsafe_b64encode(content).rstrip(b"=").decode(), "preferences", ["key"], MONTH, NOW)


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,300}", fullmatch=True))
def test_no_text_is_a_token_by_chance(token: str) -> None:
    with pytest.raises(InvalidToken):
        open_sealed(token, "preferences", ["key"], MONTH, NOW)


@pytest.mark.parametrize(("bytes_", "length", "is_read"), [(750, 1_000, True), (751, 1_002, False)])
def test_a_token_of_more_than_a_thousand_characters_is_not_even_decrypted(
    bytes_: int, length: int, is_read: bool
) -> None:
    # A nonce, a tag, eight digits of the time, and a slash.
    fields = ["x" * (bytes_ - 24 - 16 - 8 - 1)]
    token = seal(fields, "preferences", "key", NOW)
    assert len(token) == length
    if is_read:
        assert open_sealed(token, "preferences", ["key"], MONTH, NOW) == fields
    else:
        with pytest.raises(InvalidToken):
            open_sealed(token, "preferences", ["key"], MONTH, NOW)


@pytest.mark.parametrize(
    ("later", "is_good"), [(-300, True), (-301, False), (0, True), (2_592_000, True), (2_592_001, False)]
)
def test_a_token_is_good_for_its_time_whichever_clock_is_ahead(later: int, is_good: bool) -> None:
    token = seal(FIELDS, "preferences", "key", NOW)
    now = NOW + timedelta(seconds=later)
    if is_good:
        assert open_sealed(token, "preferences", ["key"], MONTH, now) == FIELDS
    else:
        with pytest.raises(InvalidToken):
            open_sealed(token, "preferences", ["key"], MONTH, now)


# Made once, and written down: tokens like it are in e-mails that were sent.
GOLDEN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXO7So9xnnCX9QGgR_q0ntoNg7r9uJnKV3JyQYZy-65fzc3hTVBp48tzOApWXvxastcdLBfXHZ"


def test_a_token_that_was_sent_is_read_by_every_later_release() -> None:
    assert open_sealed(GOLDEN, "preferences", ["key"], MONTH, NOW) == FIELDS


@pytest.mark.parametrize("tail", ["\n", " ", "*", "é"])
def test_a_token_with_something_behind_it_is_none(tail: str) -> None:
    with pytest.raises(InvalidToken):
        open_sealed(seal(FIELDS, "preferences", "key", NOW) + tail, "preferences", ["key"], MONTH, NOW)


@pytest.mark.parametrize("keys", [["newest", "older"], ["older"], ["newest", "older", "oldest"]])
def test_a_signed_token_of_an_earlier_release_is_read_until_it_is_too_old(keys: list[str]) -> None:
    signed = URLSafeTimedSerializer("older", salt="holder-link.unsubscribe").dumps(FIELDS)
    now = datetime.now(UTC)  # that of itsdangerous
    assert open_sealed(signed, "unsubscribe", keys, MONTH, now) == FIELDS
    for purpose, accepted, at in (
        ("preferences", keys, now),
        ("unsubscribe", ["newest"], now),
        ("unsubscribe", keys, now + MONTH + timedelta(seconds=2)),
    ):
        with pytest.raises(InvalidToken):
            open_sealed(signed, purpose, accepted, MONTH, at)


@pytest.mark.parametrize("content", ["text", {"a": 1}, [1, 2, 3, 4], ["a", 1], None])
def test_other_content_that_is_signed_is_no_token(content: object) -> None:
    signed = URLSafeTimedSerializer("key", salt="holder-link.unsubscribe").dumps(content)
    with pytest.raises(InvalidToken):
        open_sealed(signed, "unsubscribe", ["key"], MONTH, datetime.now(UTC))
