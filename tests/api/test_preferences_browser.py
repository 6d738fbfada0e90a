"""The preferences page in a browser, as holders use it: with a mouse, with keys only, on a phone, in the dark."""

import contextlib
import http.client
import itertools
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from tests.api_server import KEY, NOW, serving
from tests.browser import (
    Watched,
    browser,  # noqa: F401
)
from tests.links import links_for

PHONE = {"width": 320, "height": 640}
# WCAG 2.2, level AA: contrast of text, contrast of what a control is known by, size of what is pressed.
TEXT_CONTRAST, CONTROL_CONTRAST, TARGET_PX = 4.5, 3.0, 24
# What has the focus, and how it is outlined; within a time the browser shows it in its own way.
FOCUSED = """() => {
  const one = document.activeElement;
  return [one.id || one.textContent, one.matches(":focus") ? getComputedStyle(one).outlineStyle : "solid"];
}"""
_accounts = itertools.count(1)


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with serving("/prod") as url:
        yield url


class Awa:
    """A holder with an e-mail's links, and her bank, which reads what is stored."""

    def __init__(self, api_url: str, locale: str, **preferences: Any) -> None:
        self._url = api_url
        self._path = f"/accounts/page-{next(_accounts)}/holders/awa"
        self.enrol(locale=locale, preferences=preferences)
        account = self._path.split("/")[2]
        since = datetime.fromisoformat(json.loads(self.ask("GET", f"{self._url}{self._path}")[1])["enrolled_at"])
        holder = Holder("awa", "Awa Ndiaye", "awa@example.com", locale, "Africa/Douala", {}, since)
        self.links: Links = links_for(account, holder, NOW, base=api_url)

    def enrol(self, **changes: Any) -> None:
        body = {"name": "Awa Ndiaye", "email": "awa@example.com", "timezone": "Africa/Douala", **changes}
        status, _ = self.ask("PUT", f"{self._url}{self._path}", json.dumps(body), "application/json")
        assert status in (200, 201)

    def ask(self, method: str, url: str, body: str = "", content_type: str | None = None) -> tuple[int, str]:
        parts = urlsplit(url)
        headers = {"x-api-key": KEY, **({"content-type": content_type} if content_type else {})}
        with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
            connection.request(method, f"{parts.path}?{parts.query}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    @property
    def preferences(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ask("GET", f"{self._url}{self._path}")[1])["preferences"]
        return found


@pytest.fixture
def awa(api_url: str) -> Awa:
    return Awa(api_url, "fr", min_amount={"XAF": "5000"})


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    """A browser without scripts, as an e-mail program's may be."""
    with contextlib.closing(browser.new_context(java_script_enabled=False, locale="fr-FR")) as found:
        yield found


def test_a_holder_opens_the_link_changes_saves_and_finds_it_saved(context: BrowserContext, awa: Awa) -> None:
    page = context.new_page()
    watched = Watched(page)
    page.goto(str(awa.links.preferences))
    assert page.title() == "Vos préférences d’e-mail"
    assert page.locator("html").get_attribute("lang") == "fr"
    expect(page.get_by_label("Minimum en XAF")).to_have_value("5000")

    page.get_by_label("Crédits").uncheck()
    page.get_by_label("Minimum en EUR").fill("12,50")
    page.get_by_label("Autre devise").select_option("USD")
    page.get_by_label("Minimum dans cette devise").fill("20")
    page.get_by_label("Ne pas m’envoyer d’e-mail pendant ces heures").check()
    page.get_by_label("De", exact=True).fill("21:30")
    page.get_by_label("À", exact=True).fill("06:15")
    page.get_by_label("Chaque mois").check()
    page.get_by_role("button", name="Enregistrer").click()

    expect(page.get_by_role("status")).to_have_text("Vos préférences sont enregistrées.")
    assert awa.preferences == {
        "types": ["debit"],
        "min_amount": {"XAF": "5000", "EUR": "12.50", "USD": "20"},
        "quiet_hours": {"from": "21:30", "to": "06:15"},
        "statement": "monthly",
    }
    page.goto(str(awa.links.preferences))
    expect(page.get_by_role("status")).to_have_count(0)
    expect(page.get_by_label("Crédits")).not_to_be_checked()
    expect(page.get_by_label("Débits")).to_be_checked()
    expect(page.get_by_label("Minimum en EUR")).to_have_value("12,50")
    expect(page.get_by_label("Minimum en USD")).to_have_value("20")
    expect(page.get_by_label("De", exact=True)).to_have_value("21:30")
    expect(page.get_by_label("Chaque mois")).to_be_checked()
    assert watched.said == []
    assert [url for url in watched.urls if not url.startswith(f"{awa._url}/preferences/") and url != "data:,"] == []


def test_reloading_the_confirmation_saves_the_same_again(context: BrowserContext, awa: Awa) -> None:
    page = context.new_page()
    page.goto(str(awa.links.preferences))
    page.get_by_label("Chaque semaine").check()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.reload()
    expect(page.get_by_role("status")).to_be_visible()
    assert awa.preferences == {"min_amount": {"XAF": "5000"}, "statement": "weekly"}


def test_keys_alone_are_enough_and_the_focus_is_always_seen(browser: Browser, api_url: str) -> None:  # noqa: F811
    awa = Awa(api_url, "en")
    with browser.new_page() as page:
        page.goto(str(awa.links.preferences))
        seen = []
        for _ in range(30):
            page.keyboard.press("Tab")
            name, outline = page.evaluate(FOCUSED)
            seen.append(name)
            assert outline == "solid", name
            if seen[-1] in ("types-credit", "muted-on"):
                page.keyboard.press("Space")
            if seen[-1] == "statement-none":
                page.keyboard.press("ArrowDown")
            if seen[-1] == "min_amount.EUR":
                page.keyboard.type("9.99")
            if seen[-1] == "Turn security alerts off…":
                break
        page.get_by_role("button", name="Save").focus()
        in_order = [one for one, _ in itertools.groupby(seen)]
        fields = ["types-credit", "types-debit", "min_amount.EUR", "new_currency", "new_least", "quiet-on"]
        assert in_order == [*fields, "quiet_from", "quiet_to", "statement-none", "muted-on", "Save", seen[-1]]
        page.keyboard.press("Enter")
        # Who doesn't see the page hears at once what became of it.
        expect(page.get_by_role("status")).to_be_focused()
        expect(page.get_by_role("status")).to_contain_text("Saved. You will get no more e-mails about this account")
    assert awa.preferences == {
        "types": ["debit"],
        "min_amount": {"EUR": "9.99"},
        "statement": "weekly",
        "muted": True,
    }


def test_mistakes_are_heard_first_lead_to_their_fields_and_cost_nothing_typed(
    browser: Browser,  # noqa: F811
    awa: Awa,
) -> None:
    before = awa.preferences
    with browser.new_page() as page:
        page.goto(str(awa.links.preferences))
        page.get_by_label("Minimum en XAF").fill("beaucoup")
        page.get_by_label("Minimum dans cette devise").fill("20")
        page.get_by_label("Chaque mois").check()
        page.get_by_role("button", name="Enregistrer").click()
        summary = page.get_by_role("alert")
        expect(summary).to_be_focused()
        assert page.title().startswith("À corriger")
        expect(summary.get_by_role("link")).to_have_count(2)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        field = page.get_by_label("Minimum en XAF")
        expect(field).to_have_value("beaucoup")
        expect(field).to_have_attribute("aria-invalid", "true")
        described = page.locator(f"[id='{field.get_attribute('aria-describedby')}']")
        expect(described).to_have_text("Saisissez un montant, par exemple 5000.")
        expect(page.get_by_label("Chaque mois")).to_be_checked()
        assert awa.preferences == before
        field.fill("7 500")
        page.get_by_label("Minimum dans cette devise").fill("")
        page.get_by_role("button", name="Enregistrer").click()
        expect(page.get_by_role("status")).to_be_visible()
    assert awa.preferences == {"min_amount": {"XAF": "7500"}, "statement": "monthly"}


def test_what_the_bank_changed_meanwhile_is_shown_before_it_can_be_changed_again(
    context: BrowserContext, awa: Awa
) -> None:
    page = context.new_page()
    page.goto(str(awa.links.preferences))
    awa.enrol(preferences={"types": ["debit"]}, locale="fr")
    page.get_by_label("Chaque mois").check()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("alert")).to_contain_text("modifiées entre-temps")
    expect(page.get_by_label("Crédits")).not_to_be_checked()
    assert awa.preferences == {"types": ["debit"]}
    page.get_by_label("Chaque mois").check()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert awa.preferences == {"types": ["debit"], "statement": "monthly"}


def test_scanners_that_follow_the_links_of_an_e_mail_change_nothing(browser: Browser, awa: Awa) -> None:  # noqa: F811
    before = awa.preferences
    for link in (str(awa.links.preferences), str(awa.links.unsubscribe)):
        for method in ("HEAD", "GET", "GET", "OPTIONS"):
            awa.ask(method, link)
            awa.ask(method, f"{link}?List-Unsubscribe=One-Click")
        # One that opens a real browser, runs scripts and waits.
        with browser.new_page() as page:
            page.goto(link)
            page.wait_for_timeout(300)
            page.mouse.wheel(0, 5000)
    assert awa.preferences == before


def test_unsubscribing_by_hand_takes_one_press_of_a_button(context: BrowserContext, awa: Awa) -> None:
    page = context.new_page()
    page.goto(str(awa.links.unsubscribe))
    expect(page.get_by_role("heading")).to_have_text("Désactiver tous les e-mails\u202f?")
    assert "muted" not in awa.preferences
    page.get_by_role("button", name="Désactiver tous les e-mails").click()
    expect(page.get_by_role("heading")).to_have_text("E-mails désactivés")
    assert awa.preferences["muted"] is True


def test_unsubscribing_by_a_mail_program_takes_one_post(awa: Awa) -> None:
    body = "List-Unsubscribe=One-Click"
    for _ in range(2):
        assert awa.ask("POST", str(awa.links.unsubscribe), body, "application/x-www-form-urlencoded")[0] == 200
    assert awa.preferences == {"min_amount": {"XAF": "5000"}, "muted": True}


def test_security_alerts_end_after_a_second_page_is_confirmed_and_one_press_takes_it_back(
    context: BrowserContext, awa: Awa
) -> None:
    page = context.new_page()
    watched = Watched(page)
    before = awa.preferences
    page.goto(str(awa.links.preferences))
    page.get_by_role("button", name="Désactiver les alertes de sécurité").click()
    expect(page.get_by_role("heading")).to_have_text("Désactiver les alertes de sécurité\u202f?")
    # The first way out is to keep them.
    page.get_by_role("button").first.click()
    expect(page.get_by_role("button", name="Enregistrer")).to_be_visible()
    assert awa.preferences == before

    page.get_by_role("button", name="Désactiver les alertes de sécurité").click()
    page.get_by_role("button", name="Désactiver les alertes de sécurité").click()
    expect(page.get_by_role("status")).to_contain_text("Les alertes de sécurité sont désactivées.")
    assert awa.preferences == {**before, "alerts": False}
    page.reload()
    assert awa.preferences == {**before, "alerts": False}
    awa.enrol(locale="fr", preferences={"alerts": True})
    assert awa.preferences == {"alerts": False}

    page.goto(str(awa.links.preferences))
    page.get_by_role("button", name="Réactiver les alertes de sécurité").click()
    expect(page.get_by_role("status")).to_contain_text("de nouveau activées")
    assert awa.preferences == {"alerts": True}
    assert watched.said == []


def test_who_has_unsubscribed_takes_it_back_there_and_on_the_page(context: BrowserContext, awa: Awa) -> None:
    page = context.new_page()
    for link in (str(awa.links.unsubscribe), str(awa.links.preferences)):
        assert awa.ask("POST", str(awa.links.unsubscribe))[0] == 200
        assert awa.preferences["muted"] is True
        page.goto(link)
        if link == str(awa.links.unsubscribe):
            page.get_by_role("button", name="Désactiver tous les e-mails").click()
            expect(page.get_by_text("Seules les alertes de sécurité continuent")).to_be_visible()
        page.get_by_role("button", name="Réactiver les e-mails").click()
        expect(page.get_by_text(re.compile("réactivés|de nouveau activés", re.IGNORECASE)).first).to_be_visible()
        assert awa.preferences["muted"] is False


def test_a_link_that_is_no_longer_valid_says_so_in_both_languages(context: BrowserContext, api_url: str) -> None:
    page = context.new_page()
    response = page.goto(f"{api_url}/preferences/forged.link.x")
    assert response is not None
    assert response.status == 400
    for language, title in (("fr", "Ce lien n’est plus valable"), ("en", "This link is no longer valid")):
        expect(page.locator(f"[lang={language}]").get_by_role("heading", name=title)).to_be_visible()


CHECKS = (Path(__file__).parents[1] / "page_checks.js").read_text()


def shown_in_all_states(page: Page, awa: Awa, api_url: str) -> Iterator[str]:
    """Bring up each page, one after the other; yield its name."""
    page.goto(str(awa.links.preferences))
    yield "form"
    page.get_by_label("XAF").fill("x" * 40)
    page.locator("#quiet-on").check()
    page.locator("#quiet_to").fill("")
    page.locator("#preferences > button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "mistakes"
    page.goto(str(awa.links.preferences))
    page.locator("#statement-weekly").check()
    page.locator("#preferences > button").click()
    yield "saved"
    page.locator("button.quiet").click()
    yield "confirm_alerts"
    page.locator("button.quiet").click()
    yield "alerts_off"
    page.goto(str(awa.links.unsubscribe))
    yield "unsubscribe"
    page.locator("button").click()
    yield "unsubscribed"
    page.goto(str(awa.links.preferences))
    yield "form_of_who_is_unsubscribed"
    page.goto(str(awa.links.unsubscribe))
    page.locator("button").click()
    page.locator("button").click()
    yield "resubscribed"
    page.goto(f"{api_url}/preferences/x")
    yield "invalid"


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_every_page_can_be_read_and_used_by_everybody(
    browser: Browser,  # noqa: F811
    api_url: str,
    locale: str,
    scheme: Any,
    width: int,
    tmp_path: Path,
) -> None:
    awa = Awa(api_url, locale, min_amount={"XAF": "5000"})
    with browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 700}) as page:
        for name in shown_in_all_states(page, awa, api_url):
            page.screenshot(path=tmp_path / f"{name}.{locale}.{scheme}.{width}.png", full_page=True)
            found = page.evaluate(CHECKS)
            assert len(found["texts"]) >= 2
            for text in found["texts"]:
                assert text["contrast"] >= TEXT_CONTRAST, (name, text)
            for control in found["controls"]:
                assert control["name"], (name, control)
                assert control["contrast"] >= CONTROL_CONTRAST, (name, control)
                assert min(control["width"], control["height"]) >= TARGET_PX, (name, control)
            assert found["ids"] == sorted(set(found["ids"])), name
            assert found["dangling"] == [], name
            assert found["headings"] == 1 or name == "invalid"
            assert found["scrollWidth"] <= width, name
            # Every group of boxes has a name of its own.
            assert all(found["legends"]), name
            assert not re.search(r"\{\w+\}", page.inner_text("body")), name


def test_text_at_twice_its_size_still_fits(browser: Browser, awa: Awa) -> None:  # noqa: F811
    with browser.new_page(viewport=PHONE) as page:
        page.goto(str(awa.links.preferences))
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
