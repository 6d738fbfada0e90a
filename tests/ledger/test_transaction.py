"""The rules of a posted transaction, field by field, and its forms."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.api.json_body import read_json
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.fields import STATUSES, TYPES
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.repository import transaction_from_item, transaction_item
from chalicelib.ledger.transaction import Transaction, from_json, load_transaction, to_json
from tests.strategies import transactions

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
SMALLEST = {"id": "1", "account": "A123", "amount": 250, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}

IDENTIFIER = "Must be 1 to 64 characters of A-Z a-z 0-9 . _ -"
NUMBER = "Must be a number, or a string that holds one."
DIGITS = "Must have at most 15 digits before the decimal point."
POSITIVE = "Must be over 0."
RFC_3339 = "Must be an RFC 3339 date and time with an offset, like 2026-01-10T14:00:00Z."
CALENDAR = "Is no date and time of the calendar."
AHEAD = "Must be at most 5 minutes ahead of now."
STRING = "Not a valid string."
ABSENT = "Missing data for required field."
NULL = "Field may not be null."
UNKNOWN = "Unknown field."
CURRENCY = "Must be an active ISO 4217 code, like XAF or EUR."


def read(body: str, now: datetime = NOW, currency: str = "XAF") -> Transaction:
    return load_transaction(read_json(body.encode()), "eazycard", currency, now)


def load(now: datetime = NOW, **changes: Any) -> Transaction:
    return read(json.dumps({**SMALLEST, **changes}), now)


def errors(body: str, now: datetime = NOW) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refusal:
        read(body, now)
    return refusal.value.errors


def errors_of(**changes: Any) -> list[tuple[str, str]]:
    return errors(json.dumps({**SMALLEST, **changes}))


def with_literal(field: str, literal: str, **changes: Any) -> str:
    """Return a body in which `field` has this JSON literal, character for character."""
    rest = json.dumps({name: value for name, value in {**SMALLEST, **changes}.items() if name != field})
    return f'{rest[:-1]}, "{field}": {literal}}}'


def test_the_smallest_transaction_is_enough() -> None:
    assert load() == Transaction(
        bank="eazycard",
        id="1",
        account="A123",
        amount=Decimal(250),
        type="credit",
        timestamp=NOW,
        currency="XAF",
        status="settled",
        recorded_at=NOW,
    )


@pytest.mark.parametrize("field", SMALLEST)
def test_what_the_smallest_transaction_has_is_required(field: str) -> None:
    body = {name: value for name, value in SMALLEST.items() if name != field}
    assert errors(json.dumps(body)) == [(field, ABSENT)]
    assert errors_of(**{field: None}) == [(field, NULL)]


@pytest.mark.parametrize("field", ["id", "account", "authorization_id"])
@pytest.mark.parametrize("value", ["a", "A-b_c.9", "x" * 64, "..", "-"])
def test_an_id_has_1_to_64_letters_digits_and_dot_dash_underscore(field: str, value: str) -> None:
    assert getattr(load(**{field: value}), field) == value


@pytest.mark.parametrize("field", ["id", "account", "authorization_id"])
@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "a/b", "a#b", "é", "١", "a%20", " a", "a\u200b", "😀"])
def test_another_id_is_refused(field: str, value: str) -> None:
    assert errors_of(**{field: value}) == [(field, IDENTIFIER)]


@pytest.mark.parametrize("field", ["id", "account", "type", "currency", "status", "description", "card_last4"])
@pytest.mark.parametrize("value", [1, True, [], {}, ["a"]])
def test_a_text_field_takes_strings_only(field: str, value: Any) -> None:
    assert errors_of(**{field: value}) == [(field, STRING)]


@pytest.mark.parametrize(
    ("literal", "currency", "amount"),
    [
        ("250", "XAF", "250"),
        ('"250"', "XAF", "250"),
        ("2.5e2", "XAF", "250"),
        ("250.5", "EUR", "250.50"),
        ("250.50", "EUR", "250.50"),
        ('"250.50"', "EUR", "250.50"),
        ("2505e-1", "EUR", "250.50"),
        ('"2505E-1"', "EUR", "250.50"),
        ("0.01", "EUR", "0.01"),
        ("0.1", "KWD", "0.100"),
        ("1.234", "KWD", "1.234"),
        ("1.2345", "CLF", "1.2345"),
        ("999999999999999", "XAF", "999999999999999"),
        ("999999999999999.999", "TND", "999999999999999.999"),
        ('"378282246310005"', "XAF", "378282246310005"),  # passes the card's check digit by chance
    ],
)
def test_an_amount_is_read_exactly_from_a_number_or_a_string(literal: str, currency: str, amount: str) -> None:
    loaded = read(with_literal("amount", literal, currency=currency))
    assert loaded.amount == Decimal(amount)
    assert to_json(loaded)["amount"] == amount


@pytest.mark.parametrize(
    ("literal", "message"),
    [
        ("0", POSITIVE),
        ("-0", POSITIVE),
        ("0.00", POSITIVE),
        ("-1", POSITIVE),
        ('"-1"', POSITIVE),
        ("1000000000000000", DIGITS),
        ('"1000000000000000"', DIGITS),
        ("1e15", DIGITS),
        ("1e400", DIGITS),
        ('"1e400"', DIGITS),
        ("1e999999999999", DIGITS),
        ("true", NUMBER),
        ("false", NUMBER),
        ('""', NUMBER),
        ('" 1"', NUMBER),
        ('"1 "', NUMBER),
        ('"+1"', NUMBER),
        ('"01"', NUMBER),
        ('"1_000"', NUMBER),
        ('"1,000"', NUMBER),
        ('"1."', NUMBER),
        ('".5"', NUMBER),
        ('"NaN"', NUMBER),
        ('"Infinity"', NUMBER),
        ('"0x10"', NUMBER),
        ('"١٢"', NUMBER),
        ('"１２"', NUMBER),
        ('"1e"', NUMBER),
        ('"1e9999"', NUMBER),
        ("[]", NUMBER),
        ("[1]", NUMBER),
        ("{}", NUMBER),
        ('"a"', NUMBER),
    ],
)
def test_an_amount_that_is_no_positive_number_of_at_most_15_digits_is_refused(literal: str, message: str) -> None:
    assert errors(with_literal("amount", literal)) == [("amount", message)]


@pytest.mark.parametrize(
    ("currency", "literal"),
    [
        ("XAF", "250.5"),
        ("XAF", "250.0"),
        ("XOF", '"1.1"'),
        ("JPY", "0.5"),
        ("EUR", "0.001"),
        ("EUR", "1.000"),
        ("EUR", "1e-3"),
        ("USD", '"1.234"'),
        ("KWD", "0.0001"),
        ("TND", "1e-400"),
        ("EUR", "1e-999999999"),
    ],
)
@pytest.mark.parametrize("field", ["amount", "balance"])
def test_more_decimals_than_the_currency_has_are_refused_as_they_are_written(
    field: str, currency: str, literal: str
) -> None:
    message = f"{currency} has {CURRENCY_DECIMALS[currency]} decimals: must have no more."
    assert errors(with_literal(field, literal, currency=currency)) == [(field, message)]


def test_the_banks_own_currency_bounds_the_decimals_when_none_is_given() -> None:
    assert errors(with_literal("amount", "250.50")) == [("amount", "XAF has 0 decimals: must have no more.")]
    assert read(with_literal("amount", "250.50"), currency="EUR").amount == Decimal("250.50")


@pytest.mark.parametrize(("literal", "balance"), [("-12.50", "-12.50"), ("0", "0.00"), ("-0", "0.00"), ('"3"', "3.00")])
def test_a_balance_may_be_negative_or_zero(literal: str, balance: str) -> None:
    assert to_json(read(with_literal("balance", literal, currency="EUR")))["balance"] == balance


@pytest.mark.parametrize(("literal", "message"), [("1e15", DIGITS), ('"x"', NUMBER), ("null", NULL), ("true", NUMBER)])
def test_another_balance_is_refused(literal: str, message: str) -> None:
    assert errors(with_literal("balance", literal)) == [("balance", message)]


@pytest.mark.parametrize("value", TYPES)
def test_a_type_is_credit_or_debit(value: str) -> None:
    assert load(type=value).type == value


@pytest.mark.parametrize("value", ["", "Credit", "DEBIT", "refund", "credit "])
def test_another_type_is_refused(value: str) -> None:
    assert errors_of(type=value) == [("type", "Must be one of: credit, debit.")]


@pytest.mark.parametrize("value", STATUSES)
def test_a_status_is_one_of_four(value: str) -> None:
    assert load(status=value).status == value


@pytest.mark.parametrize("value", ["", "Settled", "pending"])
def test_another_status_is_refused(value: str) -> None:
    assert errors_of(status=value) == [("status", "Must be one of: settled, authorized, reversed, declined.")]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-10T14:00:00Z", NOW),
        ("2026-01-10t14:00:00z", NOW),
        ("2026-01-10T15:00:00+01:00", NOW),
        ("2026-01-11T04:00:00+14:00", NOW),
        ("2026-01-10T02:00:00-12:00", NOW),
        ("2026-01-10T14:00:00-00:00", NOW),
        ("2026-01-10T14:00:00.5Z", NOW + timedelta(milliseconds=500)),
        ("2026-01-10T14:00:00.123456Z", NOW + timedelta(microseconds=123456)),
        ("2026-01-10T14:00:00.123456789Z", NOW + timedelta(microseconds=123456)),
        ("2026-01-10T14:00:00.123456789012Z", NOW + timedelta(microseconds=123456)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("1993-01-01T00:00:00Z", datetime(1993, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T14:00:00+14:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_timestamp_is_rfc_3339_in_any_offset_and_kept_in_utc(text: str, moment: datetime) -> None:
    loaded = load(timestamp=text).timestamp
    assert loaded == moment
    assert loaded.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-01-10T14:00:00", RFC_3339),
        ("2026-01-10", RFC_3339),
        ("2026-01-10 14:00:00Z", RFC_3339),
        ("2026-01-10T14:00Z", RFC_3339),
        ("20260110T140000Z", RFC_3339),
        ("2026-W02-6T14:00:00Z", RFC_3339),
        ("2026-010T14:00:00Z", RFC_3339),
        ("2026-01-10T24:00:00Z", RFC_3339),
        ("2026-01-10T14:60:00Z", RFC_3339),
        ("2026-01-10T14:00:00,5Z", RFC_3339),
        ("2026-01-10T14:00:00.Z", RFC_3339),
        ("2026-01-10T14:00:00+01", RFC_3339),
        ("2026-01-10T14:00:00+0100", RFC_3339),
        ("2026-01-10T14:00:00+24:00", RFC_3339),
        ("2026-01-10T14:00:00+01:60", RFC_3339),
        ("2026-01-10T14:00:00 UTC", RFC_3339),
        (" 2026-01-10T14:00:00Z", RFC_3339),
        ("2026-01-10T14:00:00Z ", RFC_3339),
        ("٢٠٢٦-01-10T14:00:00Z", RFC_3339),
        ("+2026-01-10T14:00:00Z", RFC_3339),
        ("12026-01-10T14:00:00Z", RFC_3339),
        ("", RFC_3339),
        ("now", RFC_3339),
        ("1768053600", RFC_3339),
        (1768053600, RFC_3339),
        (True, RFC_3339),
        ([], RFC_3339),
        ("2016-12-31T23:59:60Z", CALENDAR),  # a leap second: no clock that computes with times has it
        ("2026-02-29T14:00:00Z", CALENDAR),
        ("2026-13-01T14:00:00Z", CALENDAR),
        ("2026-00-01T14:00:00Z", CALENDAR),
        ("2026-01-32T14:00:00Z", CALENDAR),
        ("0000-01-01T00:00:00Z", CALENDAR),
        ("0001-01-01T13:59:59+14:00", CALENDAR),
        ("9999-12-31T23:59:59-00:01", CALENDAR),
        ("9999-12-31T23:59:59Z", AHEAD),
    ],
)
def test_another_timestamp_is_refused(text: Any, message: str) -> None:
    assert errors_of(timestamp=text) == [("timestamp", message)]


def test_a_timestamp_may_be_5_minutes_ahead_and_not_a_microsecond_more() -> None:
    assert load(timestamp="2026-01-10T14:05:00Z").timestamp == NOW + timedelta(minutes=5)
    assert load(timestamp="2026-01-10T15:05:00.000000999+01:00").timestamp == NOW + timedelta(minutes=5)
    assert errors_of(timestamp="2026-01-10T14:05:00.000001Z") == [("timestamp", AHEAD)]


@pytest.mark.parametrize("value", ["EUR", "XAF", "KWD", "ZWG"])
def test_a_currency_is_an_active_iso_4217_code(value: str) -> None:
    assert load(currency=value).currency == value


@pytest.mark.parametrize("value", ["", "eur", "EURO", "FRF", "XXX", "XAU", "XTS", "978", "ZZZ"])
def test_another_currency_is_refused_and_nothing_is_said_of_decimals(value: str) -> None:
    assert errors_of(currency=value, amount="1.23456") == [("currency", CURRENCY)]


@pytest.mark.parametrize(
    "merchant",
    [
        {},
        {"name": "Marché Mokolo"},
        {"name": "x" * 140, "mcc": "0742", "city": "Yaoundé", "country": "CM"},
        {"name": "日" * 140},
        {"country": "AX"},
    ],
)
def test_a_merchant_has_any_of_four_fields(merchant: dict[str, str]) -> None:
    assert load(merchant=merchant).merchant == merchant


@pytest.mark.parametrize(
    ("merchant", "field", "message"),
    [
        ({"name": ""}, "merchant.name", "Length must be between 1 and 140."),
        ({"name": "x" * 141}, "merchant.name", "Length must be between 1 and 140."),
        ({"name": 1}, "merchant.name", STRING),
        ({"mcc": "123"}, "merchant.mcc", "Must be 4 digits (ISO 18245)."),
        ({"mcc": "12345"}, "merchant.mcc", "Must be 4 digits (ISO 18245)."),
        ({"mcc": "١٢٣٤"}, "merchant.mcc", "Must be 4 digits (ISO 18245)."),
        ({"mcc": 5411}, "merchant.mcc", STRING),
        ({"city": "x" * 101}, "merchant.city", "Length must be between 1 and 100."),
        ({"country": "cm"}, "merchant.country", "Must be an ISO 3166-1 alpha-2 code."),
        ({"country": "CMR"}, "merchant.country", "Must be an ISO 3166-1 alpha-2 code."),
        ({"country": "UK"}, "merchant.country", "Must be an ISO 3166-1 alpha-2 code."),
        ({"x": 1}, "merchant.x", UNKNOWN),
        ([], "merchant", "Invalid input type."),
        ("shop", "merchant", "Invalid input type."),
        (None, "merchant", NULL),
    ],
)
def test_another_merchant_is_refused(merchant: Any, field: str, message: str) -> None:
    assert errors_of(merchant=merchant) == [(field, message)]


def test_a_description_has_up_to_280_characters() -> None:
    for description in ("", "é" * 280, "😀" * 280, "<b>&amp;"):
        assert load(description=description).description == description
    assert errors_of(description="x" * 281) == [("description", "Longer than maximum length 280.")]


def test_card_last4_has_4_digits() -> None:
    assert load(card_last4="0042").card_last4 == "0042"
    for value in ("", "123", "12345", "12a4", "١٢٣٤", "1234\u200b"):
        assert errors_of(card_last4=value) == [("card_last4", "Must be the last 4 digits.")]


def test_metadata_has_up_to_20_pairs_of_up_to_256_characters() -> None:
    for metadata in ({}, {"k": ""}, {"é" * 256: "😀" * 256}, {f"k{number}": "v" for number in range(20)}):
        assert load(metadata=metadata).metadata == metadata


@pytest.mark.parametrize(
    ("metadata", "field", "message"),
    [
        ({f"k{number}": "v" for number in range(21)}, "metadata", "Must have at most 20 entries."),
        ({"k": "x" * 257}, "metadata.k", "Longer than maximum length 256."),
        ({"k" * 257: "x"}, f"metadata.{'k' * 257}", "Length must be between 1 and 256."),
        ({"": "x"}, "metadata.", "Length must be between 1 and 256."),
        ({"k": 1}, "metadata.k", STRING),
        ({"k": True}, "metadata.k", STRING),
        ({"k": None}, "metadata.k", NULL),
        ({"k": {"deep": "er"}}, "metadata.k", STRING),
        ({"value": ["x"]}, "metadata.value", STRING),
        ([], "metadata", "Not a valid mapping type."),
        ("k=v", "metadata", "Not a valid mapping type."),
        (None, "metadata", NULL),
    ],
)
def test_another_metadata_is_refused_naming_the_pair(metadata: Any, field: str, message: str) -> None:
    assert errors_of(metadata=metadata) == [(field, message)]


@pytest.mark.parametrize("field", ["Amount", "amount ", "fee", "bank", "recorded_at", "_schema", "", "x" * 300])
def test_an_unknown_field_is_named(field: str) -> None:
    assert errors_of(**{field: "a secret"}) == [(field, UNKNOWN)]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = errors_of(id="a b", amount=-1, timestamp="2026-01-10T15:00:00Z", currency="eur", merchant={"mcc": "1"}, x=1)
    assert sorted(field for field, _ in found) == ["amount", "currency", "id", "merchant.mcc", "timestamp", "x"]


@given(st.sampled_from([*SMALLEST, "currency", "status", "balance", "merchant", "metadata"]), st.text())
def test_no_error_repeats_what_was_sent(field: str, value: str) -> None:
    body = {**SMALLEST, field: f"secret {value}"}
    with pytest.raises(ValidationFailed) as refusal:
        load_transaction(body, "eazycard", "XAF", NOW)
    assert "secret" not in str([str(refusal.value), refusal.value.errors])


SAME = with_literal("amount", "250.5", currency="EUR", balance="10.00")


@pytest.mark.parametrize(
    "again",
    [
        SAME,
        with_literal("amount", "250.50", currency="EUR", balance=10),
        with_literal("amount", '"250.50"', currency="EUR", balance="10"),
        with_literal("amount", "2505e-1", currency="EUR", balance="1e1"),
        with_literal("amount", "250.5", currency="EUR", balance="10.0", status="settled"),
        with_literal("amount", "250.5", currency="EUR", balance="10", timestamp="2026-01-10T15:00:00+01:00"),
        with_literal("amount", "250.5", currency="EUR", balance="10", timestamp="2026-01-10t14:00:00.000000000z"),
    ],
)
def test_the_same_content_in_another_spelling_differs_in_nothing(again: str) -> None:
    assert read(again, NOW + timedelta(hours=1)).differing(read(SAME)) == []


def test_the_banks_own_currency_is_the_same_as_none() -> None:
    assert load().differing(load(currency="XAF")) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "A124"),
        ("amount", 251),
        ("type", "debit"),
        ("timestamp", "2026-01-10T14:00:00.000001Z"),
        ("currency", "JPY"),
        ("status", "declined"),
        ("authorization_id", "a1"),
        ("merchant", {"name": "x"}),
        ("description", ""),
        ("balance", 0),
        ("card_last4", "4242"),
        ("metadata", {"k": "v"}),
    ],
)
def test_another_content_differs_in_that_field(field: str, value: Any) -> None:
    assert load(**{field: value}).differing(load()) == [field]
    assert load().differing(load(**{field: value})) == [field]


def test_all_differing_fields_are_named_in_order() -> None:
    assert load(type="debit", amount=3, account="B").differing(load()) == ["account", "amount", "type"]


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
    assert to_json(load(timestamp="2026-01-10T15:00:00+01:00"))["timestamp"] == "2026-01-10T14:00:00Z"
    assert to_json(load(timestamp="2026-01-10T14:00:00.25Z"))["timestamp"] == "2026-01-10T14:00:00.250000Z"


def test_what_was_not_given_is_not_answered() -> None:
    assert to_json(load()) == {
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
        from_json({**to_json(load()), field: "?"}, "eazycard")


def test_a_json_form_without_its_id_raises() -> None:
    values = to_json(load())
    del values["id"]
    with pytest.raises(TypeError):
        from_json(values, "eazycard")
