"""Every view of the console in a browser: it shows what the API says, to everybody, and on every screen."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import browser  # noqa: F401
from tests.console import samples
from tests.console.gallery import VIEWS, show
from tests.console.pages import (
    opened,
    served,  # noqa: F401
    violations,
)
from tests.console.server import Served

WORDS = {
    "today": ["Needs a person", "0.14s", "FCFA 1,250,340,500", "€88,210.40", "41,230 of 50,000"],
    "search": ["card-88120", "Électro Garonne", "−FCFA 485,000", "Brasserie du Wouri"],
    "transaction": ["12.7 times", "final amount differs", "The mailbox does not exist", "€739.35 × 655.957", "204"],
    "cases": ["card-88120", "It wasn’t me", "Transfert Mobile"],
    "case": ["You have claimed it", "“It wasn’t me”", "Opened by a flag"],
    "account": ["Awa Ndiaye", "FCFA 38,200", "card-88090"],
    "holder": ["paul.ndiaye@example.com", "No e-mail goes to this address", "Chosen by the bank"],
    "flags": ["52.5%", "not known yet", "more than 8 on an account within 15 minutes", "FCFA 750,000"],
    "trial": ["On 18,204 transactions", "Save the change"],
    "webhooks": ["https://fraud.eazycard.example/flags", "Given up", "503", "Waits for a test"],
    "audit": ["Settings changed", "flags.velocity", "192.0.2.17"],
    "quota": ["standard", "30,112 of 100,000"],
}


def text_of(page: Page) -> str:
    return re.sub(r"\s+", " ", page.locator("main").inner_text())


@pytest.mark.parametrize(("size", "scheme", "language"), [("wide", "light", "en"), ("phone", "dark", "fr")])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_the_api_says_axe_finds_nothing_and_it_is_as_wide_as_the_screen(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    view: str,
    size: str,
    scheme: str,
    language: str,
) -> None:
    with opened(browser, served, member="adam", size=size, scheme=scheme, language=language) as page:
        show(page, served, view)
        if language == "en":
            text = text_of(page)
            assert [word for word in WORDS[view] if word not in text] == []
        assert violations(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("() => document.documentElement.lang") == language


@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_a_list_with_the_longest_ids_stays_in_its_panel(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    width: int,
) -> None:
    for number, case in enumerate(served.world.cases):
        case["id"] = f"suspicious-20261129T004158.94{number:04}-{'x' * 30}"
        case["flags"] = ["unusual_amount"]
    with opened(browser, served) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("location.hash = '#/cases'")
        expect(page.locator("table.rows")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        if width >= 1280:  # below, the panel scrolls
            inside = "tables => tables.every(one => one.scrollWidth <= one.parentElement.clientWidth)"
            assert page.locator("main table").evaluate_all(inside)


def test_what_the_bank_sends_is_never_markup(browser: Browser, served: Served) -> None:  # noqa: F811
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    served.world.cases[0]["merchant"] = evil
    served.world.cases[0]["history"].append(
        {"at": samples.at(1), "by": {"kind": "staff", "id": "x", "name": evil}, "what": "noted", "note": evil}
    )
    with opened(browser, served, "#/cases/card-88120") as page:
        expect(page.get_by_text(evil)).to_have_count(3)
        assert page.locator("main img").count() == 0


def test_amounts_are_exact_however_long_they_are(browser: Browser, served: Served) -> None:  # noqa: F811
    total = {"count": 1, "amount": "900719925474099.37"}
    served.world.today_changes = {
        "totals": [
            {
                "currency": currency,
                "count": 1,
                "credit": {**total, "amount": amount},
                "debit": total,
                "net": "-0.1",
                "average": "123456789012345.678",
            }
            for currency, amount in (
                ("EUR", "900719925474099.37"),
                ("KWD", "900719925474099.375"),
                ("XAF", "900719925474099"),
            )
        ]
    }
    with opened(browser, served) as page:
        text = text_of(page)
        for exact in ("€900,719,925,474,099.37", "KWD 900,719,925,474,099.375", "FCFA 900,719,925,474,099", "-€0.10"):
            assert exact in text
        assert "€123,456,789,012,345.678" in text  # no decimal is cut off


def test_the_language_is_switched_and_kept(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        page.get_by_label("Language").select_option("fr")
        expect(page.get_by_role("heading", level=1)).to_have_text("Aujourd’hui")
        expect(page.get_by_text("1 250 340 500 FCFA")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("Aujourd’hui")


def test_a_menu_opens_and_closes_on_a_phone(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, size="phone") as page:
        link = page.get_by_role("link", name="Webhooks", exact=True)
        expect(link).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
        expect(link).to_be_hidden()


def test_a_group_sees_only_what_it_may_press(browser: Browser, served: Served) -> None:  # noqa: F811
    for member, pressed in (("vera", []), ("ines", ["Next case n"]), ("adam", ["Next case n"])):
        with opened(browser, served, "#/cases", member=member) as page:
            expect(page.locator("main .head button")).to_have_text(pressed)
            page.goto(f"{served.url}#/webhooks")
            expect(page.get_by_text("Given up")).to_be_visible()
            assert (page.get_by_role("button", name="Send a test").count() == 1) == (member == "adam")
            assert (page.get_by_role("link", name="Audit trail").count() == 1) == (member == "adam")
            page.goto(f"{served.url}#/flags")
            expect(page.get_by_text("52.5%")).to_be_visible()
            shown = page.locator("#thresholds").locator("..").get_by_role("button")
            expect(shown).to_have_text({"vera": [], "ines": ["Try a change"], "adam": ["Change"]}[member])


def test_a_view_of_another_group_says_which_group_it_needs(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/audit", member="vera") as page:
        expect(page.get_by_role("alert")).to_contain_text("This needs the group Administrator.")
