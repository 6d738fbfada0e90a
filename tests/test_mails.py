"""Rendered e-mails: golden files for each kind and language, conventions, and hostile content."""

import dataclasses
import html
import os
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from chalicelib.holders import Holder
from chalicelib.iso import CURRENCY_DECIMALS
from chalicelib.mails import kind_of, masked, moment, money, plain, render
from chalicelib.transactions import Transaction

GOLDEN = Path(__file__).parent / "golden"
NARROW, WIDE = "\u202f", "\xa0"  # how French groups digits, and sets a unit apart

TRANSACTION = Transaction(
    bank="eazycard",
    id="tx-2026-000042",
    account="CM21-1000-4567",
    amount=Decimal(250500),
    type="debit",
    timestamp=datetime(2026, 1, 10, 14, 0, tzinfo=UTC),
    currency="XAF",
    merchant={"name": "Marché Mokolo", "mcc": "5411", "city": "Yaoundé", "country": "CM"},
    description="Achat carte",
    balance=Decimal(1234500),
    card_last4="4242",
    recorded_at=datetime(2026, 1, 10, 14, 0, 1, tzinfo=UTC),
)
READERS = {
    "fr": Holder("h1", "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", {}, datetime(2026, 1, 1, tzinfo=UTC)),
    "en": Holder("h2", "Grace Tanyi", "grace@example.com", "en", "Europe/London", {}, datetime(2026, 1, 1, tzinfo=UTC)),
}
KINDS = {
    "credit": {"type": "credit"},
    "debit": {"type": "debit"},
    "authorization": {"status": "authorized"},
    "reversal": {"status": "reversed"},
    "declined": {"status": "declined"},
}


def transaction(**changes: object) -> Transaction:
    return dataclasses.replace(TRANSACTION, **changes)


@pytest.mark.parametrize("locale", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_reads_as_its_golden_file(kind: str, locale: str) -> None:
    mail = render(transaction(**KINDS[kind]), READERS[locale], "EAZYCard")
    for part, text in (("subject.txt", mail.subject + "\n"), ("txt", mail.text), ("html", mail.html)):
        golden = GOLDEN / f"{kind}.{locale}.{part}"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text, "utf-8")
        assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("locale", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_text_part_says_everything_that_the_html_part_says(kind: str, locale: str) -> None:
    mail = render(transaction(**KINDS[kind]), READERS[locale], "EAZYCard")
    body = re.sub(r"(?s)<head>.*</head>", "", mail.html)
    said = [html.unescape(piece).strip() for piece in re.split(r"<[^>]+>", body)]
    headline = next(re.findall(r"<h1[^>]*>(.*?)</h1>", mail.html).__iter__())
    for piece in filter(None, said):
        if piece not in (html.unescape(headline), "EAZYCard"):
            assert piece in mail.text


def test_xaf_has_no_decimals_and_french_spacing() -> None:
    assert money(Decimal(250500), "XAF", "fr") == f"250{NARROW}500{WIDE}FCFA"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "written"),
    [
        ("250.50", "EUR", "fr", f"250,50{WIDE}€"),
        ("250.50", "EUR", "en", "€250.50"),
        ("1234567.80", "USD", "en", "$1,234,567.80"),
        ("250500", "XAF", "en", f"FCFA{WIDE}250,500"),
        ("5", "JPY", "en", "¥5"),
        ("0.125", "KWD", "fr", f"0,125{WIDE}KWD"),
        ("1.250", "IQD", "fr", f"1,250{WIDE}IQD"),  # CLDR would round it to no decimals
        ("-12.30", "EUR", "fr", f"-12,30{WIDE}€"),
        ("999999999999999.99", "EUR", "en", "€999,999,999,999,999.99"),
    ],
)
def test_amounts_are_exact_in_the_reader_s_conventions(amount: str, currency: str, locale: str, written: str) -> None:
    assert money(Decimal(amount), currency, locale) == written


@pytest.mark.parametrize("locale", READERS)
def test_every_currency_is_written_with_all_of_its_decimals(locale: str) -> None:
    for currency, decimals in CURRENCY_DECIMALS.items():
        smallest = Decimal(1).scaleb(-decimals)
        digits = re.sub(r"\D", "", money(smallest, currency, locale))
        assert digits == "0" * decimals + "1", currency


def test_times_are_in_the_reader_s_zone_which_is_named() -> None:
    late = datetime(2026, 1, 10, 23, 30, tzinfo=UTC)
    assert moment(late, "Africa/Douala", "fr") == "11 janvier 2026, 00:30 (heure : Cameroun)"
    assert moment(late, "UTC", "en") == "January 10, 2026, 11:30\u202fPM (UTC)"


@pytest.mark.parametrize(
    "hostile",
    [
        "<a href=//evil.example>Click</a>",
        "<script>alert(1)</script>",
        "{{html}} {{ 7*7 }} {% raw %}",
        "http://evil.example/login",
        "www.evil.example",
        "evil@example.com",
        "tel:+123456",
        "\u202egro.live\u202c",
        "x" * 140,
        "&lt;b&gt;",
        "{name} {account.__class__}",
    ],
)
def test_what_the_bank_sent_can_put_no_link_tag_or_direction_into_a_mail(hostile: str) -> None:
    mail = render(
        transaction(merchant={"name": hostile, "city": hostile}, description=hostile),
        dataclasses.replace(READERS["fr"], name=hostile),
        hostile,
    )
    harmless = render(TRANSACTION, READERS["fr"], "EAZYCard")
    tags = [re.findall(r"<[a-z/!][^>]*>", part) for part in (mail.html, harmless.html)]
    assert tags[0] == tags[1]
    for part in (mail.subject, mail.text, html.unescape(mail.html)):
        assert not re.search(r"\w(?:://|@)\w|www\.\w|evil\.example|tel:\+", part)
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", part)
    assert "49" not in mail.text.replace("4242", "")


def test_a_line_end_in_a_name_starts_no_new_line() -> None:
    assert plain("Shop\r\nBcc: x\u2028y\ttab") == "Shop Bcc: x y tab"


def test_joiners_and_accents_of_real_names_survive() -> None:
    assert plain("Café Œuvré n°5 & Fils, Aïssatou  N'Diaye") == "Café Œuvré n°5 & Fils, Aïssatou N'Diaye"


def test_a_long_account_is_masked_to_its_last_four() -> None:
    assert masked("CM21-1000-4567") == "…4567"
    assert masked("A123") == "A123"


def test_kind_follows_the_status_and_then_the_type() -> None:
    assert [kind_of(transaction(**changes)) for changes in KINDS.values()] == list(KINDS)


def test_the_html_is_under_20_kb_and_names_its_language() -> None:
    mail = render(TRANSACTION, READERS["fr"], "EAZYCard")
    assert len(mail.html.encode()) < 20_000
    assert '<html lang="fr"' in mail.html
    assert "http" not in mail.html
