"""A transaction's body is checked in a bounded number of steps: what informs is put aside, what moves money refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.api.transaction_body import STEPS_OF_FIELD, read_transaction
from chalicelib.errors import CardNumberRefused, MalformedBody, ValidationFailed
from chalicelib.ledger.informing import UNSEARCHED, Warnings
from chalicelib.ledger.posted import INFORMING, load_transaction

SMALLEST = {"id": "1", "account": "A123", "amount": 250, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}
NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
DIGITS = "4112 " * 2_000
VALUES = ["x"] * 1_000
WORDS = "Achat par carte à la boulangerie Akwa, le 10 janvier 2026 à 12:30."
CARD = "4111111111111111"


def read(**fields: Any) -> dict[str, Any]:
    return read_transaction(json.dumps({**fields, **SMALLEST}).encode())


@pytest.mark.parametrize("field", sorted(INFORMING))
@pytest.mark.parametrize("value", [DIGITS, VALUES, {"name": DIGITS}, {"a": VALUES}, {str(n): "" for n in range(1_000)}])
def test_a_field_that_informs_is_put_aside_and_the_others_are_kept(field: str, value: Any) -> None:
    others = {"description": "Café", "reference": "r-1"}
    others.pop(field, None)
    body = read(**others, **{field: value})
    assert body[field] is UNSEARCHED
    warnings: Warnings = []
    found = load_transaction(body, "bank", "XAF", NOW, warnings)
    assert [name for name, _ in warnings] == [field]
    assert {name: getattr(found, name) for name in (*others, field)} == {**others, field: None}
    with pytest.raises(ValidationFailed) as refusal:  # with strict handling
        load_transaction(body, "bank", "XAF", NOW, None)
    assert [name for name, _ in refusal.value.errors] == [field]


@pytest.mark.parametrize(
    "value",
    [
        {
            f"key {number}": "Achat par carte à la boulangerie Akwa, le 10 janvier 2026 à 12:30. " * 4
            for number in range(20)
        },
        {f"IBAN {number}": "FR14 2004 1010 0505 0001 3M02 607 x" for number in range(12)},
        {f"{number}": "73282932000074" for number in range(20)},
    ],
    ids=["words", "IBANs", "SIRETs"],
)
def test_all_that_a_bank_has_reason_to_send_is_searched(value: dict[str, str]) -> None:
    assert read(metadata=value)["metadata"] == value


@pytest.mark.parametrize("field", ["id", "amount", "timestamp", "card_last4", "original", "extra"])
@pytest.mark.parametrize("value", [DIGITS, VALUES, {"rate": DIGITS}])
def test_any_other_field_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        read_transaction(json.dumps({**SMALLEST, field: value}).encode())
    assert [name for name, _ in refusal.value.errors] == [field]


def test_a_name_that_can_not_be_searched_is_not_told() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        read(**{DIGITS: 1})
    assert refusal.value.errors == [("", "Unknown field.")]


def test_a_card_number_that_comes_within_the_steps_is_refused_and_one_behind_them_is_not_kept() -> None:
    with pytest.raises(CardNumberRefused):
        read(description=f"{CARD} and {DIGITS[:100]}")
    with pytest.raises(CardNumberRefused):
        read(description=f"{WORDS * 500} {CARD} {WORDS * 500}")
    assert read(description=f"{DIGITS} {CARD}")["description"] is UNSEARCHED
    assert STEPS_OF_FIELD.keys() == INFORMING


def test_what_is_no_transaction_is_refused_however_much_it_is() -> None:
    with pytest.raises(MalformedBody):
        read_transaction(b'{"a": 1, "b": ' + json.dumps(VALUES).encode() + b', "a": 2}')
