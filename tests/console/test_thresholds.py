"""Changing thresholds in the console: what is saved is what was tried, and nobody's change is overwritten."""

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser import browser  # noqa: F401
from tests.console.pages import (
    opened,
    served,  # noqa: F401
)
from tests.console.server import Served


def test_a_threshold_is_tried_before_it_is_saved(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/flags", member="adam") as page:
        page.get_by_role("button", name="Change").click()
        save = page.get_by_role("button", name="Save the change")
        expect(save).to_be_disabled()
        page.locator("#velocity-count").fill("10")
        page.locator("#least-1").fill("800000")
        expect(save).to_be_disabled()
        page.get_by_role("button", name="Try it").click()
        row = page.get_by_role("table", name="What it would have done").get_by_role("row", name="Many in a short time")
        expect(row).to_contain_text("6 → ")
        save.click()
        expect(page.get_by_text("more than 10 on an account within 15 minutes")).to_be_visible()
    patch = {"flags": {"velocity": {"count": 10}, "large_amount": {"thresholds": {"XAF": "800000"}}}}
    assert served.world.changes == [
        ("POST", "flags/trial", {"settings": patch, "days": 14}),
        ("PATCH", "settings", patch),
    ]


def test_the_result_of_a_trial_counts_for_the_change_that_was_tried_alone(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/flags", member="adam") as page:
        held: list[Route] = []
        page.route("**/flags/trial", lambda route: held.append(route))
        page.get_by_role("button", name="Change").click()
        save, count = page.get_by_role("button", name="Save the change"), page.locator("#velocity-count")
        count.fill("10")
        page.get_by_role("button", name="Try it").click()
        expect(page.locator(".trial .waiting")).to_be_visible()
        count.fill("2")
        held[0].continue_()
        expect(page.locator(".trial .waiting")).to_have_count(0)
        expect(page.locator(".trial table")).to_have_count(0)
        expect(save).to_be_disabled()
        count.fill("10")  # as it was tried
        expect(page.locator(".trial table")).to_be_visible()
        save.click()
        expect(page.get_by_text("more than 10 on an account within 15 minutes")).to_be_visible()
    assert [change for change in served.world.changes if change[0] == "PATCH"] == [
        ("PATCH", "settings", {"flags": {"velocity": {"count": 10}}})
    ]


# The last one is there already, as it is: what was tried is still the change.
@pytest.mark.parametrize(
    ("currency", "least"), [("", "500"), ("", "lots"), ("USD", ""), ("US", "500"), ("EUR", "1500.00")]
)
def test_a_threshold_that_is_half_filled_in_or_there_twice_is_not_saved(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    currency: str,
    least: str,
) -> None:
    with opened(browser, served, "#/flags", member="adam") as page:
        page.get_by_role("button", name="Change").click()
        page.locator("#velocity-count").fill("10")
        page.get_by_role("button", name="Try it").click()
        expect(page.locator(".trial table")).to_be_visible()
        page.get_by_role("button", name="Add a currency").click()
        page.locator("#currency-2").fill(currency)
        page.locator("#least-2").fill(least)
        save = page.get_by_role("button", name="Save the change")
        if save.is_enabled():
            save.click()
        expect(page.locator("form.beside-each-other:invalid")).to_be_visible()
    assert [change for change in served.world.changes if change[0] == "PATCH"] == []


@pytest.mark.parametrize(
    ("language", "buttons", "says"),
    [
        ("en", ("Change", "Add a currency", "Try it"), "EUR has a row above. Keep one of the two."),
        ("fr", ("Changer", "Ajouter une devise", "Essayer"), "EUR a déjà une ligne plus haut. Gardez l’une des deux."),
    ],
)
def test_two_thresholds_of_a_currency_are_refused_at_the_field(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    language: str,
    buttons: tuple[str, str, str],
    says: str,
) -> None:
    change, add, attempt = buttons
    with opened(browser, served, "#/flags", member="adam", language=language) as page:
        page.get_by_role("button", name=change, exact=True).click()
        page.get_by_role("button", name=add).click()
        currency, mistake = page.locator("#currency-2"), page.get_by_text(says)
        currency.fill("eur")
        page.locator("#least-2").fill("900")
        expect(mistake).to_be_visible()
        assert currency.evaluate("one => one.validationMessage") == says
        expect(currency).to_have_accessible_description(says)
        page.get_by_role("button", name=attempt, exact=True).click()
        assert served.world.changes == []
        currency.fill("usd")
        expect(mistake).to_have_count(0)
        page.get_by_role("button", name=attempt, exact=True).click()
        expect(page.locator(".trial table")).to_be_visible()
    patch = {"flags": {"large_amount": {"thresholds": {"USD": "900"}}}}
    assert served.world.changes == [("POST", "flags/trial", {"settings": patch, "days": 14})]


def test_a_threshold_that_a_colleague_changed_meanwhile_is_not_overwritten(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/flags", member="adam") as page:
        page.get_by_role("button", name="Change").click()
        page.locator("#velocity-count").fill("10")
        page.get_by_role("button", name="Try it").click()
        served.world.version += 1
        page.get_by_role("button", name="Save the change").click()
        expect(page.get_by_role("alert")).to_contain_text("A colleague has changed the settings")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#velocity-count")).to_have_value("8")
