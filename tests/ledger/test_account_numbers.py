"""An IBAN is kept in one piece however it is printed, and what earlier releases kept of it is the same account."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.transaction_body import read_transaction
from chalicelib.ledger.account_numbers import MAX_ACCOUNT, as_account_number, is_same_account
from chalicelib.ledger.informing import Warnings
from chalicelib.ledger.known_identifiers import IBAN_LENGTHS, iban_of
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.transaction import Transaction
from chalicelib.ledger.wording import cut, normalised
from tests.card_figures import with_mod_97
from tests.cards import grouped

SMALLEST = {"id": "1", "account": "A123", "amount": 250, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}
NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
MALTA = "MT84 MALT 0110 0001 2345 MTLC AST0 01S"  # 31 characters, printed 38


def load(account: str, **details: Any) -> tuple[Transaction, Warnings]:
    warnings: Warnings = []
    body = read_transaction(json.dumps({**SMALLEST, "counterparty": {"account": account, **details}}).encode())
    return load_transaction(body, "eazycard", "XAF", NOW, warnings), warnings


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(IBAN_LENGTHS)))
    size = IBAN_LENGTHS[country] - 4
    bban = draw(
        st.text("0123456789", min_size=size, max_size=size)
        | st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=size, max_size=size)
    )
    return with_mod_97(country, bban)


JOINTS = st.sampled_from([" ", "-", ".", "/", "_", " - ", "  ", "\u00a0", "\u202f", "–", "\u200b"])
HEADS = st.sampled_from(["", "", "IBAN ", "IBAN: ", "iban.", " "])


@given(ibans(), JOINTS | st.just(""), HEADS)
def test_any_iban_is_kept_in_one_piece_and_costs_no_warning_however_it_is_printed(
    iban: str, joint: str, head: str
) -> None:
    loaded, warnings = load(f"{head}{grouped(iban, 4).replace(' ', joint)}", name="Ana")
    assert (loaded.counterparty, warnings) == ({"name": "Ana", "account": iban}, [])
    assert loaded.differing(load(iban, name="Ana")[0]) == []


@given(ibans(), JOINTS | st.just(""), HEADS)
def test_what_an_earlier_release_kept_of_an_iban_is_a_replay_of_it_with_the_same_name_only(
    iban: str, joint: str, head: str
) -> None:
    printed = f"{head}{grouped(iban, 4).replace(' ', joint)}"
    now, _ = load(printed, name="Ana")
    before = dataclasses.replace(now, counterparty={"name": "Ana", "account": cut(normalised(printed), MAX_ACCOUNT)})
    assert now.differing(before) == before.differing(now) == []
    for party in ({**before.counterparty, "name": "Bob"}, {"account": before.counterparty["account"]}, {"name": "Ana"}):
        other = dataclasses.replace(before, counterparty=party)
        assert now.differing(other) == other.differing(now) == ["counterparty"]


@given(ibans(), st.data())
def test_another_account_is_no_replay_even_if_it_was_cut(iban: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(2, min(len(iban), MAX_ACCOUNT - MAX_ACCOUNT // 5) - 1))
    other = data.draw(st.sampled_from([one for one in "0123456789" if one != iban[place]]))
    changed = cut(grouped(f"{iban[:place]}{other}{iban[place + 1 :]}", 4), MAX_ACCOUNT)
    assert not is_same_account(iban, changed)
    assert not is_same_account(changed, iban)


def test_the_beginning_of_an_iban_is_another_account_if_it_was_not_cut() -> None:
    iban = MALTA.replace(" ", "")
    assert is_same_account(iban, MALTA[:34])
    assert not is_same_account(iban, MALTA[:32])
    assert not is_same_account(iban, iban[:30])


@pytest.mark.parametrize(
    "account",
    [
        "10020030/1234567",
        "37040044 0532013000",
        "DE88 3704 0044 0532 0130 00",  # wrong check digits
        "DE89 3704 0044 0532 0130 000",
        "ZZ89 3704 0044 0532 0130 00",
        "RF18 5390 0754 7034",
        "IBAN",
        "IBAN-1",
        "É-1",
    ],
)
def test_any_other_number_is_kept_as_it_was_sent(account: str) -> None:
    assert iban_of(account) is None
    assert as_account_number(account) == account
    assert load(account)[0].counterparty == {"account": account}
    assert not is_same_account(account, "".join(filter(str.isalnum, account)) + "0")


def test_a_text_that_is_too_long_to_be_an_iban_is_cut() -> None:
    loaded, warnings = load(f"{MALTA}{' .' * 100}")
    assert (loaded.counterparty, len(warnings)) == ({"account": MALTA[:34]}, 1)
