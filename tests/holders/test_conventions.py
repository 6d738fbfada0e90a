"""Amounts, dates and times as the reader writes them, and outside text made safe."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chalicelib.holders.conventions import (
    country,
    currency_heading,
    day,
    days,
    decimal,
    elapsed,
    local_time,
    locale_of,
    masked,
    moment,
    money,
    numbered,
    plain,
    short_day,
    shortened,
    signed,
)
from chalicelib.holders.holder import LOCALES
from chalicelib.holders.locales import REGIONS
from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS

NARROW, WIDE = "\u202f", "\xa0"  # how French groups digits, and sets a unit apart


def test_xaf_has_no_decimals_and_french_spacing() -> None:
    assert money(Decimal(250500), "XAF", "fr") == f"250{NARROW}500{WIDE}FCFA"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "written"),
    [
        ("250.50", "EUR", "fr", f"250,50{WIDE}€"),
        ("250.50", "EUR", "en", "€250.50"),
        ("1234567.80", "USD", "en", "US$1,234,567.80"),
        ("1234567.80", "USD", "en-US", "$1,234,567.80"),
        ("250.50", "CHF", "en-CH", f"CHF{WIDE}250.50"),
        ("1234.50", "EUR", "en-ZA", f"€1{WIDE}234,50"),
        ("1234.50", "CAD", "fr-CA", f"1{WIDE}234,50{WIDE}$"),
        ("250500", "XAF", "en", f"FCFA{WIDE}250,500"),
        ("5", "JPY", "en", "JP¥5"),
        ("0.125", "KWD", "fr", f"0,125{WIDE}KWD"),
        ("1.250", "IQD", "fr", f"1,250{WIDE}IQD"),  # CLDR would round it to no decimals
        ("-12.30", "EUR", "fr", f"−12,30{WIDE}€"),
        ("-12.30", "EUR", "en-CH", f"−€{WIDE}12.30"),
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


@pytest.mark.parametrize("zero", ["0", "0.00", "-0", "-0.00"])
def test_zero_has_no_minus(zero: str) -> None:
    assert money(Decimal(zero), "EUR", "fr") == f"0,00{WIDE}€"
    assert signed(Decimal(zero), "EUR", "fr") == f"+0,00{WIDE}€"


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


@pytest.mark.parametrize("region", sorted(REGIONS))
@pytest.mark.parametrize("language", LOCALES)
def test_every_region_has_conventions_in_every_language_with_one_minus_sign(language: str, region: str) -> None:
    locale = f"{language}-{region}"
    written = money(Decimal("-1234.5"), "EUR", locale)
    assert written.startswith("−")
    assert "-" not in written
    assert re.sub(r"\D", "", written) == "123450"
    when = moment(datetime(2026, 2, 1, 15, 5, tzinfo=UTC), "Africa/Douala", locale)
    assert "2026" in when
    assert "(heure du Cameroun)" in when or "(Cameroon time)" in when
    assert (language == "fr") == ("1er février 2026" in when)


def test_a_region_that_cldr_has_no_english_for_has_the_world_s() -> None:
    assert locale_of("en-JP") == locale_of("en-001") == locale_of("en")
    assert locale_of("fr-JP") == locale_of("fr")
    assert {str(locale_of(name)) for name in ("en-US", "en-GB", "en-CM")} == {"en_US", "en_GB", "en_CM"}


def test_times_are_in_the_reader_s_zone_which_is_named() -> None:
    late = datetime(2026, 1, 10, 23, 30, tzinfo=UTC)
    assert moment(late, "Africa/Douala", "fr") == "11 janvier 2026, 00:30 (heure du Cameroun)"
    assert moment(late, "UTC", "en") == "10 January 2026, 11:30\u202fpm (UTC)"
    assert moment(late, "Etc/GMT+5", "en-US") == "January 10, 2026, 6:30\u202fPM (UTC−05:00)"
    assert moment(late, "Europe/London", "en-GB") == "10 January 2026, 23:30 (United Kingdom time)"
    assert moment(late, "Africa/Douala", "en-CM") == "11 January 2026, 00:30 (Cameroon time)"
    assert moment(late, "America/Toronto", "fr-CA") == f"10 janvier 2026, 18{WIDE}h{WIDE}30 (heure de Toronto)"


def test_a_time_without_a_date_in_the_reader_s_zone_is_written_in_utc() -> None:
    first = datetime(1, 1, 1, 0, 30, tzinfo=UTC)
    assert moment(first, "America/New_York", "en").endswith("12:30\u202fam (UTC)")
    assert local_time(first, "America/New_York") == first


def test_french_counts_the_first_of_a_month_and_no_other_day() -> None:
    assert day(date(2026, 1, 1), "fr") == day(date(2026, 1, 1), "fr-CM") == "1er janvier 2026"
    assert day(date(2026, 1, 11), "fr") == "11 janvier 2026"
    assert day(date(2026, 1, 1), "en") == "1 January 2026"
    assert day(date(2026, 1, 1), "en-US") == "January 1, 2026"
    assert moment(datetime(2026, 5, 1, 12, tzinfo=UTC), "UTC", "fr") == "1er mai 2026, 12:00 (UTC)"


@pytest.mark.parametrize(
    ("first", "last", "french", "english", "american"),
    [
        ("2026-01-05", "2026-01-11", "5 | 11 janvier 2026", "5 | 11 January 2026", "January 5 | 11, 2026"),
        ("2026-02-01", "2026-02-28", "1er | 28 février 2026", "1 | 28 February 2026", "February 1 | 28, 2026"),
        (
            "2026-01-26",
            "2026-02-01",
            "26 janvier | 1er février 2026",
            "26 January | 1 February 2026",
            "January 26 | February 1, 2026",
        ),
        (
            "2025-12-29",
            "2026-01-04",
            "29 décembre 2025 | 4 janvier 2026",
            "29 December 2025 | 4 January 2026",
            "December 29, 2025 | January 4, 2026",
        ),
    ],
)
def test_a_range_of_days_says_month_and_year_once(
    first: str, last: str, french: str, english: str, american: str
) -> None:
    ends = date.fromisoformat(first), date.fromisoformat(last)
    assert [" | ".join(days(*ends, locale)) for locale in ("fr", "en", "en-US")] == [french, english, american]


def test_a_short_day_has_no_year_and_does_not_break() -> None:
    assert short_day(date(2026, 1, 10), "fr") == f"10{WIDE}janv."
    assert short_day(date(2026, 1, 10), "en") == f"10{WIDE}Jan"
    assert short_day(date(2026, 1, 10), "en-US") == f"Jan{WIDE}10"
    assert short_day(date(2026, 1, 1), "fr") == f"1er{WIDE}janv."


def test_a_phrase_agrees_with_its_number() -> None:
    forms = {"one": "{count} débit", "other": "{count} débits"}
    assert [numbered(count, forms, "fr-CM") for count in (0, 1, 2)] == ["0 débit", "1 débit", "2 débits"]
    assert numbered(0, {"one": "{count} debit", "other": "{count} debits"}, "en") == "0 debits"
    assert numbered(1234, forms, "fr") == f"1{NARROW}234 débits"


def test_a_currency_s_heading_has_its_name_and_its_sign() -> None:
    assert currency_heading("XAF", "fr") == "Franc CFA (BEAC) – FCFA"
    assert currency_heading("EUR", "en-GB") == "Euro – €"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_country_that_a_merchant_can_be_in_has_a_name(locale: str) -> None:
    names = {country(code, locale) for code in COUNTRIES}
    assert len(names) == len(COUNTRIES)
    assert not names & COUNTRIES


def test_a_country_without_a_name_is_written_as_its_code() -> None:
    assert country("x.y", "fr") == "x.\N{WORD JOINER}y"


def test_a_line_end_in_a_name_starts_no_new_line() -> None:
    assert plain("Shop\r\nBcc: x\u2028y\ttab") == "Shop Bcc: x y tab"


@pytest.mark.parametrize(
    "control", ["\x00", "\x1b", "\x7f", "\x84", "\u200b", "\u202e", "\u2066", "\ud800", "\ue000", "\u0378"]
)
def test_control_and_formatting_characters_are_left_out(control: str) -> None:
    assert plain(f"a{control}b") == "ab"
    assert plain(f"{control}é{control}") == "é"


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


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("CM21-1000-4567", "4567"),
        ("SAVINGS-ACC", "SACC"),
        ("main-acc", "nacc"),
        ("10-22-33-4", "2334"),
        ("A.B-C_12345", "2345"),
    ],
)
def test_an_account_is_masked_to_its_last_letters_and_digits_which_stay_with_the_dots(account: str, shown: str) -> None:
    assert masked(account) == f"…\N{WORD JOINER}{shown}"


def test_an_account_without_more_than_four_letters_and_digits_is_whole() -> None:
    assert masked("A123") == "A123"
    assert masked("A-1.23").replace("\N{WORD JOINER}", "") == "A-1.23"
    assert "\N{WORD JOINER}" in masked("A-1")


def test_a_text_is_shortened_to_a_length_ellipsis_included() -> None:
    assert shortened("Boulangerie", 11) == "Boulangerie"
    assert shortened("Boulangerie Acropole", 12) == "Boulangerie…"
