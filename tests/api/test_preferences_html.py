"""The holder's pages as HTML: in the holder's language, outside text escaped, the style as the policy names it."""

import base64
import dataclasses
import hashlib
import re
from datetime import UTC, datetime

import pytest

from chalicelib.api import preferences_html as html
from chalicelib.api.preferences_form import Form, Mistake, fill_form
from chalicelib.banks.bank import Bank
from chalicelib.holders.holder import LOCALES, Holder
from chalicelib.ledger.money import CURRENCY_DECIMALS, FUND_CODES
from tests.forms import forms

AWA = Holder("awa", "Awa", "awa@example.com", "fr", "Africa/Douala", {}, datetime(2026, 1, 10, tzinfo=UTC))
BANK = Bank("eazycard", "EAZYCard", "XAF", "standard")
ACCOUNT = "CM21-1000-4567"


def form(locale: str = "fr", **preferences: object) -> Form:
    return fill_form(preferences, ["XAF"], locale)


def in_language(locale: str) -> Holder:
    return dataclasses.replace(AWA, locale=locale)


def pages(holder: Holder, bank: Bank = BANK, account: str = ACCOUNT) -> list[str]:
    """Return every page that is for one holder."""
    locale = html.locale_of(holder)
    return [
        html.form_page(form(locale), holder, bank, account),
        html.unsubscribe_page(holder, bank, account),
        html.unsubscribed_page(holder, bank, account),
        html.resubscribed_page(holder, bank, account),
        html.confirm_alerts_page(holder, bank, account),
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_is_in_the_holder_s_language(locale: str) -> None:
    for page in pages(in_language(locale)):
        assert f'<html lang="{locale}"' in page


def test_a_holder_whose_language_the_pages_do_not_have_gets_the_first() -> None:
    assert html.locale_of(in_language("de")) == LOCALES[0]
    assert pages(in_language("de")) == pages(in_language(LOCALES[0]))


def test_a_holder_whose_locale_names_a_region_gets_the_language() -> None:
    assert html.locale_of(in_language("en-GB")) == "en"


def with_preferences(**preferences: object) -> Holder:
    return dataclasses.replace(AWA, preferences=preferences)


@pytest.mark.parametrize(
    ("preferences", "buttons"),
    [
        ({}, ["alerts_off"]),
        ({"muted": True}, ["emails_on", "alerts_off"]),
        ({"alerts": False}, ["alerts_on"]),
        ({"muted": True, "alerts": False}, ["emails_on", "alerts_on"]),
    ],
)
def test_the_form_has_a_button_for_each_thing_that_is_not_in_it(
    preferences: dict[str, object], buttons: list[str]
) -> None:
    holder = with_preferences(**preferences)
    page = html.form_page(form(**preferences), holder, BANK, ACCOUNT)
    assert [fields["do"][0] for fields in forms(page) if "do" in fields] == buttons
    assert ("ne vous en avertirait pas" in page) == (not holder.has_alerts)


@pytest.mark.parametrize("alerts", [True, False])
def test_each_page_about_unsubscribing_says_whether_alerts_still_come(alerts: bool) -> None:
    holder = with_preferences(alerts=alerts)
    for page in (html.unsubscribe_page, html.unsubscribed_page, html.resubscribed_page):
        text = page(holder, BANK, ACCOUNT)
        assert ("Seules les alertes de sécurité continuent" in text) == alerts
        assert ("Les alertes de sécurité sont désactivées aussi" in text) != alerts


@pytest.mark.parametrize("note", ["invalid", "busy"])
def test_a_page_for_nobody_in_particular_is_in_all_languages(note: str) -> None:
    page = html.general_page(note)
    assert len(re.findall(r'lang="(fr|en)"', page)) >= len(LOCALES)


def test_a_bank_s_name_can_put_no_tag_and_no_link_on_a_page_and_the_account_is_masked() -> None:
    bank = dataclasses.replace(BANK, name='<script src="https://evil.example/">')
    for page in pages(AWA, bank):
        assert "<script" not in page
        assert "evil.example" not in page
        assert "&lt;script" in page
        assert "…\N{WORD JOINER}4567" in page
        assert ACCOUNT not in page


@pytest.mark.parametrize(
    ("mistake", "locale", "message"),
    [
        (Mistake("no_decimals", "XAF", 0), "fr", "Saisissez un montant sans décimales"),
        (Mistake("decimals", "EUR", 2), "en", "Enter an amount with at most 2 decimals."),
    ],
)
def test_a_mistake_is_said_in_the_holder_s_language(mistake: Mistake, locale: str, message: str) -> None:
    holder = in_language(locale)
    assert message not in html.form_page(form(locale), holder, BANK, ACCOUNT)
    assert message in html.form_page(form(locale), holder, BANK, ACCOUNT, mistakes={"min_amount.XAF": mistake})


def test_the_style_on_the_page_is_the_one_that_the_policy_allows() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", pages(AWA)[0], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert html.style_hash() == f"'sha256-{digest}'"


def test_every_other_currency_can_be_chosen_by_its_name() -> None:
    page = html.form_page(form(), AWA, BANK, ACCOUNT)
    assert "EUR – euro" in page
    assert page.count("XAF –") == 1


def test_no_fund_can_be_chosen_but_a_minimum_that_a_holder_has_in_one_is_shown() -> None:
    listed = re.findall(r'<option value="([A-Z]{3})"', html.form_page(form(), AWA, BANK, ACCOUNT))
    assert set(listed) == CURRENCY_DECIMALS.keys() - FUND_CODES - {BANK.default_currency}
    assert CURRENCY_DECIMALS.keys() > FUND_CODES
    page = html.form_page(form(min_amount={"CLF": "5"}), AWA, BANK, ACCOUNT)
    assert 'name="min_amount.CLF"' in page


def test_a_currency_without_a_name_is_listed_once_by_its_code() -> None:
    page = html.form_page(form(), AWA, BANK, ACCOUNT)
    assert not re.search(r">([A-Z]{3}) – \1<", page)


@pytest.mark.parametrize("locale", ["fr-CM", "en-GB", "en-JP"])
def test_a_holder_with_a_region_gets_the_page_of_the_language(locale: str) -> None:
    language = locale.partition("-")[0]
    page = html.form_page(form(), in_language(locale), BANK, ACCOUNT)
    assert f'<html lang="{language}">' in page
    assert ("heure du Cameroun" if language == "fr" else "Cameroon time") in page


def test_a_zone_without_a_place_is_shown_by_its_offset() -> None:
    holder = dataclasses.replace(AWA, timezone="Etc/GMT+5")
    assert "(UTC−05:00)" in html.form_page(form(), holder, BANK, ACCOUNT)
