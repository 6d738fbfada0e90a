"""The console shows what is now: after one's own change, with the same question again, and with the address."""

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser import browser  # noqa: F401
from tests.console import samples
from tests.console.gallery import open_page
from tests.console.pages import (
    opened,
    requests,
    served,  # noqa: F401
    until,
)
from tests.console.server import Served


def test_one_s_own_change_is_shown_also_when_an_older_answer_comes_after_it(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/cases/card-88120") as page:
        held: list[tuple[Route, str]] = []
        # The answer as it is before the change comes after it.
        page.route("**/staff/cases/card-88120", lambda route: held.append((route, route.fetch().text())), times=1)
        page.clock.run_for(4_000)
        until(page, lambda: held)
        page.get_by_role("button", name="Claim").click()
        until(page, lambda: served.world.changes)
        assert served.world.changes == [("POST", "cases/card-88120/claim", {})]
        route, before = held[0]
        route.fulfill(body=before, content_type="application/json")
        # Without a further step of the clock.
        expect(page.get_by_text("You have claimed it")).to_be_visible()


@pytest.mark.parametrize(
    ("address", "button", "path", "found"),
    [
        ("#/search?account=237-0041-8823", "Search", "transactions?", "card-88090"),
        ("#/audit?from=2026-06-30T08%3A00", "Show", "audit?", "flags.velocity"),
    ],
)
def test_the_same_question_again_is_asked_again(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    address: str,
    button: str,
    path: str,
    found: str,
) -> None:
    with opened(browser, served, address, member="adam") as page:
        expect(page.get_by_text(found)).to_be_visible()
        (asked,) = requests(served, f"/staff/{path}")
        page.get_by_role("button", name=button, exact=True).click()
        until(page, lambda: requests(served, f"/staff/{path}") == [asked, asked])


def test_the_fields_of_a_search_follow_the_address(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/search?account=237-0041-8823") as page:
        account, status = page.locator("#search-account"), page.locator("#search-status")
        expect(account).to_have_value("237-0041-8823")
        page.goto(f"{served.url}#/search?status=declined")
        expect(account).to_have_value("")
        expect(status).to_have_value("declined")
        page.go_back()
        expect(account).to_have_value("237-0041-8823")
        expect(status).to_have_value("")
        page.get_by_role("link", name="Search", exact=True).click()
        expect(account).to_have_value("")


@pytest.mark.parametrize("address", ["#/search?from=abc", "#/audit?to=31.31.2026", "#/search?min_amount=x&from=9"])
def test_an_address_that_asks_for_no_time_is_a_question_that_the_service_answers(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    address: str,
) -> None:
    with opened(browser, served, address, member="adam") as page:
        expect(page.locator("main table, main .empty").first).to_be_visible()
        until(page, lambda: any(requests(served, asked) for asked in ("=abc", "=31.31.2026", "min_amount=x")))


def test_a_view_that_fails_says_so_and_the_others_are_there(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.settings["flags"].pop("velocity")
    page = open_page(browser, "wide", "light", "en")
    page.goto(f"{served.url}#/flags")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("This view can’t be shown")
    page.get_by_role("link", name="Quota").click()
    expect(heading).to_have_text("Quota")
    served.world.settings["flags"]["velocity"] = samples.SETTINGS["flags"]["velocity"]
    page.get_by_role("link", name="Flags").click()
    expect(heading).to_have_text("Flags")
    expect(page.get_by_text("more than 8 on an account")).to_be_visible()
    page.context.close()


def test_an_e_mail_address_that_was_searched_for_is_in_no_address_and_no_history(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    with opened(browser, served, "#/search") as page:
        seen = []
        page.on("framenavigated", lambda frame: seen.append(frame.url))
        email = page.locator("#search-email")
        email.fill("awa.ndiaye@example.com")
        page.locator("#search-status").select_option("settled")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_text("Awa Ndiaye")).to_be_visible()
        expect(email).to_have_value("awa.ndiaye@example.com")
        (asked,) = requests(served, "/staff/transactions?")
        assert "email=awa.ndiaye%40example.com" in asked
        assert "status=settled" in asked
        # The same again, without the other field.
        page.locator("#search-status").select_option("")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_text("Awa Ndiaye")).to_be_visible()
        page.get_by_role("button", name="Search", exact=True).click()
        until(page, lambda: len(requests(served, "/staff/holders?")) == 3)
        # It goes with its own question alone.
        page.goto(f"{served.url}#/search?status=declined")
        expect(page.get_by_text("card-87710")).to_be_visible()
        expect(email).to_have_value("")
        assert seen
        assert [url for url in [*seen, page.url] if "awa" in url] == []
        page.get_by_role("button", name="Clear").click()
        expect(page.get_by_text("Search for a transaction or a holder")).to_be_visible()


def test_an_address_of_an_earlier_release_asks_for_no_e_mail_address(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/search?email=awa.ndiaye%40example.com") as page:
        expect(page.get_by_text("Search for a transaction or a holder")).to_be_visible()
        assert requests(served, "email=") == []
