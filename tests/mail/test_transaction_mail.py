"""Rendered e-mails: golden files for each kind and language, what every mail program needs, and hostile content."""

import dataclasses
import html
import json
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.holders.conventions import masked
from chalicelib.holders.links import Links
from chalicelib.ledger.purchase import Member, steps
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.parts import Mail, email_to, phrases_of
from chalicelib.mail.ses import Email, SesOutbox
from chalicelib.mail.story import story_of
from chalicelib.mail.transaction_mail import render
from mail_gallery.samples import (
    AUTHORIZATION,
    BANK,
    CONFIRMATION_LINK,
    FLAGS,
    KINDS,
    LINKS,
    READERS,
    STORIES,
    TRANSACTION,
    sample,
)
from tests.fakes import FakeSes
from tests.painted import pieces
from tests.samples import transaction

GOLDEN = Path(__file__).parents[1] / "golden"
# No link opens at an address that isn't the holder's any more, and none is sent where it may never have been.
WITHOUT_PREFERENCES = ("address_changed", "confirm_address")
EVERY = [(kind, locale) for kind in KINDS for locale in READERS]
MAX_BYTES = 20_000
AA = 4.5


def told(
    one: Transaction,
    locale: str = "en",
    named: Transaction | None = None,
    after: Sequence[Transaction] = (),
    **flags: Any,
) -> Mail:
    """Return the e-mail about a transaction; `after` are those that named the same one before it."""
    step = steps(named, map(Member.of, [*after, one]))[one.id] if named else None
    return render(story_of(one, flags, named, step), READERS[locale], BANK)


def later(amount: int, **changes: Any) -> Transaction:
    """Return a transaction that names the sample authorization, of 245,000."""
    return transaction(**{"authorization_id": AUTHORIZATION.id, "amount": Decimal(amount), **changes})


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_each_kind_reads_as_its_golden_file(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    for part, text in (("subject.txt", mail.subject + "\n"), ("txt", mail.text), ("html", mail.html)):
        golden = GOLDEN / f"{kind}.{locale}.{part}"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text, "utf-8")
        assert text == golden.read_text("utf-8")


def test_no_golden_file_is_left_of_a_kind_that_is_no_more() -> None:
    assert {path.name.partition(".")[0] for path in GOLDEN.iterdir()} == set(KINDS)


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_the_text_part_says_everything_that_the_html_part_says(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    said = [piece.text for piece in pieces(mail.html)]
    assert len(said) > 10
    for piece in [*said, *preheader(mail).split(" · ")]:
        assert piece in mail.text


def preheader(mail: Mail) -> str:
    (found,) = re.findall(r'<div style="display:none[^>]*>(.*?)</div>', mail.html)
    shown, _, padding = html.unescape(found).partition("\u034f")
    assert len(padding) > 150  # else the list of mails goes on with the body
    assert not padding.strip("\u034f\u200c\xa0")
    return shown


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_the_preheader_says_more_than_the_subject(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    shown = preheader(mail)
    assert 20 < len(shown) < 150
    assert shown not in mail.subject


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_every_text_has_the_contrast_that_wcag_aa_asks_for(kind: str, locale: str, scheme: str) -> None:
    painted = pieces(sample(kind, locale).html, scheme)
    assert len({piece.colour for piece in painted}) >= 2
    faint = [(piece.text, piece.colour, piece.background) for piece in painted if piece.contrast < AA]
    assert faint == []


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_every_text_has_another_colour_in_the_dark(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    by_scheme = [pieces(mail.html, scheme) for scheme in ("light", "dark")]
    for light, dark in zip(*by_scheme, strict=True):
        assert light.text == dark.text
        assert light.colour != dark.colour
        assert light.background != dark.background


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_the_html_needs_nothing_from_elsewhere_and_nothing_that_mail_programs_lack(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    assert len(mail.html.encode()) < MAX_BYTES
    answers = mail.html.count("https://notify.example/alerts/")
    assert answers == {"security_alert": 2, "alerts": 2 + 4}.get(kind, 0)
    assert mail.html.count(str(LINKS.preferences)) == (kind not in WITHOUT_PREFERENCES)
    confirmations = mail.html.count(CONFIRMATION_LINK)
    assert confirmations == (kind == "confirm_address")
    assert mail.html.count("http") == answers + confirmations + (kind not in WITHOUT_PREFERENCES)
    for lacking in (
        "<img",
        "<link",
        "<script",
        "<form",
        "src=",
        "url(",
        "@import",
        "@font-face",
        "flex",
        "grid",
        "float",
    ):
        assert lacking not in mail.html
    assert not re.search(
        r"position|(?<![-a-z])height:100%|rem|vh|vw|var\(", "".join(re.findall(r'style="([^"]*)"', mail.html))
    )
    # What no style sheet is left of is whole: everything is inlined that makes the light e-mail.
    bare = re.sub(r"(?s)<style>.*?</style>", "", mail.html)
    assert [piece.contrast for piece in pieces(bare)] == [piece.contrast for piece in pieces(mail.html)]


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_the_html_is_made_for_screen_readers_too(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    assert f'<html lang="{locale}" dir="ltr">' in mail.html
    assert len(re.findall("<h1 ", mail.html)) == 1
    (title,) = re.findall("<title>(.*)</title>", mail.html)
    assert title in mail.html.partition("<h1")[2]
    # A table is there for the layout, or its cells have headings.
    for table in re.findall(r"<table[^>]*>", mail.html.replace("<!--[if mso]><table", "<table")):
        assert 'role="presentation"' in table or "<th scope=" in mail.html.partition(table)[2][:200]


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_the_preferences_link_is_in_both_parts_and_left_out_where_there_is_none(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    has_link = kind not in WITHOUT_PREFERENCES
    assert (f'href="{LINKS.preferences}"' in mail.html) == has_link
    assert (str(LINKS.preferences) in mail.text) == has_link
    if kind in STORIES:
        without = render(STORIES[kind], READERS[locale], BANK, Links())
        assert "<a " not in without.html
        assert "http" not in without.html + without.text


def test_a_mail_with_a_one_click_link_has_the_headers_of_rfc_8058() -> None:
    assert LINKS.headers == (
        ("List-Unsubscribe", "<https://notify.example/preferences/one-click>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    assert Links(preferences="https://notify.example").headers == ()


def test_sign_and_colour_are_not_the_only_ones_to_say_which_way_the_money_goes() -> None:
    for type_, word in (("credit", "Credit"), ("debit", "Debit")):
        mail = told(transaction(type=type_))
        assert word in [piece.text for piece in pieces(mail.html)]
        assert mail.subject.startswith(word)


def test_a_final_amount_says_what_was_authorized_and_the_difference() -> None:
    mail = told(later(250_500), named=AUTHORIZATION)
    assert "FCFA\xa05,500 more" in mail.text
    assert "Difference: +FCFA\xa05,500" in mail.text


def test_a_final_amount_is_compared_with_all_that_was_authorized() -> None:
    increment = later(5000, id="i", status="authorized")
    mail = told(later(251_000), named=AUTHORIZATION, after=[increment])
    assert "A payment of FCFA\xa0250,000 was authorized" in mail.text
    assert "FCFA\xa01,000 more" in mail.text


def test_a_final_amount_in_another_currency_is_compared_with_nothing() -> None:
    mail = told(later(380, currency="EUR", balance=None), named=AUTHORIZATION)
    assert "Authorized: FCFA\xa0245,000" in mail.text
    assert "Final amount: €380.00" in mail.text
    assert "Difference" not in mail.text
    assert "more" not in mail.text


def test_a_part_says_which_part_of_what_and_what_may_follow() -> None:
    mail = told(later(45_000), named=AUTHORIZATION)
    assert "FCFA\xa045,000 of FCFA\xa0245,000" in mail.subject
    assert "FCFA\xa045,000 of FCFA\xa0245,000 was debited now. Up to FCFA\xa0200,000 may follow." in mail.text
    second = told(later(50_000, id="p2"), named=AUTHORIZATION, after=[later(45_000)])
    assert "FCFA\xa050,000 of FCFA\xa0245,000 was debited now, FCFA\xa095,000 so far." in second.text
    french = told(later(45_000), "fr", AUTHORIZATION)
    assert "45\u202f000\xa0FCFA sur 245\u202f000\xa0FCFA" in french.subject


def test_the_last_part_says_so_and_that_nothing_follows() -> None:
    mail = told(later(200_000, id="p2"), named=AUTHORIZATION, after=[later(45_000)])
    assert mail.subject.startswith("Last part: FCFA\xa0200,000 of FCFA\xa0245,000")
    assert "nothing more will follow" in mail.text


def test_an_increment_says_the_new_total_where_that_is_known() -> None:
    increment = later(5000, status="authorized")
    assert "raised by FCFA\xa05,000. It is now FCFA\xa0250,000." in told(increment, named=AUTHORIZATION).text
    alone = render(
        story_of(increment, None, None, steps(None, [Member.of(increment)])[increment.id]), READERS["en"], BANK
    )
    assert "raised by FCFA\xa05,000. The added amount is not debited yet.\n" in alone.text


def test_an_increment_says_what_of_it_was_released_before_it_came() -> None:
    release = later(300_000, status="reversed", id="release")
    raised = told(later(60_000, status="authorized"), named=AUTHORIZATION, after=[release]).text
    assert "raised by FCFA\xa060,000. It is now FCFA\xa05,000." in raised
    for row in ("Authorized: FCFA\xa0305,000", "No longer held: FCFA\xa0300,000", "May still follow: FCFA\xa05,000"):
        assert row in raised


@pytest.mark.parametrize("type_", ["debit", "credit"])
def test_a_release_says_that_no_money_was_moved_and_what_is_still_held(type_: str) -> None:
    release = told(later(45_000, status="reversed", type=type_), named=AUTHORIZATION)
    assert "A hold of FCFA\xa045,000 on your account …\u20604567 was released. No money was moved." in release.text
    assert "FCFA\xa0200,000 is still held" in release.text
    whole = told(later(245_000, status="reversed", type=type_), named=AUTHORIZATION)
    assert "No money was moved." in whole.text
    assert "still held" not in whole.text


def test_a_reversal_says_whether_the_money_is_back_or_taken_back() -> None:
    debit, credit = transaction(amount=Decimal(50)), transaction(amount=Decimal(50), type="credit")
    changes = {"id": "r", "status": "reversed", "reversal_of": TRANSACTION.id}
    back = told(dataclasses.replace(debit, **changes), named=debit)
    assert "FCFA\xa050 is back on your account" in back.text
    assert "Money back: +FCFA\xa050" in back.text
    taken = told(dataclasses.replace(credit, **changes), named=credit)
    assert "FCFA\xa050 was taken off your account" in taken.text
    assert "Amount taken off: \u2212FCFA\xa050" in taken.text
    part = told(dataclasses.replace(debit, **changes, amount=Decimal(20)), named=debit)
    assert "Of a debit of FCFA\xa050 from your account …\u20604567, FCFA\xa020 was reversed. It is back" in part.text


def test_a_reversal_names_what_it_reverses_when_that_is_known() -> None:
    reversal = transaction(id="r", status="reversed", reversal_of=TRANSACTION.id, merchant=None)
    *_, original = told(reversal, "fr", TRANSACTION).text.partition("L’opération annulée\n")
    assert "Montant\xa0: 250\u202f500\xa0FCFA" in original
    assert "Marché Mokolo" in original
    assert "10 janvier 2026" in original
    unknown = told(transaction(status="reversed"), "fr")
    assert "L’opération annulée" not in unknown.text
    assert "a été annulée" in unknown.text


@pytest.mark.parametrize("kind", ["credit", "release", "money_back", "reversal"])
def test_nobody_is_asked_who_it_was_where_money_comes_in_or_is_let_go(kind: str) -> None:
    assert "Wasn’t this you?" not in sample(kind, "en").text
    assert "Wasn’t this you?" in sample("debit", "en").text


@pytest.mark.parametrize("status", ["settled", "authorized", "declined", "reversed"])
@pytest.mark.parametrize("named", [None, AUTHORIZATION, TRANSACTION])
def test_nobody_is_asked_who_it_was_of_money_that_comes_in_or_back(status: str, named: Transaction | None) -> None:
    changes: dict[str, Any] = {"id": "n", "type": "credit", "status": status}
    if named is not None:
        named = dataclasses.replace(named, type="credit")
        changes["reversal_of" if status == "reversed" else "authorization_id"] = named.id
    assert "Wasn’t this you?" not in told(transaction(**changes), named=named).text


@pytest.mark.parametrize(
    ("locale", "type_", "said"),
    [
        ("fr", "debit", "s’il était déjà débité, il revient sur votre compte"),
        ("fr", "credit", "s’il était déjà arrivé sur votre compte, il en est déduit"),
        ("en", "debit", "if it was debited already, it comes back to your account"),
        ("en", "credit", "if it was on your account already, it is taken off"),
    ],
)
def test_a_reversal_of_nothing_that_is_known_says_what_becomes_of_the_money(locale: str, type_: str, said: str) -> None:
    assert said in told(transaction(status="reversed", type=type_), locale).text


def test_an_alert_offers_no_unsubscribing_with_one_click_and_every_other_mail_does() -> None:
    for kind in KINDS:
        email = email_to(READERS["en"], sample(kind, "en"), LINKS, "eazycard", "t")
        names = {name for name, _ in email.headers}
        assert names == (
            set() if kind in ("security_alert", "alerts") else {"List-Unsubscribe", "List-Unsubscribe-Post"}
        )


@pytest.mark.parametrize(("kind", "locale"), EVERY)
def test_a_mail_has_one_minus_sign_and_nothing_of_it_breaks_at_its_dots(kind: str, locale: str) -> None:
    mail = sample(kind, locale)
    for part in (mail.subject, mail.text, html.unescape(re.sub(r"<[^>]*>", " ", mail.html))):
        assert not re.search(r"(?<![\w-])-[A-Z€$]?[0-9]", part)
        assert not re.search(r"[…•](?=[0-9A-Za-z])|[…•] (?=[0-9]{4}\b)", part)


@pytest.mark.parametrize(
    ("locale", "moment"),
    [
        ("fr-CM", "10 janvier 2026, 15:00"),
        ("en-GB", "10 January 2026, 15:00"),
        ("en-US", "January 10, 2026, 3:00\u202fPM"),
    ],
)
def test_a_region_gives_the_dates_and_the_language_the_words(locale: str, moment: str) -> None:
    holder = dataclasses.replace(READERS["fr"], locale=locale)
    mail = render(story_of(TRANSACTION), holder, BANK)
    assert moment in mail.text
    assert f'<html lang="{locale}"' in mail.html
    assert mail.subject.startswith("Débit de" if locale == "fr-CM" else "Debit of")


@pytest.mark.parametrize("reference", ["sim-1.255.663", "RF18 5390 0754 7034", "E2E/2026.01.10:42", "INV.2026-1:7"])
def test_ids_and_references_stand_as_they_are(reference: str) -> None:
    mail = told(transaction(id="sim-1.255.663", reference=reference))
    for part in (mail.text, html.unescape(mail.html)):
        assert reference in part
        assert "sim-1.255.663" in part
    # The masked account has one, so that its digits stay with the dots.
    assert "\N{WORD JOINER}" not in mail.text.replace(masked(TRANSACTION.account), "")


@pytest.mark.parametrize(
    "reference", ["http://evil.example/a", "www.evil.example", "a@evil.example", "pay.evil.example"]
)
def test_a_reference_that_could_pass_for_a_link_is_none(reference: str) -> None:
    mail = told(transaction(reference=reference))
    assert reference not in mail.text
    assert reference not in html.unescape(mail.html)
    assert reference in mail.text.replace("\N{WORD JOINER}", "")


def test_what_helps_a_holder_is_shown_and_what_is_unknown_is_left_out() -> None:
    original = {"amount": Decimal("12.50"), "currency": "USD", "rate": Decimal("610.9756")}
    mail = told(transaction(counterparty={"name": "Awa & Fils"}, original=original, reference="INV-7"))
    for row in ("To: Awa & Fils", "Original amount: US$12.50", "Exchange rate: 610.9756", "Payment reference: INV-7"):
        assert row in mail.text
    assert "From: Awa" in told(transaction(type="credit", counterparty={"name": "Awa"})).text
    assert "Reason: No funds" in told(transaction(status="declined", decline_reason="No funds")).text
    assert "Exchange rate" not in told(transaction(original={"amount": Decimal(1), "currency": "USD"})).text
    assert "Original amount" not in told(transaction(original={"rate": Decimal(2)})).text


def test_a_negative_balance_has_the_same_minus_as_the_amount() -> None:
    mail = told(transaction(balance=Decimal(-1230)))
    assert "Available balance: \u2212FCFA\xa01,230" in mail.text
    assert "-FCFA" not in mail.text


@pytest.mark.parametrize("status", ["authorized", "declined"])
def test_what_would_have_come_in_is_not_told_as_a_payment(status: str) -> None:
    mail = told(transaction(type="credit", status=status))
    assert "payment" not in mail.text
    assert "debited" not in mail.text


@pytest.mark.parametrize("status", ["settled", "authorized", "declined", "reversed"])
def test_an_alert_says_what_happened_why_and_what_to_do(status: str) -> None:
    plain_one, alert = told(transaction(status=status)), told(transaction(status=status), **FLAGS)
    assert alert.subject == f"Security alert – {plain_one.subject}"
    lead = plain_one.text.split("\n\n")[2]
    for said in ("Security alert", lead, "3.2 times your usual amount", "Nigeria", "Call your bank at once"):
        assert said in alert.text


def test_an_alert_with_an_unknown_flag_is_an_alert_all_the_same() -> None:
    mail = told(TRANSACTION, of_a_later_release={"x": 1})
    assert mail.subject.startswith("Security alert")
    assert "This transaction is unlike the others on your account." in mail.text


HOSTILE = [
    "<a href=//evil.example>Click</a>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{html}} {{ 7*7 }} {% raw %} {{{text}}}",
    "http://evil.example/login",
    "www.evil.example",
    "evil@example.com",
    "tel:+123456",
    "evil\uff0eexample/login",  # browsers take a wide full stop for one
    "evil\u3002example",
    "\u0435vil.ex\u0430mple",  # Cyrillic letters that look Latin
    "evile\u0301.example",  # a mark before the dot
    "\u202egro.live\u202c",
    "\u2067evil\u2069",
    "a\u200b.\u200bb",
    "z" + "\u0301" * 50,
    "x" * 140,
    "&lt;b&gt;",
    "{name} {account.__class__}",
    "]]>--><!--[if mso]>",
]


def hostile_mail(hostile: str, kind: str = "debit") -> Mail:
    story = STORIES[kind]
    changes = {
        "merchant": {"name": hostile, "city": hostile},
        "description": hostile,
        "counterparty": {"name": hostile},
        "reference": hostile,
        "decline_reason": hostile,
    }
    related = story.related and dataclasses.replace(story.related, **changes)
    story = dataclasses.replace(story, transaction=dataclasses.replace(story.transaction, **changes), related=related)
    return render(story, dataclasses.replace(READERS["fr"], name=hostile), hostile)


@pytest.mark.parametrize("kind", STORIES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_the_bank_sent_can_put_no_link_tag_or_direction_into_a_mail(hostile: str, kind: str) -> None:
    mail, harmless = hostile_mail(hostile, kind), hostile_mail("Boutique", kind)
    tags = [re.findall(r"<[a-z/!][^>]*>", part) for part in (mail.html, harmless.html)]
    assert tags[0] == tags[1]
    for part in (mail.subject, mail.text, html.unescape(mail.html)):
        assert not re.search(
            r"\w(?:://|@)\w|www\.\w|(?i:e?vil[e\u0301]*[.\uff0e\u3002]ex)|tel:\+|mailto:", part.replace("@media", "")
        )
        assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069]|\u0301{4}|\\{\\{", part)
    assert "49" not in mail.text.replace("4242", "")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_content_goes_through_ses_as_it_was_rendered(hostile: str) -> None:
    mail, ses = hostile_mail(hostile), FakeSes()
    email = Email("awa@example.com", mail.subject, mail.text, mail.html, (("bank", "b"),))
    list(SesOutbox(ses, "EAZYCard <alerts@example.com>", "configuration").send([email]))
    (accepted,) = ses.accepted
    assert (accepted["subject"], accepted["text"], accepted["html"]) == (mail.subject, mail.text, mail.html)


def test_a_template_of_ses_fills_in_what_was_rendered_and_nothing_in_it() -> None:
    calls: list[dict[str, Any]] = []

    class Ses:
        def send_bulk_email(self, **call: Any) -> dict[str, Any]:
            calls.append(call)
            return {"BulkEmailEntryResults": []}

    list(SesOutbox(Ses(), "alerts@example.com", "configuration").send([Email("a@b.example", "s", "t", "h", ())]))
    template = calls[0]["DefaultContent"]["Template"]["TemplateContent"]
    # No part of an e-mail is in the template itself, where SES would take braces for its own.
    assert template == {"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"}
    data = calls[0]["BulkEmailEntries"][0]["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
    assert json.loads(data) == {"subject": "s", "text": "t", "html": "h"}


@pytest.mark.parametrize("character", ["'", "&", "\U0001f600", "\u0e01."])
@pytest.mark.parametrize("kind", STORIES)
def test_the_longest_mail_is_under_20_kb(kind: str, character: str) -> None:
    def longest(characters: int) -> str:
        return (character * characters)[:characters]

    story = STORIES[kind]
    everything = {
        "id": "x" * 64,
        "account": "x" * 64,
        "merchant": {"name": longest(140), "city": longest(100), "country": "CF"},
        "description": longest(280),
        "counterparty": {"name": longest(140)},
        "reference": longest(140),
        "original": {"amount": Decimal("999999999999999"), "currency": "XAF", "rate": Decimal("123456789.123456789")},
        "decline_reason": longest(140) if kind == "declined" else None,
        "amount": Decimal("999999999999999"),
        "balance": Decimal("-999999999999999"),
    }
    flags = story.flags and {
        **FLAGS,
        "velocity": {},
        "duplicate_suspect": {"amount": "1", "currency": "XAF", "seconds": 9},
    }
    story = dataclasses.replace(story, transaction=dataclasses.replace(story.transaction, **everything), flags=flags)
    reader = dataclasses.replace(READERS["fr"], name=longest(140))
    mail = render(story, reader, longest(140), Links("https://x.example/" + "t" * 500))
    assert len(mail.html.encode()) < MAX_BYTES


def phrases(found: Any, path: str = "") -> dict[str, str]:
    """Return every phrase of a language by its place in the file."""
    if isinstance(found, str):
        return {path: found}
    pairs = found.items() if isinstance(found, dict) else enumerate(found)
    return {place: text for name, value in pairs for place, text in phrases(value, f"{path}.{name}").items()}


def test_every_phrase_is_there_in_every_language_and_names_the_same() -> None:
    french, english = (phrases(phrases_of(locale)) for locale in ("fr", "en"))
    assert set(french) == set(english)
    for place, text in french.items():
        # English needs no form of its own for the name of whom something is from.
        named = set(re.findall(r"\{\w+\}", text.replace("{of_bank}", "{bank}")))
        assert named == set(re.findall(r"\{\w+\}", english[place])), place


@pytest.mark.parametrize("locale", READERS)
def test_the_words_are_set_as_the_language_sets_them(locale: str) -> None:
    for place, text in phrases(phrases_of(locale)).items():
        assert not re.search(r"['\"]|\.\.\.|--|  ", text), place
        if locale == "fr" and place != ".colon":
            assert not re.search(r"(?<![\xa0\u202f])[:;?!»]|«(?![\xa0\u202f])", text), place
