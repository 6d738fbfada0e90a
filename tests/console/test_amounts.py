"""Amounts that staff type in the console: read as the reader's language and the currency have it, or refused."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import browser  # noqa: F401
from tests.console.pages import (
    in_module,
    opened,
    reading,  # noqa: F401
    served,  # noqa: F401
)
from tests.console.server import Served

# A currency for each number of decimals, and none.
CURRENCIES = ["XAF", "EUR", "KWD", ""]
TWO, NONE = "amount.two_readings", "amount.mistake"
READ: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "en": {
        "5000": ("5000", "5000", "5000", "5000"),
        "5,000": ("5000", "5000", "5000", "5000"),
        "5.000": ("5000", TWO, "5.000", TWO),
        "1.000.000": ("1000000", "1000000", "1000000", "1000000"),
        "1,234.56": ("1234.56", "1234.56", "1234.56", "1234.56"),
        "12,5": ("12.5", "12.5", "12.5", "12.5"),
        "0.500": ("0.500", "0.500", "0.500", "0.500"),
        "1.000,5": (NONE, NONE, NONE, NONE),
        "-5": (NONE, NONE, NONE, NONE),
        "5 EUR": (NONE, NONE, NONE, NONE),
    },
    "fr": {
        "5 000": ("5000", "5000", "5000", "5000"),
        "5\u202f000,5": ("5000.5", "5000.5", "5000.5", "5000.5"),
        "5.000": ("5000", TWO, TWO, TWO),
        "5,000": ("5000", TWO, "5.000", TWO),
        "1,000,000": ("1000000", "1000000", "1000000", "1000000"),
        "12,5": ("12.5", "12.5", "12.5", "12.5"),
        "12.50": ("12.50", "12.50", "12.50", "12.50"),
        "1.000,5": (NONE, NONE, NONE, NONE),
    },
}


@pytest.mark.parametrize("language", READ)
def test_an_amount_is_read_as_the_language_and_the_currency_have_it_or_refused(
    reading: Callable[[str], Page],  # noqa: F811
    language: str,
) -> None:
    asked = [[written, currency] for written in READ[language] for currency in CURRENCIES]
    read = in_module(reading(language), "amounts.js", "x.map((one) => m.readAmount(...one))", asked)
    found = [one.get("amount") or one.get("mistake") for one in read]
    assert found == [meant for written in READ[language] for meant in READ[language][written]]


@pytest.mark.parametrize("language", READ)
def test_what_a_field_shows_of_an_amount_is_read_as_that_amount(
    reading: Callable[[str], Page],  # noqa: F811
    language: str,
) -> None:
    amounts = [["5000", "XAF"], ["5.000", "XAF"], ["1.50", "EUR"], ["5.000", "EUR"], ["1.250", "KWD"], ["12.5", ""]]
    call = "x.map(([amount, code]) => m.readAmount(m.writtenAmount(amount, code), code).amount)"
    assert in_module(reading(language), "amounts.js", call, amounts) == ["5000", "5", "1.50", "5.00", "1.250", "12.5"]


def test_a_search_in_french_takes_the_comma_and_says_what_can_not_be_read(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/search", language="fr") as page:
        amount = page.locator("#search-min_amount")
        go = page.get_by_role("button", name="Chercher")
        amount.fill("5.000")
        go.click()
        assert "milliers" in amount.evaluate("one => one.validationMessage")
        assert not [one for one in served.asked if "min_amount" in one]
        page.locator("#search-currency").fill("eur")
        amount.fill("12,5")
        go.click()
        expect(page).to_have_url(re.compile("min_amount=12.5"))
        assert "currency=EUR" in page.url
        expect(amount).to_have_value("12,5")


def test_a_threshold_in_french_takes_the_comma(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.settings["flags"]["large_amount"]["thresholds"]["EUR"] = "1500.000"
    with opened(browser, served, "#/flags", member="adam", language="fr") as page:
        page.get_by_role("button", name="Changer").click()
        expect(page.locator("#least-0")).to_have_value("1500,00")
        expect(page.get_by_text("Changez un seuil pour voir")).to_be_visible()  # nothing differs yet
        page.locator("#least-0").fill("1600,50")
        page.locator("#least-1").fill("800.000")
        page.locator("#unusual_amount-times").fill("2,5")
        page.get_by_role("button", name="Essayer", exact=True).click()
        expect(page.locator(".trial table")).to_be_visible()
    rules = {"unusual_amount": {"times": "2.5"}, "large_amount": {"thresholds": {"EUR": "1600.50", "XAF": "800000"}}}
    assert served.world.changes == [("POST", "flags/trial", {"settings": {"flags": rules}, "days": 14})]
