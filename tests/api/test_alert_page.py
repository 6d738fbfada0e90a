"""The page at a security alert's links: one button each, one answer, corrected for an hour, kind to old links."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import HTTPResponse

from chalicelib.api import preferences_html
from chalicelib.audit.repository import AuditRepository
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.holders.holder import LOCALES
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.times import format_time
from tests.app_bench import NOW, Bench
from tests.fakes import Refusing, refusal
from tests.links import BASE, links_for
from tests.samples import transaction
from tests.visitor import FORM, Visitor

FLAGS = {"large_amount": {"amount": "250500", "currency": "XAF", "threshold": "200000"}}
TRANSACTION = transaction(
    id="t1",
    account="A123",
    timestamp=datetime(2026, 1, 10, 13, 30, tzinfo=UTC),
    merchant={"name": "Balogun <b>Electronics</b> http://evil.example", "country": "NG"},
)


class Asked(Visitor):
    """A holder with the two links of a security alert."""

    def __init__(self, bench: Bench, **enrolment: Any) -> None:
        super().__init__(bench, **enrolment)
        self.transactions = TransactionRepository(bench.dynamodb, "TransactionsTable")
        self.flags = FlagRepository(bench.dynamodb, "TransactionsTable")
        self.transactions.add(TRANSACTION)
        self.flags.record([Flagging(TRANSACTION, FLAGS, frozenset(), bench.now)])
        links = links_for("A123", self.holder, bench.now, alerts=["t1"]).answers["t1"]
        self.was_me, self.was_not_me = (link.removeprefix(BASE) for link in links)

    def press(self, path: str) -> HTTPResponse:
        """Open the page, and send what its button sends."""
        return self.post(urlencode(buttons(self.open(path))[0]), path, FORM)

    def answers(self) -> list[tuple[str, str]]:
        found = self.bench.get("/transactions/t1").json_body.get("answers", [])
        return [(one["holder"], one["answer"]) for one in found]


def buttons(page: HTTPResponse) -> list[dict[str, str]]:
    """Return what each button of the page sends."""
    forms = re.findall(r'<form method="post".*?</form>', page.body.decode(), re.DOTALL)
    return [dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form)) for form in forms]


def text(page: HTTPResponse) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page.body.decode().partition("<main>")[2]))


@pytest.fixture
def holder(bench: Bench) -> Asked:
    return Asked(bench, locale="en")


def test_a_visit_shows_the_transaction_and_one_button_and_answers_nothing(holder: Asked) -> None:
    for path, answer in ((holder.was_me, "recognized"), (holder.was_not_me, "not_recognized")):
        for _ in range(3):  # mail programs and scanners open links
            page = holder.open(path)
            assert page.status_code == 200
            assert buttons(page) == [{"answer": answer}]
            assert "Balogun" in text(page)
            assert "2:30" in text(page)  # in the holder's own zone
    assert holder.answers() == []


@pytest.mark.parametrize("body", ["", "answer=recognized", "answer=yes", "List-Unsubscribe=One-Click", "answer="])
def test_what_is_not_the_links_own_button_answers_nothing(holder: Asked, body: str) -> None:
    page = holder.post(body, holder.was_not_me, FORM)
    assert page.status_code == 200
    assert buttons(page) == [{"answer": "not_recognized"}]
    assert holder.answers() == []


def test_the_button_answers_and_the_page_says_what_happens_now(holder: Asked) -> None:
    page = holder.press(holder.was_not_me)
    assert page.status_code == 200
    assert holder.answers() == [("h1", "not_recognized")]
    assert buttons(page) == []
    for words in ("was told at once", "Call Eazycard now", "blocks nothing by itself"):
        assert words in text(page)
    # Sent again, or opened again: the same.
    for again in (holder.post("answer=not_recognized", holder.was_not_me, FORM), holder.open(holder.was_not_me)):
        assert text(again) == text(page)
    assert holder.answers() == [("h1", "not_recognized")]


def test_an_answer_can_be_corrected_for_an_hour_with_the_other_link(holder: Asked) -> None:
    holder.press(holder.was_not_me)
    holder.bench.now += timedelta(minutes=59)
    page = holder.open(holder.was_me)
    assert buttons(page) == [{"answer": "recognized"}]
    holder.press(holder.was_me)
    assert holder.answers() == [("h1", "recognized")]
    assert "10 January 2026" in text(page)  # until when, with the day


LATE = {
    "en": {
        "recognized": ("not recorded", "was not passed on to Eazycard", "isn’t yours", "call Eazycard"),
        "not_recognized": (
            "not recorded",
            "was not passed on to Eazycard",
            "was yours",
            "call Eazycard now",
            "blocked",
        ),
    },
    "fr": {
        "recognized": ("n’a pas été enregistrée", "pas été transmis à Eazycard", "n’est pas la", "appelez Eazycard"),
        "not_recognized": (
            "n’a pas été enregistrée",
            "pas été transmis à Eazycard",
            "est la vôtre",
            "appelez maintenant Eazycard",
            "blocage",
        ),
    },
}
STANDS = {"en": "10 January 2026", "fr": "10 janvier 2026"}
CORRECTABLE = {"en": "you can correct", "fr": "Vous pouvez corriger"}


@pytest.mark.parametrize("locale", LATE)
@pytest.mark.parametrize("first", ["recognized", "not_recognized"])
def test_a_final_answer_stands_and_the_other_link_says_that_it_was_not_recorded(
    bench: Bench, locale: str, first: str
) -> None:
    holder = Asked(bench, locale=locale)
    links = {"recognized": holder.was_me, "not_recognized": holder.was_not_me}
    other = next(answer for answer in links if answer != first)
    assert CORRECTABLE[locale] in text(holder.press(links[first]))
    done = preferences_html.words_of(locale)["answer"][first]["done_title"]
    holder.bench.now += timedelta(minutes=61)
    for page in (holder.open(links[other]), holder.post(f"answer={other}", links[other], FORM)):
        assert page.status_code == 200
        assert buttons(page) == []
        assert [words for words in (*LATE[locale][other], STANDS[locale]) if words not in text(page)] == []
        assert CORRECTABLE[locale] not in text(page)
        assert done not in text(page)
    same = holder.open(links[first])
    assert done in text(same)
    assert STANDS[locale] in text(same)
    assert CORRECTABLE[locale] not in text(same)
    assert holder.answers() == [("h1", first)]


def test_a_link_older_than_seven_days_says_so_kindly_in_both_languages(holder: Asked) -> None:
    holder.bench.now += timedelta(days=7, minutes=6)
    for page in (holder.open(holder.was_not_me), holder.post("answer=not_recognized", holder.was_not_me, FORM)):
        assert page.status_code == 400
        assert "seven days" in text(page)
        assert "sept jours" in text(page)
        assert "call your bank now" in text(page)
    assert holder.answers() == []


def test_other_links_and_forged_ones_open_nothing(holder: Asked) -> None:
    end = holder.was_me.rpartition("/")[2]
    changed = ("A" if end[0] != "A" else "B") + end[1:]
    preferences = holder.page_path.rpartition("/")[2]
    unsubscribe = holder.unsubscribe_path.rpartition("/")[2]
    for token in (changed, preferences, unsubscribe, "x", "a.b", "%00"):
        assert holder.open(f"/alerts/{token}").status_code == 400
        assert holder.post("answer=recognized", f"/alerts/{token}", FORM).status_code == 400
    assert holder.open(f"/preferences/{end}").status_code == 400
    assert holder.post("List-Unsubscribe=One-Click", f"/preferences/{end}", FORM).status_code == 400
    assert not holder.preferences.get("muted")
    assert holder.answers() == []


@pytest.mark.parametrize("change", ["moved", "erased"])
def test_the_link_ends_with_the_holders_address(holder: Asked, change: str) -> None:
    if change == "moved":
        holder.enrol(email="another@example.com")
    else:
        holder.bench.request("DELETE", holder.path, key=holder.key)
    assert holder.open(holder.was_me).status_code == 400
    assert holder.post("answer=recognized", holder.was_me, FORM).status_code == 400
    assert holder.answers() == []


def test_what_is_not_flagged_or_not_stored_is_not_asked(holder: Asked) -> None:
    holder.transactions.add(transaction(id="t2", account="A123"))
    for id_ in ("t2", "t3"):
        links = links_for("A123", holder.holder, holder.bench.now, alerts=[id_]).answers[id_]
        for link in links:
            path = link.removeprefix(BASE)
            assert holder.open(path).status_code == 400
            assert holder.post("answer=recognized", path, FORM).status_code == 400


@pytest.mark.parametrize("locale", ["fr", "fr-CM", "en", "en-GB"])
def test_the_page_speaks_the_holders_language_and_shows_nothing_raw(bench: Bench, locale: str) -> None:
    holder = Asked(bench, locale=locale)
    pages = [holder.open(holder.was_not_me), holder.press(holder.was_not_me), holder.open(holder.was_me)]
    button = {"fr": "Non, ce n’était pas moi", "en": "No, it wasn’t me"}[locale[:2]]
    assert button in text(pages[0])
    for page in pages:
        body = page.body.decode()
        assert f'lang="{locale[:2]}"' in body
        assert "<b>" not in body
        assert "http://evil.example" not in text(page)
        assert not re.search(r"\{\w+\}", text(page))
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_both_languages_have_the_same_words() -> None:
    def names(words: Any) -> Any:
        return {name: names(value) for name, value in words.items()} if isinstance(words, dict) else type(words)

    french, english = (names(preferences_html.words_of(locale)["answer"]) for locale in sorted(LOCALES, reverse=True))
    assert french == english


def test_the_bank_reads_the_answer_with_the_transaction_only_when_there_is_one(holder: Asked) -> None:
    assert "answers" not in holder.bench.get("/transactions/t1").json_body
    holder.press(holder.was_me)
    (answer,) = holder.bench.get("/transactions/t1").json_body["answers"]
    assert answer == {"holder": "h1", "answer": "recognized", "answered_at": format_time(holder.bench.now)}


def test_each_answer_has_an_entry_in_the_audit_trail_and_the_same_one_again_has_none(holder: Asked) -> None:
    for link in (holder.was_not_me, holder.was_not_me, holder.was_me):
        holder.bench.now += timedelta(minutes=1)
        holder.press(link) if link == holder.was_me else holder.post("answer=not_recognized", link, FORM)
    trail = AuditRepository(holder.bench.dynamodb, "AuditTable", 10)
    found = [one for one in trail.of_bank("eazycard", NOW, NOW + timedelta(days=1)) if one.action == "alert.answer"]
    assert [(one.author.kind, one.fields) for one in found] == [("holder", ("answer",))] * 2
    assert {one.author.id for one in found} == {one.subject for one in found}


def test_an_answer_that_the_trail_can_not_take_is_not_recorded(holder: Asked) -> None:
    throttled = Refusing(holder.bench.dynamodb, refusal("ThrottlingException"), "put_item")
    holder.bench.restart(dynamodb=throttled)
    assert holder.post("answer=not_recognized", holder.was_not_me, FORM).status_code == 503
    assert holder.answers() == []
