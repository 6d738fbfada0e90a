"""The rules of a bank's settings: each field that breaks one is refused by its dotted name."""

from typing import Any

import pytest

from chalicelib.banks.thresholds import MAX_RECENT
from chalicelib.errors import ValidationFailed
from tests.bank_settings import load


def refused(body: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as error:
        load(body)
    return dict(error.value.errors)


WHOLE_NUMBER = "Must be a whole number from {} to {}."


def test_no_more_attempts_can_be_asked_for_than_a_baseline_remembers() -> None:
    assert load({"flags": {"velocity": {"count": MAX_RECENT - 1}}}).thresholds.velocity_count == MAX_RECENT - 1
    assert refused({"flags": {"velocity": {"count": MAX_RECENT}}})


@pytest.mark.parametrize(
    ("flag", "name", "value", "message"),
    [
        ("velocity", "mode", "maybe", "Must be one of: on, shadow, off."),
        ("velocity", "mode", None, "Must not be null."),
        ("velocity", "count", 0, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", 2.5, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", "5", WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", True, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", [], WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", 1e300, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "minutes", 61, WHOLE_NUMBER.format(1, 60)),
        ("velocity", "seconds", 5, "Unknown field."),
        ("unusual_amount", "times", "0.9", "Must be from 1 to 100."),
        ("unusual_amount", "times", 101, "Must be from 1 to 100."),
        ("unusual_amount", "times", "3.125", "Must have at most 2 decimals."),
        ("unusual_amount", "times", "three", "Must be a number like 250.50, or a string that holds one."),
        ("unusual_amount", "deviations", -1, "Must be from 0 to 100."),
        ("unusual_amount", "min_count", 1, WHOLE_NUMBER.format(2, 1000)),
        ("duplicate_suspect", "minutes", 0, WHOLE_NUMBER.format(1, 60)),
        ("new_country", "min_count", 1001, WHOLE_NUMBER.format(1, 1000)),
        ("large_amount", "thresholds", {"EUR": 0}, "Must be over 0."),
        ("large_amount", "thresholds", {"EUR": "1.005"}, "EUR has 2 decimals: must have no more."),
        ("large_amount", "thresholds", {"XAF": "1.5"}, "XAF has 0 decimals: must have no more."),
        ("large_amount", "thresholds", {"XXX": 1}, "Must be an active ISO 4217 code, like XAF or EUR."),
        ("large_amount", "thresholds", [], "Must be an object."),
    ],
)
def test_a_rule_that_is_broken_is_named_with_its_dotted_field(flag: str, name: str, value: Any, message: str) -> None:
    field = f"flags.{flag}.{name}"
    if isinstance(value, dict):
        field = f"{field}.{next(iter(value))}"
    assert refused({"flags": {flag: {name: value}}}) == {field: message}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"flag": {}}, "flag"),
        ({"flags": {"theft": {}}}, "flags.theft"),
        ({"flags": []}, "flags"),
        ({"flags": {"velocity": 5}}, "flags.velocity"),
        ({"flags": None}, "flags"),
        ({"digest_after": 0}, "digest_after"),
        ({"digest_after": 1001}, "digest_after"),
        ({"digest_after": "20"}, "digest_after"),
        ({"digest_after": None}, "digest_after"),
        ({"alert_addresses": None}, "alert_addresses"),
        ({"alert_addresses": "fraud@bank.example"}, "alert_addresses"),
        ({"alert_addresses": ["fraud@bank.example", "fraud"]}, "alert_addresses.1"),
        ({"alert_addresses": ["fraud@localhost"]}, "alert_addresses.0"),
        ({"alert_addresses": ["é@bank.example"]}, "alert_addresses.0"),
        ({"alert_addresses": ["Fraud@bank.example", "fraud@Bank.example"]}, "alert_addresses"),
        ({"alert_addresses": [f"fraud-{n}@bank.example" for n in range(11)]}, "alert_addresses"),
    ],
)
def test_another_shape_is_refused_naming_the_field(body: Any, field: str) -> None:
    assert list(refused(body)) == [field]


def test_all_that_is_wrong_is_named_at_once() -> None:
    body = {"flags": {"velocity": {"count": 0, "mode": "x"}, "new_country": {"min_count": 0}}, "alert_addresses": [1]}
    assert set(refused(body)) == {
        "flags.velocity.count",
        "flags.velocity.mode",
        "flags.new_country.min_count",
        "alert_addresses.0",
    }
