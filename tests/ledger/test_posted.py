"""The rules of a posted transaction, field by field: what is refused, and what is left out with a warning."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.transaction_body import read_transaction
from chalicelib.errors import CardNumberRefused, ValidationFailed
from chalicelib.ledger.informing import Warnings
from chalicelib.ledger.money import CURRENCY_DECIMALS, plain
from chalicelib.ledger.posted import INFORMING, MAX_RATE_DECIMALS, TransactionSchema, load_transaction
from chalicelib.ledger.stored_form import transaction_from_item, transaction_item
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction, to_json
from chalicelib.ledger.wording import UNREADABLE
from tests.sizes import size

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
SMALLEST = {"id": "1", "account": "A123", "amount": 250, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}

IDENTIFIER = "Must be 1 to 64 characters of A-Z a-z 0-9 . _ -, at least one of them a letter or digit."
NUMBER = "Must be a number like 250.50, or a string that holds one."
DIGITS = "Must have at most 15 digits before the decimal point."
POSITIVE = "Must be over 0."
RFC_3339 = "Must be an RFC 3339 date and time with an offset, like 2026-01-10T14:00:00Z."
CALENDAR = "Is no date and time of the calendar."
AHEAD = "Must be at most 5 minutes ahead of now."
EARLY = "Must not be before 1970."
STRING = "Must be a text: a JSON string."
ABSENT = "Is required."
NULL = "Must not be null."
UNKNOWN = "Unknown field."
CURRENCY = "Must be an active ISO 4217 code, like XAF or EUR."


def read(body: str, now: datetime = NOW, currency: str = "XAF", warnings: Warnings | None = None) -> Transaction:
    """Return the transaction of a body, read strictly unless there is a list for warnings."""
    return load_transaction(read_transaction(body.encode()), "eazycard", currency, now, warnings)


def load(now: datetime = NOW, **changes: Any) -> Transaction:
    return read(json.dumps({**SMALLEST, **changes}), now)


def errors(body: str, now: datetime = NOW) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refusal:
        read(body, now)
    return refusal.value.errors


def errors_of(**changes: Any) -> list[tuple[str, str]]:
    return errors(json.dumps({**SMALLEST, **changes}))


def leniently(**changes: Any) -> tuple[Transaction, Warnings]:
    """Return the transaction and the warnings, after seeing that strict handling makes errors of the warnings."""
    warnings: Warnings = []
    loaded = read(json.dumps({**SMALLEST, **changes}), warnings=warnings)
    if warnings:
        assert errors_of(**changes) == warnings
    else:
        assert load(**changes) == loaded
    return loaded, warnings


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


IDS = ["id", "account", "authorization_id", "reversal_of"]


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("value", ["a", "A-b_c.9", "x" * 64, "..a", "-1", "." * 63 + "0"])
def test_an_id_has_1_to_64_letters_digits_and_dot_dash_underscore(field: str, value: str) -> None:
    assert getattr(load(status="reversed", **{field: value}), field) == value


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("value", ["..", ".", "-", "_._", "." * 64])
def test_an_id_has_a_letter_or_digit(field: str, value: str) -> None:
    assert errors_of(status="reversed", **{field: value}) == [(field, IDENTIFIER)]


@pytest.mark.parametrize("field", ["id", "account"])
def test_a_required_id_is_not_empty(field: str) -> None:
    assert errors_of(**{field: ""}) == [(field, IDENTIFIER)]


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("value", ["x" * 65, "a b", "a/b", "a#b", "é", "١", "a%20", " a", "a\u200b", "😀"])
def test_another_id_is_refused(field: str, value: str) -> None:
    assert errors_of(status="reversed", **{field: value}) == [(field, IDENTIFIER)]


@pytest.mark.parametrize("field", [*IDS, "type", "timestamp", "currency", "status", "card_last4", "booking_date"])
@pytest.mark.parametrize("unreadable", ["\0", "\n", "\x85", "\ud800", "\uffff"])
def test_a_control_character_in_what_moves_money_is_refused_naming_the_field(field: str, unreadable: str) -> None:
    named = {"status": "reversed", "type": "credit", "timestamp": "2026-01-10T14:00:00Z", "currency": "XAF"}
    value = {**named, "card_last4": "1234", "booking_date": "2026-01-10"}.get(field, "a") + unreadable
    assert next(name for name, _ in errors_of(**{"status": "reversed", field: value})) == field


@pytest.mark.parametrize("field", ["id", "account", "type", "currency", "status", "card_last4"])
@pytest.mark.parametrize("value", [1, True, [], ["a"], {"a": 1}])
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
        ("XOF", '"1.1"'),
        ("JPY", "0.5"),
        ("EUR", "0.001"),
        ("EUR", "1e-3"),
        ("USD", '"1.234"'),
        ("KWD", "0.0001"),
        ("TND", "1e-400"),
        ("EUR", "1e-999999999"),
    ],
)
@pytest.mark.parametrize("field", ["amount", "balance"])
def test_more_decimals_than_the_currency_has_are_refused(field: str, currency: str, literal: str) -> None:
    message = f"{currency} has {CURRENCY_DECIMALS[currency]} decimals: must have no more."
    assert errors(with_literal(field, literal, currency=currency)) == [(field, message)]


@pytest.mark.parametrize("field", ["amount", "balance"])
@pytest.mark.parametrize(
    ("literal", "currency", "kept"),
    [("250.00", "XAF", "250"), ('"250.000000"', "JPY", "250"), ("1.000", "EUR", "1.00"), ("2500e-1", "XAF", "250")],
)
def test_zeros_at_the_end_of_an_amount_do_not_count(field: str, literal: str, currency: str, kept: str) -> None:
    loaded = read(with_literal(field, literal, currency=currency))
    assert to_json(loaded)[field] == kept
    assert loaded.differing(read(with_literal(field, kept, currency=currency))) == []
    assert transaction_from_item(transaction_item(loaded)) == loaded


def test_the_banks_own_currency_bounds_the_decimals_when_none_is_given() -> None:
    assert errors(with_literal("amount", "250.50")) == [("amount", "XAF has 0 decimals: must have no more.")]
    assert read(with_literal("amount", "250.50"), currency="EUR").amount == Decimal("250.50")


@pytest.mark.parametrize(("literal", "balance"), [("-12.50", "-12.50"), ("0", "0.00"), ("-0", "0.00"), ('"3"', "3.00")])
def test_a_balance_may_be_negative_or_zero(literal: str, balance: str) -> None:
    assert to_json(read(with_literal("balance", literal, currency="EUR")))["balance"] == balance


@pytest.mark.parametrize(("literal", "message"), [("1e15", DIGITS), ('"x"', NUMBER), ("true", NUMBER)])
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


@pytest.mark.parametrize("value", ["Settled", "pending", " settled"])
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
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1970-01-01T14:00:00+14:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1969-12-31T23:00:00-01:00", datetime(1970, 1, 1, tzinfo=UTC)),
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
        ("1969-12-31T23:59:59.999999Z", EARLY),
        ("1970-01-01T00:59:59+01:00", EARLY),
        ("0001-01-01T00:00:00Z", EARLY),
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


def test_a_currency_in_small_letters_is_refused_with_the_right_code() -> None:
    assert errors_of(currency="eur") == [("currency", "Must be in capital letters: EUR.")]


@pytest.mark.parametrize("value", ["EURO", "FRF", "XXX", "XAU", "XTS", "978", "ZZZ"])
def test_another_currency_is_refused_and_nothing_is_said_of_decimals(value: str) -> None:
    assert errors_of(currency=value, amount="1.23456") == [("currency", CURRENCY)]


def test_card_last4_has_4_digits() -> None:
    assert load(card_last4="0042").card_last4 == "0042"
    for value in ("123", "12345", "12a4", "١٢٣٤", "1234\u200b"):
        assert errors_of(card_last4=value) == [("card_last4", "Must be the last 4 digits.")]


@pytest.mark.parametrize("field", ["fee", "bank", "recorded_at", "_schema", "", "x" * 300])
def test_an_unknown_field_is_named(field: str) -> None:
    assert errors_of(**{field: "a secret"}) == [(field, UNKNOWN)]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = errors_of(id="a b", amount=-1, timestamp="2026-01-10T15:00:00Z", currency="eur", merchant={"mcc": "1"}, x=1)
    assert sorted(field for field, _ in found) == ["amount", "currency", "id", "merchant.mcc", "timestamp", "x"]


@given(st.sampled_from([*SMALLEST, "currency", "status", "balance", "merchant", "metadata"]), st.text())
def test_no_error_repeats_what_was_sent(field: str, value: str) -> None:
    body = {**SMALLEST, field: f"secret {value}"}
    warnings: Warnings = []
    try:
        load_transaction(body, "eazycard", "XAF", NOW, warnings)
    except ValidationFailed as refusal:
        warnings += [("", str(refusal)), *refusal.errors]
    assert warnings
    assert "secret" not in str(warnings)


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
        ("description", "x"),
        ("reversal_of", "s1"),
        ("booking_date", "2026-01-10"),
        ("value_date", "2026-01-10"),
        ("original", {"rate": "2"}),
        ("counterparty", {"name": "x"}),
        ("reference", "x"),
        ("decline_reason", "x"),
        ("notify", False),
        ("balance", 0),
        ("card_last4", "4242"),
        ("metadata", {"k": "v"}),
    ],
)
def test_another_content_differs_in_that_field(field: str, value: Any) -> None:
    status = {"reversal_of": "reversed", "decline_reason": "declined"}.get(field, "settled")
    without = load(**{"status": status} if field != "status" else {})
    other = load(**{"status": status, field: value})
    assert other.differing(without) == without.differing(other) == [field]


def test_all_differing_fields_are_named_in_order() -> None:
    assert load(type="debit", amount=3, account="B").differing(load()) == ["account", "amount", "type"]


OVER_0 = "Must be over 0."
EXACTLY = Context(prec=100)


@pytest.mark.parametrize(
    ("original", "kept"),
    [
        ({"amount": "10.50", "currency": "USD", "rate": "655.9570"}, {"amount": "10.50", "currency": "USD"}),
        ({"amount": 10.5, "currency": "USD"}, {"amount": "10.50", "currency": "USD"}),
        ({"amount": "100.00", "currency": "XAF"}, {"amount": "100", "currency": "XAF"}),
        ({"amount": "1.2345"}, {"amount": "1.2345"}),
        ({"amount": "378282246310005", "currency": "XAF"}, {"amount": "378282246310005", "currency": "XAF"}),
        ({"currency": "USD", "amount": None, "rate": ""}, {"currency": "USD"}),
    ],
)
def test_an_original_has_decimals_of_its_own_currency(original: dict[str, Any], kept: dict[str, str]) -> None:
    loaded = load(original=original)
    answered = to_json(loaded)["original"]
    assert {name: answered[name] for name in kept} == kept
    assert load(original=answered).differing(loaded) == []
    assert transaction_from_item(transaction_item(loaded)) == loaded


def test_a_rate_is_kept_exactly_to_22_decimals() -> None:
    for rate in ("655.957", "0.0015244901723741037", "123456789012345." + "1" * 22, "1e-22", "4.111111111111111"):
        loaded = load(original={"rate": rate})
        assert loaded.original == {"rate": Decimal(rate)}
        assert transaction_from_item(transaction_item(loaded)) == loaded


def load_exactly(**changes: Any) -> Transaction:
    """Return the transaction without a search for card numbers, which digits at random can be."""
    return load_transaction({**SMALLEST, **changes}, "eazycard", "XAF", NOW)


ZEROS_BEHIND = st.sampled_from([0, 0, 1, 10, 22, 30, 400])


@given(st.integers(0, 15), st.integers(0, MAX_RATE_DECIMALS), ZEROS_BEHIND, st.data())
def test_any_rate_of_15_and_22_digits_is_kept_exactly_whatever_zeros_are_behind_it(
    before: int, decimals: int, zeros: int, data: st.DataObject
) -> None:
    rate = Decimal(data.draw(st.integers(1, 10 ** max(1, before + decimals) - 1))).scaleb(-decimals, EXACTLY)
    loaded = load_exactly(original={"rate": f"{rate:f}{'' if decimals else '.0'}{'0' * zeros}"})
    assert (loaded.original or {})["rate"] == rate
    assert to_json(loaded)["original"] == {"rate": plain(rate)}
    assert transaction_from_item(transaction_item(loaded)) == loaded


@given(st.sampled_from(sorted(CURRENCY_DECIMALS)), st.data(), ZEROS_BEHIND)
def test_any_amount_of_15_digits_and_its_currencys_decimals_is_kept_exactly_whatever_zeros_are_behind_it(
    currency: str, data: st.DataObject, zeros: int
) -> None:
    decimals = CURRENCY_DECIMALS[currency]
    amount = Decimal(data.draw(st.integers(1, 10 ** (15 + decimals) - 1))).scaleb(-decimals)
    written = f"{amount:f}{'' if decimals else '.0'}{'0' * zeros}"
    loaded = load_exactly(
        amount=written, balance=written, currency=currency, original={"amount": written, "currency": currency}
    )
    assert (loaded.amount, loaded.balance, (loaded.original or {})["amount"]) == (amount, amount, amount)
    assert transaction_from_item(transaction_item(loaded)) == loaded


@given(st.integers(10**15, 10**20), st.integers(1, 10**15 - 1), ZEROS_BEHIND)
def test_a_rate_with_a_16th_digit_or_a_23rd_decimal_is_refused_by_its_name(large: int, whole: int, zeros: int) -> None:
    for rate in (f"{large}.{'0' * zeros}1", f"{large}.0{'0' * zeros}", f"{whole}.{'0' * 22}1{'0' * zeros}"):
        with pytest.raises(ValidationFailed) as refusal:
            load_exactly(original={"rate": rate})
        assert [field for field, _ in refusal.value.errors] == ["original.rate"]


@pytest.mark.parametrize(
    ("original", "field", "message"),
    [
        ({"amount": "10.5", "currency": "XAF"}, "original.amount", "XAF has 0 decimals: must have no more."),
        ({"amount": "1.23456"}, "original.amount", "Must have at most 4 decimals."),
        ({"amount": "0", "currency": "XAF"}, "original.amount", OVER_0),
        ({"amount": "-1"}, "original.amount", OVER_0),
        ({"amount": "1e15"}, "original.amount", DIGITS),
        ({"currency": "XXX"}, "original.currency", CURRENCY),
        ({"rate": "0"}, "original.rate", OVER_0),
        ({"rate": "1e-23"}, "original.rate", "Must have at most 22 decimals."),
        ({"rate": "1e-999999999999"}, "original.rate", NUMBER),
        ({"rate": "x"}, "original.rate", NUMBER),
        ({"fee": "1"}, "original.fee", UNKNOWN),
        ([], "original", "Must be an object."),
        ("10 USD", "original", "Must be an object."),
    ],
)
def test_another_original_is_refused(original: Any, field: str, message: str) -> None:
    assert errors_of(original=original) == [(field, message)]


@pytest.mark.parametrize("field", ["booking_date", "value_date"])
def test_a_date_is_of_the_calendar_from_1970_on(field: str) -> None:
    assert getattr(load(**{field: "1970-01-01"}), field) == date(1970, 1, 1)
    assert errors_of(**{field: "1969-12-31"}) == [(field, EARLY)]
    assert errors_of(**{field: "2026-02-30"}) == [(field, "Is no date of the calendar.")]
    for value in ("2026-01-10T00:00:00Z", "20260110", "2026-1-1", 20260110, "x", []):
        assert errors_of(**{field: value}) == [(field, "Must be a date, like 2026-01-31.")]


def test_a_reversal_of_comes_with_a_reversal_only() -> None:
    assert load(status="reversed", reversal_of="s1").reversal_of == "s1"
    for status in ("settled", "authorized", "declined", None):
        message = "Must come with the status reversed only."
        assert errors_of(status=status, reversal_of="s1") == [("reversal_of", message)]


def test_notify_is_true_or_false() -> None:
    assert load(notify=True).differing(load()) == []
    assert load(notify=False).notify is False
    for value in (0, 1, "false", []):
        assert errors_of(notify=value) == [("notify", "Must be true or false.")]


OPTIONAL = sorted(set(TransactionSchema().fields) - set(SMALLEST))


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize("value", [None, "", {}])
def test_null_and_an_empty_text_and_an_empty_object_say_that_a_field_is_absent(field: str, value: Any) -> None:
    assert leniently(**{field: value}) == (load(), [])


@pytest.mark.parametrize(
    ("field", "part"),
    [("merchant", name) for name in ("name", "mcc", "city", "country", "id", "terminal_id")]
    + [("counterparty", "name"), ("counterparty", "account"), ("original", "amount"), ("original", "rate")],
)
@pytest.mark.parametrize("value", [None, "", {}])
def test_the_same_is_said_within_an_object(field: str, part: str, value: Any) -> None:
    assert leniently(**{field: {part: value}}) == (load(), [])


CONTROL = UNREADABLE
NO_TEXT, NO_OBJECT = "Is no text: left out.", "Is no object: left out."


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Café", "Café"),
        ("Cafe\u0301", "Café"),
        ("line one\nline two", "line one line two"),
        ("line one\r\n\tline two", "line one line two"),
        ("  a   b  ", "a b"),
        ("5\u00a0000\u202fF", "5 000 F"),
        ("a\u2028b\u2029c\u0085d\x0be\x0cf", "a b c d e f"),
        ("👩\u200d👧 ﬁ ²", "👩\u200d👧 ﬁ ²"),
        ("\u202eabc", "\u202eabc"),
    ],
)
@pytest.mark.parametrize("field", ["description", "reference", "merchant.name", "counterparty.name", "metadata.k"])
def test_text_is_normalised_without_a_warning(field: str, sent: str, kept: str) -> None:
    name, _, part = field.partition(".")
    loaded, warnings = leniently(**{name: {part: sent} if part else sent})
    assert getattr(loaded, name) == ({part: kept} if part else kept)
    assert warnings == []


@pytest.mark.parametrize("field", ["description", "reference", "merchant.city", "counterparty.account", "metadata.k"])
@pytest.mark.parametrize("unreadable", ["\0", "\x1b", "\x7f", "\x9b", "\ud83d", "\ufffe"])
def test_what_nobody_can_read_is_left_out_with_a_warning(field: str, unreadable: str) -> None:
    name, _, part = field.partition(".")
    sent = f"ca{unreadable}fe {unreadable}\u0301 x"
    loaded, warnings = leniently(**{name: {part: sent} if part else sent})
    assert getattr(loaded, name) == ({part: "cafe \u0301 x"} if part else "cafe \u0301 x")
    assert warnings == [(field, CONTROL)]


def test_text_of_which_nothing_can_be_read_is_absent() -> None:
    assert leniently(description="\0\ufffd ") == (load(), [("description", CONTROL)])
    assert leniently(merchant={"name": "\0"}) == (load(), [("merchant.name", CONTROL)])
    assert leniently(description=" \t\n ") == (load(), [])


@pytest.mark.parametrize(
    ("field", "most"),
    [
        ("description", 280),
        ("reference", 140),
        ("merchant.name", 140),
        ("merchant.city", 100),
        ("merchant.id", 64),
        ("merchant.terminal_id", 64),
        ("counterparty.name", 140),
        ("counterparty.account", 34),
    ],
)
def test_what_is_too_long_is_cut_with_a_warning(field: str, most: int) -> None:
    name, _, part = field.partition(".")

    def kept(text: str) -> tuple[Any, Warnings]:
        loaded, warnings = leniently(**{name: {part: text} if part else text})
        value = getattr(loaded, name)
        return (value[part] if part else value), warnings

    cut = [(field, f"Longer than {most} characters: cut.")]
    assert kept("é" * most) == ("é" * most, [])
    assert kept("😀" * (most + 1)) == ("😀" * most, cut)
    assert kept("a" * (most - 1) + " bc") == ("a" * (most - 1), cut)
    assert kept("a" * (most - 1) + "x\u0323\u0301yz") == ("a" * (most - 1), cut)
    assert kept("a" * 200_000) == ("a" * most, cut)


@pytest.mark.parametrize("value", [1, 1.5, True, [], ["x"], {"a": "b"}, 0, False])
@pytest.mark.parametrize("field", ["description", "reference", "merchant.name", "merchant.mcc", "counterparty.account"])
def test_what_is_no_text_is_left_out_with_a_warning(field: str, value: Any) -> None:
    name, _, part = field.partition(".")
    assert leniently(**{name: {part: value} if part else value}) == (load(), [(field, NO_TEXT)])


@pytest.mark.parametrize("field", ["merchant", "counterparty", "metadata"])
@pytest.mark.parametrize("value", ["shop", 1, True, [], [{"name": "x"}], 0])
def test_what_is_no_object_is_left_out_with_a_warning(field: str, value: Any) -> None:
    assert leniently(**{field: value}) == (load(), [(field, NO_OBJECT)])


@pytest.mark.parametrize(
    ("country", "kept"), [("CM", "CM"), ("CMR", "CM"), ("XK", "XK"), ("AX", "AX"), ("FRA", "FR"), (" GBR\n", "GB")]
)
def test_a_country_is_alpha_2_or_alpha_3_or_kosovo_and_kept_as_alpha_2(country: str, kept: str) -> None:
    loaded, warnings = leniently(merchant={"country": country})
    assert (loaded.merchant, warnings) == ({"country": kept}, [])
    assert loaded.differing(load(merchant={"country": kept})) == []


COUNTRY = "Must be an ISO 3166-1 code, alpha-2 or alpha-3, or XK. Left out."
MCC = "Must be 4 digits (ISO 18245). Left out."


@pytest.mark.parametrize(
    ("merchant", "field", "message"),
    [
        ({"country": "cm"}, "merchant.country", COUNTRY.replace("XK", "XK, in capital letters: CM")),
        ({"country": "UK"}, "merchant.country", COUNTRY),
        ({"country": "ZZZ"}, "merchant.country", COUNTRY),
        ({"country": "Cameroon"}, "merchant.country", COUNTRY),
        ({"mcc": "123"}, "merchant.mcc", MCC),
        ({"mcc": "54111"}, "merchant.mcc", MCC),
        ({"mcc": "١٢٣٤"}, "merchant.mcc", MCC),
        ({"url": "x"}, "merchant.url", "Unknown field, left out."),
        ({"url": None}, "merchant.url", "Unknown field, left out."),
        ({"na\0me": "x"}, "merchant.name", "Unknown field, left out: did you mean `name`?"),
    ],
)
def test_a_merchants_detail_that_is_not_understood_is_left_out_and_the_others_stay(
    merchant: dict[str, Any], field: str, message: str
) -> None:
    loaded, warnings = leniently(merchant={"city": "Yaoundé", **merchant})
    assert (loaded.merchant, warnings) == ({"city": "Yaoundé"}, [(field, message)])


def test_a_decline_reason_of_what_is_not_declined_is_left_out() -> None:
    assert load(status="declined", decline_reason="x").decline_reason == "x"
    message = "Must come with the status declined only: left out."
    assert leniently(decline_reason="x") == (load(), [("decline_reason", message)])


def test_metadata_has_up_to_20_pairs_of_up_to_256_characters() -> None:
    for metadata in ({"k": ""}, {"é" * 256: "😀" * 256}, {f"k{number}": "v" for number in range(20)}):
        loaded, warnings = leniently(metadata=metadata)
        assert (loaded.metadata, warnings) == (metadata, [])


@pytest.mark.parametrize(
    ("pairs", "kept", "field", "message"),
    [
        ({"k": "x" * 257}, {"k": "x" * 256}, "metadata.k", "Longer than 256 characters: cut."),
        ({"k" * 257: "x"}, {"k" * 256: "x"}, f"metadata.{'k' * 256}", "Has a name longer than 256 characters: cut."),
        ({"a\0b": "x"}, {"ab": "x"}, "metadata.ab", CONTROL),
        ({"": "x"}, {}, "metadata.", "Has no name: left out."),
        ({" ": "x"}, {}, "metadata.", "Has no name: left out."),
        ({"k": 1}, {}, "metadata.k", NO_TEXT),
        ({"k": True}, {}, "metadata.k", NO_TEXT),
        ({"k": {"deep": "er"}}, {}, "metadata.k", NO_TEXT),
        ({"k": []}, {}, "metadata.k", NO_TEXT),
        ({"é": "1", "e\u0301": "2"}, {"é": "1"}, "metadata.é", "Another pair has this name: left out."),
    ],
)
def test_a_pair_of_the_metadata_that_is_not_understood_is_left_out_or_cut_and_the_others_stay(
    pairs: dict[str, Any], kept: dict[str, str], field: str, message: str
) -> None:
    loaded, warnings = leniently(metadata={"first": "1", **pairs})
    assert (loaded.metadata, warnings) == ({"first": "1", **kept}, [(field, message)])


def test_null_and_an_empty_object_say_that_a_pair_of_the_metadata_is_absent() -> None:
    assert leniently(metadata={"k": None, "l": {}}) == (load(), [])


def test_of_more_than_20_pairs_the_first_20_are_kept() -> None:
    pairs = {f"k{number}": "v" for number in range(30)}
    loaded, warnings = leniently(metadata={"no": None, **pairs})
    assert loaded.metadata == dict(list(pairs.items())[:20])
    assert warnings == [("metadata", "Has more than 20 pairs: the first 20 are kept.")]


CARD = "4111111111111111"


@pytest.mark.parametrize(
    "sent",
    [
        "4111\x00111111111111",
        "4111\ufffd1111\ufffd1111\ufffd1111",
        "4111          1111          1111          1111",
        "4111\n\n\n\n\n1111\n\n\n\n\n1111\n\n\n\n\n1111",
        "x" * 300 + CARD,
        "x" * 263 + " " + CARD + "9999999" + "x" * 200,
    ],
)
def test_a_card_number_is_refused_whether_it_is_kept_or_cut_off_or_comes_of_what_is_left_out(sent: str) -> None:
    with pytest.raises(CardNumberRefused):
        leniently(description=sent)


def test_a_name_that_becomes_a_card_number_is_refused() -> None:
    for changes in ({"merchant": {"4111\x0011111111\x001111": 1}}, {"metadata": {"4111\x0011111111\x001111": "x"}}):
        with pytest.raises(CardNumberRefused) as refusal:
            leniently(**changes)
        assert "1" not in refusal.value.field


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.dictionaries(st.sampled_from(["name", "mcc", "city", "country", "id", "account", "x"]), ANY, max_size=4)
INFORMING_FIELDS = st.sampled_from(sorted(INFORMING))


@settings(max_examples=size(400, 8_000))
@given(st.dictionaries(INFORMING_FIELDS, ANY | PARTS, max_size=4), st.sampled_from(STATUSES))
def test_no_detail_that_only_informs_costs_the_transaction(details: dict[str, Any], status: str) -> None:
    """Strict handling takes exactly what gives no warnings, and what is kept gives none when it is posted again."""
    body = {**SMALLEST, **details, "status": status}
    warnings: Warnings = []
    try:
        loaded = load_transaction(body, "eazycard", "XAF", NOW, warnings)
    except CardNumberRefused:
        return
    if warnings:
        with pytest.raises(ValidationFailed):
            load_transaction(body, "eazycard", "XAF", NOW)
    else:
        assert load_transaction(body, "eazycard", "XAF", NOW) == loaded
    answered = to_json(loaded)
    del answered["recorded_at"]
    assert load_transaction(answered, "eazycard", "XAF", NOW).differing(loaded) == []
    assert {name for name, _ in warnings if "." not in name} <= set(details)
