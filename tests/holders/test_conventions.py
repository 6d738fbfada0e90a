"""Amounts, dates and times as the reader writes them, and outside text made safe."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chalicelib.holders.conventions import (
    country,
    day,
    decimal,
    elapsed,
    local_time,
    masked,
    moment,
    money,
    plain,
    short_day,
    shortened,
    signed,
)
from chalicelib.holders.holder import LOCALES
from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS

NARROW, WIDE = "\u202f", "\xa0"  # how French groups digits, and sets a unit apart


def test_xaf_has_no_decimals_and_french_spacing() -> None:
    assert money(Decimal(250500), "XAF", "fr") == f"250{NARROW}500{WIDE}FCFA"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "written"),
    [
        ("250.50", "EUR", "fr", f"250,50{WIDE}€"),
        ("250.50", "EUR", "en", "€250.50"),
        ("1234567.80", "USD", "en", "$1,234,567.80"),
        ("250500", "XAF", "en", f"FCFA{WIDE}250,500"),
        ("5", "JPY", "en", "¥5"),
        ("0.125", "KWD", "fr", f"0,125{WIDE}KWD"),
        ("1.250", "IQD", "fr", f"1,250{WIDE}IQD"),  # CLDR would round it to no decimals
        ("-12.30", "EUR", "fr", f"-12,30{WIDE}€"),
        ("999999999999999.99", "EUR", "en", "€999,999,999,999,999.99"),
    ],
)
def test_amounts_are_exact_in_the_reader_s_conventions(amount: str, currency: str, locale: str, written: str) -> None:
    assert money(Decimal(amount), currency, locale) == written


@pytest.mark.parametrize("locale", LOCALES)
def test_every_currency_is_written_with_all_of_its_decimals(locale: str) -> None:
    for currency, decimals in CURRENCY_DECIMALS.items():
        smallest = Decimal(1).scaleb(-decimals)
        digits = re.sub(r"\D", "", money(smallest, currency, locale))
        assert digits == "0" * decimals + "1", currency


def test_a_difference_has_its_sign_plus_or_minus() -> None:
    assert signed(Decimal("12.30"), "EUR", "fr") == f"+12,30{WIDE}€"
    assert signed(Decimal("-12.30"), "EUR", "fr") == f"−12,30{WIDE}€"


@pytest.mark.parametrize(
    ("number", "locale", "written"),
    [("3.2", "fr", "3,2"), ("3.2", "en", "3.2"), ("41", "fr", "41"), ("3.0", "en", "3")],
)
def test_a_number_has_a_decimal_only_where_it_says_something(number: str, locale: str, written: str) -> None:
    assert decimal(Decimal(number), locale) == written


@pytest.mark.parametrize(
    ("seconds", "locale", "written"),
    [
        ("0", "en", "1\xa0second"),
        ("45", "fr", "45\xa0secondes"),
        ("61.5", "en", "61\xa0seconds"),
        ("300", "fr", "5\xa0minutes"),
        ("5400", "en", "2\xa0hours"),
        ("3600", "fr", "60\xa0minutes"),
    ],
)
def test_a_length_of_time_is_written_in_words(seconds: str, locale: str, written: str) -> None:
    assert elapsed(Decimal(seconds), locale) == written


def test_times_are_in_the_reader_s_zone_which_is_named() -> None:
    late = datetime(2026, 1, 10, 23, 30, tzinfo=UTC)
    assert moment(late, "Africa/Douala", "fr") == "11 janvier 2026, 00:30 (heure : Cameroun)"
    assert moment(late, "UTC", "en") == "January 10, 2026, 11:30\u202fPM (UTC)"


def test_a_time_without_a_date_in_the_reader_s_zone_is_written_in_utc() -> None:
    first = datetime(1, 1, 1, 0, 30, tzinfo=UTC)
    assert moment(first, "America/New_York", "en").endswith("12:30\u202fAM (UTC)")
    assert local_time(first, "America/New_York") == first


def test_french_counts_the_first_of_a_month_and_no_other_day() -> None:
    assert day(date(2026, 1, 1), "fr") == "1er janvier 2026"
    assert day(date(2026, 1, 11), "fr") == "11 janvier 2026"
    assert day(date(2026, 1, 1), "en") == "January 1, 2026"
    assert moment(datetime(2026, 5, 1, 12, tzinfo=UTC), "UTC", "fr") == "1er mai 2026, 12:00 (UTC)"


def test_a_short_day_has_no_year() -> None:
    assert short_day(date(2026, 1, 10), "fr") == "10 janv."
    assert short_day(date(2026, 1, 10), "en") == "Jan 10"
    assert short_day(date(2026, 1, 1), "fr") == "1er janv."


@pytest.mark.parametrize("locale", LOCALES)
def test_every_country_that_a_merchant_can_be_in_has_a_name(locale: str) -> None:
    names = {country(code, locale) for code in COUNTRIES}
    assert len(names) == len(COUNTRIES)
    assert not names & COUNTRIES


def test_a_country_without_a_name_is_written_as_its_code() -> None:
    assert country("x.y", "fr") == "x.\N{WORD JOINER}y"


def test_a_line_end_in_a_name_starts_no_new_line() -> None:
    assert plain("Shop\r\nBcc: x\u2028y\ttab") == "Shop Bcc: x y tab"


def test_joiners_and_accents_of_real_names_survive() -> None:
    assert plain("Café Œuvré n°5 & Fils, Aïssatou  N'Diaye") == "Café Œuvré n°5 & Fils, Aïssatou N'Diaye"
    assert plain("Nguye\u0302\u0303n") == "Nguye\u0302\u0303n"


@pytest.mark.parametrize("joint", [".", "@", ":", "\uff0e", "\u3002", "\uff61", "\uff20"])
@pytest.mark.parametrize("before", ["x", "e\u0301", ")", "-"])
def test_no_text_is_joined_as_links_are(joint: str, before: str) -> None:
    assert plain(f"{before}{joint}y") == f"{before}{joint}\N{WORD JOINER}y"


def test_a_letter_keeps_three_accents_at_most() -> None:
    assert plain("z" + "\u0301" * 50 + "b\u0301") == "z" + "\u0301" * 3 + "b\u0301"


@pytest.mark.parametrize("braces", ["{{html}}", "{{{html}}}", "{ {{x"])
def test_no_two_braces_stand_together(braces: str) -> None:
    assert "{{" not in plain(braces)
    assert plain(braces).replace("\N{WORD JOINER}", "") == braces


def test_a_long_account_is_masked_to_its_last_four() -> None:
    assert masked("CM21-1000-4567") == "…4567"
    assert masked("A123") == "A123"


def test_a_text_is_shortened_to_a_length_ellipsis_included() -> None:
    assert shortened("Boulangerie", 11) == "Boulangerie"
    assert shortened("Boulangerie Acropole", 12) == "Boulangerie…"
