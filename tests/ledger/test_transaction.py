"""A transaction's forms: as it is stored, and as JSON."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import from_item
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.stored_form import transaction_from_item, transaction_item, transaction_of_values
from chalicelib.ledger.transaction import Transaction, from_json, to_json, well_formed
from tests.strategies import transactions

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
SMALLEST = Transaction(
    bank="eazycard",
    id="1",
    account="A123",
    amount=Decimal(250),
    type="credit",
    timestamp=NOW,
    currency="XAF",
    recorded_at=NOW,
)


def answered(**changes: Any) -> dict[str, Any]:
    return to_json(dataclasses.replace(SMALLEST, **changes))


@given(transactions())
def test_any_transaction_comes_back_whole_from_its_stored_form(transaction: Transaction) -> None:
    assert transaction_from_item(transaction_item(transaction)) == transaction


@given(transactions())
def test_any_transaction_comes_back_whole_from_its_json_form(transaction: Transaction) -> None:
    written = json.dumps(to_json(transaction))
    assert from_json(json.loads(written), transaction.bank) == transaction


@given(transactions(), st.integers(-14 * 60, 14 * 60))
def test_any_transaction_posted_as_it_was_answered_in_any_offset_is_a_replay(
    transaction: Transaction, offset_minutes: int
) -> None:
    offset = timezone(timedelta(minutes=offset_minutes))
    answered = to_json(transaction)
    del answered["recorded_at"]
    answered["timestamp"] = transaction.timestamp.astimezone(offset).isoformat()
    again = load_transaction(answered, transaction.bank, "XAF", NOW)
    assert again.differing(transaction) == []
    assert again.id == transaction.id


@given(transactions())
def test_amounts_are_answered_as_exact_strings_with_all_of_the_currencys_decimals(transaction: Transaction) -> None:
    answered = to_json(transaction)["amount"]
    assert Decimal(answered) == transaction.amount
    assert len(answered.partition(".")[2]) == CURRENCY_DECIMALS[transaction.currency]


@given(transactions(), transactions())
def test_the_listing_order_of_stored_items_is_the_order_of_time(one: Transaction, other: Transaction) -> None:
    assume(one.timestamp != other.timestamp)
    keys = [transaction_item(transaction)["timestamp_key"]["S"] for transaction in (one, other)]
    assert (keys[0] < keys[1]) == (one.timestamp < other.timestamp)


def test_times_are_answered_in_utc_with_a_fraction_only_where_there_is_one() -> None:
    at_one = NOW.astimezone(timezone(timedelta(hours=1)))
    assert answered(timestamp=at_one)["timestamp"] == "2026-01-10T14:00:00Z"
    assert answered(timestamp=NOW + timedelta(milliseconds=250))["timestamp"] == "2026-01-10T14:00:00.250000Z"


@pytest.mark.parametrize(
    ("original", "found"),
    [
        ({"amount": Decimal("10.5"), "currency": "USD"}, {"amount": "10.50", "currency": "USD"}),
        ({"amount": Decimal("1E+2"), "currency": "XAF"}, {"amount": "100", "currency": "XAF"}),
        ({"amount": Decimal("10.50")}, {"amount": "10.5"}),
        ({"rate": Decimal("655.9570")}, {"rate": "655.957"}),
        ({"rate": Decimal("1E-7")}, {"rate": "0.0000001"}),
    ],
)
def test_what_was_converted_is_answered_in_one_form(original: dict[str, Any], found: dict[str, str]) -> None:
    assert answered(original=original)["original"] == found


def test_what_was_not_given_is_not_answered() -> None:
    assert to_json(SMALLEST) == {
        "id": "1",
        "account": "A123",
        "amount": "250",
        "type": "credit",
        "timestamp": "2026-01-10T14:00:00Z",
        "currency": "XAF",
        "status": "settled",
        "recorded_at": "2026-01-10T14:00:00Z",
    }


@pytest.mark.parametrize("field", ["amount", "balance", "timestamp", "recorded_at"])
def test_a_malformed_json_form_raises(field: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, ArithmeticError)):
        from_json({**to_json(SMALLEST), field: "?"}, "eazycard")


def test_a_json_form_without_its_id_raises() -> None:
    values = to_json(SMALLEST)
    del values["id"]
    with pytest.raises(TypeError):
        from_json(values, "eazycard")


MALFORMED: tuple[dict[str, Any], ...] = (
    {"merchant": "none"},
    {"merchant": {"name": Decimal(5)}},
    {"counterparty": ["none"]},
    {"metadata": {"key": None}},
    {"description": {}},
    {"reference": Decimal(1)},
    {"decline_reason": True},
    {"authorization_id": Decimal(1)},
    {"reversal_of": ["1"]},
    {"card_last4": Decimal(1234)},
    {"balance": "1"},
    {"balance": Decimal("Infinity")},
    {"original": "12 USD"},
    {"original": {"currency": "???"}},
    {"original": {"rate": Decimal("NaN")}},
    {"original": {"amount": []}},
    {"original": {"amount": "twelve"}},
    {"account": None},
    {"bank": None},
    {"notify": None},
    {"timestamp": "2026-01-10T14:00:00"},
    {"recorded_at": "2026-01-10T14:00:00"},
    {"amount": "twelve"},
    {"amount": Decimal(-1)},
    {"amount": Decimal(0)},
    {"account": Decimal(1)},
    {"currency": "???"},
    {"type": "gift"},
    {"status": "unknown"},
    {"notify": "yes"},
    {"booking_date": "2026-02-30"},
)


@pytest.mark.parametrize("changed", MALFORMED, ids=str)
def test_what_no_step_could_hold_is_malformed_when_it_is_read(changed: dict[str, Any]) -> None:
    stored = from_item(transaction_item(SMALLEST))
    with pytest.raises((TypeError, ValueError, ArithmeticError)):
        transaction_of_values(stored | changed)
    # JSON has amounts as texts, and the bank isn't in it.
    if "Decimal" not in repr(changed) and changed not in ({"balance": "1"}, {"bank": None}):
        with pytest.raises((TypeError, ValueError, ArithmeticError)):
            from_json(to_json(SMALLEST) | changed, "eazycard")


@given(transactions())
def test_what_the_api_accepts_is_well_formed(transaction: Transaction) -> None:
    assert well_formed(transaction) is transaction
