"""The shipped ISO tables are the published ones; amounts and their decimals."""

from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import iso4217
import pycountry
import pytest

from chalicelib.ledger.money import (
    ALPHA_2,
    COUNTRIES,
    CURRENCY_DECIMALS,
    FUND_CODES,
    currency_error,
    excess_decimals,
    format_amount,
    has_at_most,
    plain,
    without_end_zeros,
)

# Active codes that the list gives without a minor unit: metals, bond units, the SDR, and codes for tests and none.
NO_MONEY = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}


def test_currencies_are_iso_4217_list_one_with_its_decimals() -> None:
    published = {currency.code: currency.exponent for currency in iso4217.Currency}
    assert {code for code, decimals in published.items() if decimals is None} == NO_MONEY
    assert {code: decimals for code, decimals in published.items() if decimals is not None} == CURRENCY_DECIMALS


def test_funds_are_those_of_iso_4217_and_two_units_of_account() -> None:
    table = ElementTree.parse(Path(iso4217.__file__).with_name("table.xml"))
    named = [(entry.findtext("Ccy"), entry.find("CcyNm")) for entry in table.iter("CcyNtry")]
    funds = {code for code, name in named if name is not None and name.get("IsFund", "").lower() == "true"}
    # The list has these two as no funds; they are units of account, in which nobody pays.
    assert funds | {"XAD", "UYW"} == FUND_CODES


def test_countries_are_iso_3166_1_and_kosovo() -> None:
    assert {country.alpha_2 for country in pycountry.countries} == COUNTRIES - {"XK"}
    alpha_3 = {country.alpha_3: country.alpha_2 for country in pycountry.countries}
    assert alpha_3 == {code: kept for code, kept in ALPHA_2.items() if len(code) == 3}
    assert {code: code for code in COUNTRIES} == {code: kept for code, kept in ALPHA_2.items() if len(code) == 2}


@pytest.mark.parametrize(
    ("written", "currency", "kept"),
    [
        ("250.00", "XAF", "250"),
        ("250", "XAF", "250"),
        ("1.000", "EUR", "1.00"),
        ("1.5", "EUR", "1.5"),
        ("10e-1", "JPY", "1"),
        ("1e14", "EUR", "1E+14"),
        ("999999999999999.9990", "TND", "999999999999999.999"),
        ("-12.300", "EUR", "-12.30"),
        ("0e-999999999", "EUR", "0.00"),
        ("1." + "0" * 10_000, "EUR", "1.00"),
    ],
)
def test_zeros_at_the_end_of_an_amount_do_not_count(written: str, currency: str, kept: str) -> None:
    assert excess_decimals(Decimal(written), currency) is None
    assert str(without_end_zeros(Decimal(written), CURRENCY_DECIMALS[currency])) == kept


def test_a_rate_of_exchange_keeps_more_digits_than_python_reckons_with() -> None:
    kept = "9" * 15 + "." + "1" * 22
    assert str(without_end_zeros(Decimal(f"{kept}000"), 22)) == kept


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_has_no_decimals(written: str) -> None:
    assert has_at_most(0, Decimal(written))
    assert str(without_end_zeros(Decimal(written), 2)) == written


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("250.5", "EUR", "250.50"), ("1e3", "XAF", "1000"), ("-0.1", "KWD", "-0.100"), ("7", "CLF", "7.0000")],
)
def test_an_amount_is_written_with_all_decimals_of_its_currency(amount: str, currency: str, text: str) -> None:
    assert format_amount(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("eur", "Must be in capital letters: EUR."),
        (" Xaf ", "Must be in capital letters: XAF."),
        *(
            (code, "Must be an active ISO 4217 code, like XAF or EUR.")
            for code in ("", "euro", "XXX", None, 7, ["EUR"])
        ),
    ],
)
def test_what_is_no_currency_is_refused_with_what_it_must_be(code: object, refusal: str) -> None:
    assert currency_error(code) == refusal


@pytest.mark.parametrize(
    ("written", "currency"),
    [("250.5", "XAF"), ("0.001", "EUR"), ("1e-999999999", "EUR"), ("10e-2", "XAF"), ("1." + "0" * 10_000 + "1", "EUR")],
)
def test_more_decimals_than_the_currency_has_are_named(written: str, currency: str) -> None:
    decimals = CURRENCY_DECIMALS[currency]
    assert excess_decimals(Decimal(written), currency) == f"{currency} has {decimals} decimals: must have no more."


@pytest.mark.parametrize(
    ("written", "text"), [("655.9570", "655.957"), ("1e2", "100"), ("1.0", "1"), ("1e-7", "0.0000001"), ("100", "100")]
)
def test_a_number_is_written_without_exponent_and_end_zeros(written: str, text: str) -> None:
    assert plain(Decimal(written)) == text
