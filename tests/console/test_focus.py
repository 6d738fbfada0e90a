"""The keyboard and the screen reader follow: to a new view, to what is found, and to what a press has done."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import browser  # noqa: F401
from tests.console.pages import (
    opened,
    served,  # noqa: F401
)
from tests.console.server import Served

# An address, and a link within the view that leads to another one.
LINKS = {
    "from the queue to a case": ("#/cases", "card-88120", "Case card-88120"),
    "from a case to its transaction": ("#/cases/card-88120", "Everything about it", "Transaction card-88120"),
    "from a transaction to another": ("#/transactions/card-88120", "card-88119", "Transaction card-88119"),
    "from a search to an account": ("#/search?status=declined", "237-0041-8823", "Account 237-0041-8823"),
    "from an account to a holder": ("#/accounts/237-0041-8823", "Paul Ndiaye", "Holder Paul Ndiaye"),
    "back by the crumbs": ("#/cases/card-88120", "Cases", "Cases"),
}


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.tagName"))


@pytest.mark.parametrize("way", LINKS)
@pytest.mark.parametrize("key", ["Enter", ""])
def test_a_link_within_a_view_leads_the_keyboard_to_the_new_heading(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    way: str,
    key: str,
) -> None:
    address, name, heading = LINKS[way]
    with opened(browser, served, address) as page:
        assert focused(page) == "BODY"  # a page that is opened begins at its beginning
        link = page.locator("main").get_by_role("link", name=name, exact=True).first
        link.press(key) if key else link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.locator("h1:focus")).to_have_count(1)


def test_another_question_or_language_leaves_the_keyboard_where_it_is(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/today") as page:
        page.get_by_role("button", name="30 days").press("Enter")
        expect(page.get_by_role("table", name="Money moved")).to_be_visible()
        assert focused(page) == "BUTTON"
        page.get_by_label("Language").focus()
        page.get_by_label("Language").select_option("fr")
        expect(page.get_by_role("heading", level=1)).to_have_text("Aujourd’hui")
        assert focused(page) == "SELECT"
        assert page.title().startswith("Aujourd’hui")


MOVES = {
    "claim": ("card-88120", "Claim", "The case is claimed."),
    "close": ("card-88120", "Fraud f", "The case is closed."),
    "release": ("card-88120", "Give back", "The case is given back."),
    "note": ("card-88120", "Add the note", "The note is added."),
    "re-open": ("card-87001", "Re-open", "The case is open again."),
}


@pytest.mark.parametrize("move", MOVES)
def test_a_move_says_that_it_is_made_and_the_keyboard_stays_with_the_case(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    move: str,
) -> None:
    case, button, said = MOVES[move]
    with opened(browser, served, f"#/cases/{case}") as page:
        if move in ("close", "release", "note"):
            page.keyboard.press("c")
            page.locator("#note").fill("Called.")
        page.get_by_role("button", name=button).press("Enter")
        expect(page.get_by_role("status").get_by_text(said)).to_have_count(1)
        expect(page.get_by_role("group", name="Work on the case")).to_be_focused()


def test_a_search_says_how_many_it_found(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/search?account=237-0041-8823") as page:
        found = page.get_by_role("status")
        expect(found.get_by_text("6 transactions found")).to_have_count(1)
        page.locator("#search-status").select_option("declined")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(found.get_by_text("1 transaction found")).to_have_count(1)
        page.locator("#search-id").fill("none")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(found.get_by_text("0 transactions found")).to_have_count(1)


def test_what_ends_in_a_dialog_or_a_form_gives_the_keyboard_to_the_heading(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/accounts/237-0041-8823/holders/paul", member="adam") as page:
        page.get_by_role("button", name="Send again").press("Enter")
        page.get_by_role("dialog").get_by_role("button", name="Send again").press("Enter")
        expect(page.get_by_role("status").get_by_text("E-mails go to this address again.")).to_have_count(1)
        expect(page.locator("h1:focus")).to_have_count(1)
        page.goto(f"{served.url}#/flags")
        page.get_by_role("button", name="Change").press("Enter")
        page.get_by_role("button", name="Cancel").press("Enter")
        expect(page.locator("h1:focus")).to_have_count(1)
