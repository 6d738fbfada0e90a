"""An address's turn to be asked, on both engines: one notice has it for 14 days."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.changes.asked_repository import AskedRepository, Turn
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.confirmation import ASKED_AT_MOST_EACH
from tests.fakes import Failing, OneCallAtATime, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
AWA = Address.of("eazycard", "awa@example.com")


@pytest.fixture
def asked(each_dynamodb: Any) -> AskedRepository:
    return AskedRepository(each_dynamodb, "DeferralsTable")


def test_the_first_notice_has_the_turn_and_keeps_it_and_no_other_one_gets_it(asked: AskedRepository) -> None:
    assert asked.take(AWA, "one", NOW) is Turn.FIRST
    assert asked.take(AWA, "two", NOW) is Turn.TAKEN
    assert asked.take(AWA, "one", NOW + timedelta(days=13)) is Turn.AGAIN
    # Its e-mail may have gone now: so the 14 days begin now.
    assert asked.take(AWA, "two", NOW + ASKED_AT_MOST_EACH) is Turn.TAKEN
    assert asked.take(AWA, "two", NOW + timedelta(days=13) + ASKED_AT_MOST_EACH) is Turn.FIRST


def test_other_addresses_and_banks_have_turns_of_their_own(asked: AskedRepository) -> None:
    assert asked.take(AWA, "one", NOW) is Turn.FIRST
    for address in (Address.of("other-bank", "awa@example.com"), Address.of("eazycard", "ben@example.com")):
        assert asked.take(address, "two", NOW) is Turn.FIRST


def test_only_who_has_the_turn_gives_it_back(asked: AskedRepository) -> None:
    asked.take(AWA, "one", NOW)
    asked.give_back(AWA, "two")
    assert asked.take(AWA, "two", NOW) is Turn.TAKEN
    asked.give_back(AWA, "one")
    assert asked.take(AWA, "two", NOW) is Turn.FIRST


def test_of_many_at_once_one_has_the_turn(dynamodb: Any, table_names: dict[str, str]) -> None:
    asked = AskedRepository(OneCallAtATime(dynamodb), "DeferralsTable")
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda number: asked.take(AWA, str(number), NOW), range(40)))
    assert turns.count(Turn.FIRST) == 1
    assert turns.count(Turn.TAKEN) == 39


def test_a_table_that_can_t_be_reached_says_so(dynamodb: Any, table_names: dict[str, str]) -> None:
    failing = AskedRepository(Failing(dynamodb, refusal("ThrottlingException"), 0, "update_item"), "DeferralsTable")
    with pytest.raises(TemporarilyUnavailable):
        failing.take(AWA, "one", NOW)
