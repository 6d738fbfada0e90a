"""The shipped ISO tables are the published ones."""

import iso4217
import pycountry

from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS

# Active codes that the list gives without a minor unit: metals, bond units, the SDR, and codes for tests and none.
NO_MONEY = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}


def test_currencies_are_iso_4217_list_one_with_its_decimals() -> None:
    published = {currency.code: currency.exponent for currency in iso4217.Currency}
    assert {code for code, decimals in published.items() if decimals is None} == NO_MONEY
    assert {code: decimals for code, decimals in published.items() if decimals is not None} == CURRENCY_DECIMALS


def test_countries_are_iso_3166_1_alpha_2() -> None:
    assert {country.alpha_2 for country in pycountry.countries} == COUNTRIES
