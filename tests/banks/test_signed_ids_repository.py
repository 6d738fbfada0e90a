"""Ids of signed requests: each is taken once, by its bank, as long as its signature is good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.banks.signed_ids_repository import SignedIds
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Refusing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


@pytest.fixture
def ids(each_dynamodb: Any) -> SignedIds:
    return SignedIds(each_dynamodb, "DeferralsTable")


def test_an_id_is_taken_once_by_each_bank(ids: SignedIds) -> None:
    assert [ids.is_first("eazycard", "msg_1", NOW) for _ in range(3)] == [True, False, False]
    assert ids.is_first("other-bank", "msg_1", NOW)
    assert ids.is_first("eazycard", "msg_2", NOW)


def test_an_id_may_come_again_when_its_signature_is_too_old_anyway(ids: SignedIds) -> None:
    ids.is_first("eazycard", "msg_1", NOW)
    # Signed 5 minutes ahead of now, and good until 5 minutes after that.
    assert not ids.is_first("eazycard", "msg_1", NOW + timedelta(minutes=10))
    assert ids.is_first("eazycard", "msg_1", NOW + timedelta(minutes=12))


@pytest.mark.parametrize("message_id", ["", "x" * 5_000, "\ud800", "é\x00#"])
def test_any_text_is_an_id(ids: SignedIds, message_id: str) -> None:
    assert [ids.is_first("eazycard", message_id, NOW) for _ in range(2)] == [True, False]


def test_a_throttled_table_is_told_from_an_id_that_was_taken(each_dynamodb: Any) -> None:
    throttled = Refusing(each_dynamodb, refusal("ThrottlingException"), "put_item")
    with pytest.raises(TemporarilyUnavailable):
        SignedIds(throttled, "DeferralsTable").is_first("eazycard", "msg_1", NOW)
