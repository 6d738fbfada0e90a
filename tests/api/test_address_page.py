"""The page that confirms an address: one button, nothing on a visit, nothing of the record, and who is let through."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.api import preferences_html
from chalicelib.audit.repository import AuditRepository
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.holders.holder import LOCALES
from tests.app_bench import NOW, OTHER_KEY, Bench
from tests.fakes import Refusing, refusal
from tests.links import BASE, confirmation_link
from tests.visitor import Visitor

CONFIRM = "confirm=address"


def on_trial(bench: Bench, bank: str = "eazycard") -> None:
    BankRepository(bench.dynamodb, "BanksTable").put_bank(Bank(bank, bank.title(), "XAF", "trial"))
    bench.restart()


class Asked(Visitor):
    """A holder of a trial bank, with the link that confirms the address."""

    def __init__(self, bench: Bench, bank: str = "eazycard", **enrolment: Any) -> None:
        on_trial(bench, bank)
        super().__init__(bench, bank=bank, **enrolment)
        self.link = confirmation_link(self.holder, bench.now, bank).removeprefix(BASE)

    @property
    def is_waiting(self) -> bool:
        return "confirmation_asked_at" in self.stored and "address_confirmed_at" not in self.stored


def text(page: Any) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page.body.decode().partition("<main>")[2]))


@pytest.fixture
def holder(bench: Bench) -> Asked:
    return Asked(bench, locale="en")


def test_a_visit_asks_with_one_button_and_confirms_nothing(holder: Asked) -> None:
    for _ in range(3):  # mail programs and scanners open links
        page = holder.open(holder.link)
        assert page.status_code == 200
        assert re.findall(r'name="([^"]+)" value="([^"]*)"', page.body.decode()) == [("confirm", "address")]
    assert holder.is_waiting


def test_the_page_shows_nothing_of_the_holders_record(holder: Asked) -> None:
    for page in (holder.open(holder.link), holder.post(CONFIRM, holder.link)):
        for secret in (holder.stored["name"], holder.stored["email"], "A123", "h1"):
            assert secret not in text(page)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("body", ["", "confirm=", "confirm=yes", "answer=recognized", "List-Unsubscribe=One-Click"])
def test_what_is_not_the_pages_own_button_confirms_nothing(holder: Asked, body: str) -> None:
    assert holder.post(body, holder.link).status_code == 200
    assert holder.is_waiting


def test_the_button_confirms_and_the_record_says_when(holder: Asked) -> None:
    holder.bench.now += timedelta(hours=1)
    page = holder.post(CONFIRM, holder.link)
    assert page.status_code == 200
    assert "is confirmed" in text(page)
    assert holder.stored["address_confirmed_at"] == "2026-01-10T15:00:00Z"
    assert holder.stored["confirmation_asked_at"] == "2026-01-10T14:00:00Z"
    holder.bench.now += timedelta(hours=1)
    for again in (holder.post(CONFIRM, holder.link), holder.open(holder.link)):
        assert text(again) == text(page)
    assert holder.stored["address_confirmed_at"] == "2026-01-10T15:00:00Z"


def test_sent_again_the_holder_stays_confirmed_and_with_another_address_waits(holder: Asked) -> None:
    holder.post(CONFIRM, holder.link)
    holder.enrol(locale="en", name="Awa N.")
    assert not holder.is_waiting
    holder.enrol(email="new@example.com")
    assert holder.is_waiting
    assert holder.open(holder.link).status_code == 400  # nobody has the old address


def test_a_patch_of_the_address_asks_too(holder: Asked) -> None:
    holder.post(CONFIRM, holder.link)
    holder.bench.request("PATCH", holder.path, {"email": "new@example.com"}, key=holder.key)
    assert holder.is_waiting
    holder.bench.request("PATCH", holder.path, {"name": "Awa N."}, key=holder.key)
    assert holder.is_waiting


def test_a_link_is_for_its_bank_alone(holder: Asked) -> None:
    other = Asked(holder.bench, "other-bank")
    assert holder.stored["email"] == other.stored["email"]
    other.post(CONFIRM, other.link)
    assert (holder.is_waiting, other.is_waiting) == (True, False)
    assert holder.bench.get(holder.path, key=OTHER_KEY).json_body["address_confirmed_at"]


def test_a_link_of_a_bank_that_the_address_is_unknown_to_opens_nothing(holder: Asked) -> None:
    stranger = confirmation_link(holder.holder, holder.bench.now, "other-bank").removeprefix(BASE)
    assert holder.open(stranger).status_code == 400
    assert holder.post(CONFIRM, stranger).status_code == 400


def test_erased_and_enrolled_again_the_holder_confirms_with_the_first_mails_link(holder: Asked) -> None:
    holder.bench.request("DELETE", holder.path, key=holder.key)
    assert holder.open(holder.link).status_code == 400
    holder.enrol()
    assert holder.is_waiting
    holder.post(CONFIRM, holder.link)
    assert not holder.is_waiting


def test_other_links_forged_ones_and_old_ones_open_nothing(holder: Asked) -> None:
    token = holder.link.rpartition("/")[2]
    changed = ("A" if token[0] != "A" else "B") + token[1:]
    others = (holder.page_path.rpartition("/")[2], holder.unsubscribe_path.rpartition("/")[2])
    for wrong in (changed, *others, "x", "a.b", "%00"):
        assert holder.open(f"/addresses/{wrong}").status_code == 400
        assert holder.post(CONFIRM, f"/addresses/{wrong}").status_code == 400
    for path in ("/preferences/", "/alerts/"):
        assert holder.open(path + token).status_code == 400
    holder.bench.now += timedelta(days=14, seconds=1)
    page = holder.post(CONFIRM, holder.link)
    assert page.status_code == 400
    assert "14 days" in text(page)
    assert "14 jours" in text(page)
    assert holder.is_waiting


@pytest.mark.parametrize(("locale", "button"), [("fr", "Oui, c’est mon adresse"), ("en-GB", "Yes, this is my address")])
def test_the_page_speaks_the_holders_language(bench: Bench, locale: str, button: str) -> None:
    page = Asked(bench, locale=locale).open(Asked(bench, locale=locale).link)
    assert button in text(page)
    assert f'lang="{locale[:2]}"' in page.body.decode()
    assert not re.search(r"\{\w+\}", text(page))


def test_both_languages_have_the_same_words() -> None:
    french, english = (preferences_html.words_of(locale)["confirm"] for locale in LOCALES)
    assert french.keys() == english.keys()
    assert french["invalid"].keys() == english["invalid"].keys()


def test_a_confirmation_is_in_the_audit_trail_once_and_one_that_can_not_be_noted_is_none(holder: Asked) -> None:
    dynamodb = holder.bench.dynamodb
    holder.bench.restart(dynamodb=Refusing(dynamodb, refusal("ThrottlingException"), "put_item"))
    assert holder.post(CONFIRM, holder.link).status_code == 503
    holder.bench.restart(dynamodb=dynamodb)
    assert holder.is_waiting
    for _ in range(2):
        holder.post(CONFIRM, holder.link)
    trail = AuditRepository(dynamodb, "AuditTable", 10).of_bank("eazycard", NOW, NOW + timedelta(days=1))
    (entry,) = (one for one in trail if one.action == "address.confirm")
    assert (entry.author.kind, entry.author.id) == ("holder", entry.subject)


def test_a_body_that_is_too_large_is_refused(holder: Asked) -> None:
    assert holder.post("x" * 70_000, holder.link).status_code == 413
    assert holder.is_waiting


def test_by_the_banks_own_setting_and_not_on_a_plan_without_it(bench: Bench) -> None:
    visitor = Visitor(bench)
    assert "confirmation_asked_at" not in visitor.stored
    assert bench.request("PATCH", "/settings", {"confirm_addresses": True}).json_body["confirm_addresses"] is True
    bench.now += timedelta(seconds=61)  # settings are cached for a minute
    visitor.enrol()
    assert "confirmation_asked_at" not in visitor.stored  # who was there stays
    visitor.enrol(email="new@example.com")
    assert visitor.stored["confirmation_asked_at"]
    bench.request("PATCH", "/settings", {"confirm_addresses": None})
    bench.now += timedelta(seconds=61)
    visitor.enrol(email="new@example.com")
    assert "confirmation_asked_at" not in visitor.stored
