"""Statements: exact totals of a period, and their e-mail."""

import dataclasses
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.statement import MAX_LISTED, Statement, statement_of
from chalicelib.mail.statement_mail import render_statement
from mail_gallery.samples import BANK, READERS, TRANSACTION

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)


def transactions(count: int, **changes: Any) -> list[Transaction]:
    """Return so many debits of 1, 2, 3, … francs, newest first."""
    newest = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return [
        dataclasses.replace(
            TRANSACTION,
            **{
                "id": f"t{number}",
                "amount": Decimal(number + 1),
                "timestamp": newest - timedelta(hours=number),
                **changes,
            },
        )
        for number in range(count)
    ]


def statement(listed: list[Transaction], period: str = "monthly") -> Statement:
    return statement_of(TRANSACTION.account, period, FIRST, LAST, iter(listed))


def test_totals_are_of_what_is_settled_by_currency_and_the_commonest_comes_first() -> None:
    found = statement(
        [
            *transactions(2, currency="EUR", amount=Decimal("0.10")),
            *transactions(1, type="credit", currency="EUR", amount=Decimal("999999999999999.99")),
            *transactions(2),
            *(one for status in ("authorized", "declined", "reversed") for one in transactions(3, status=status)),
        ]
    )
    (euros, francs) = found.totals
    assert (euros.currency, euros.credits, euros.debits) == ("EUR", 1, 2)
    assert (euros.credited, euros.debited) == (Decimal("999999999999999.99"), Decimal("0.20"))
    assert (francs.currency, francs.credits, francs.credited, francs.debited) == ("XAF", 0, 0, 3)
    assert found.count == len(found.newest) == 5


def test_a_statement_lists_the_newest_50_and_counts_all() -> None:
    found = statement(transactions(173))
    assert [one.id for one in found.newest] == [f"t{number}" for number in range(MAX_LISTED)]
    assert found.count == 173
    assert found.totals[0].debited == sum(range(174))


@pytest.mark.parametrize(
    ("locale", "more"), [("fr", "Il y a encore 123\xa0opérations,"), ("en", "There are 123\xa0more transactions,")]
)
def test_the_mail_says_how_many_it_does_not_list(locale: str, more: str) -> None:
    mail = render_statement(statement(transactions(173)), READERS[locale], BANK)
    assert more in mail.text
    assert more in mail.html
    assert more not in render_statement(statement(transactions(50)), READERS[locale], BANK).text


def test_a_period_without_transactions_is_told_as_one() -> None:
    mail = render_statement(statement([]), READERS["fr"], BANK)
    assert "Aucune opération n’a été enregistrée sur cette période." in mail.text
    assert "Aucune opération n’a été enregistrée sur cette période." in mail.html
    assert "Totaux" not in mail.text


@pytest.mark.parametrize("period", ["weekly", "monthly"])
def test_the_period_is_named_with_both_of_its_days(period: str) -> None:
    mail = render_statement(statement(transactions(1), period), READERS["fr"], BANK)
    assert "du 1er au 31 janvier 2026" in mail.text
    assert {"weekly": "hebdomadaire", "monthly": "mensuel"}[period] in mail.subject


def test_a_transaction_is_listed_on_the_reader_s_own_day() -> None:
    late = transactions(1, timestamp=datetime(2026, 1, 10, 23, 30, tzinfo=UTC))
    assert "11\xa0janv. – Marché Mokolo – −1\xa0FCFA" in render_statement(statement(late), READERS["fr"], BANK).text


def test_a_line_names_the_merchant_else_the_description_else_the_type() -> None:
    listed = [
        *transactions(1),
        *transactions(1, merchant=None),
        *transactions(1, merchant=None, description=None, type="credit"),
        *transactions(1, merchant=None, description="\u202e"),
    ]
    lines = render_statement(statement(listed), READERS["en"], BANK).text.splitlines()
    assert [line.split(" – ")[1] for line in lines if line.startswith("31\xa0Jan – ")] == [
        "Marché Mokolo",
        "Achat carte",
        "Credit",
        "Debit",
    ]


@pytest.mark.parametrize("name", ["'" * 140, "&" * 140, "\U0001f600" * 140, "<a href=//evil.example>" * 5, "é." * 70])
def test_the_fullest_statement_is_under_20_kb_and_takes_nothing_from_a_name(name: str) -> None:
    largest = Decimal("999999999999999")
    listed = [
        one
        for currency in ("XAF", *sorted(CURRENCY_DECIMALS))
        for type_ in ("credit", "debit")
        for one in transactions(30, merchant={"name": name}, currency=currency, type=type_, amount=largest)
        for one in (one, dataclasses.replace(one, status="reversed", reversal_of="t"))
    ]
    mail = render_statement(statement(listed), dataclasses.replace(READERS["fr"], name=name), BANK)
    assert len(mail.html.encode()) < 20_000
    assert "<a" not in mail.html
    assert f"Il y a des opérations dans {len(CURRENCY_DECIMALS) - 4}\xa0autres devises." in mail.text


def test_what_is_given_back_is_listed_and_counts_in_the_net() -> None:
    reversal = {"status": "reversed", "reversal_of": "t0", "merchant": None, "description": None}
    listed = [
        *transactions(1, amount=Decimal(50)),
        *transactions(1, id="back", amount=Decimal(50), **reversal),
        *transactions(1, id="taken", amount=Decimal(30), type="credit", **{**reversal, "merchant": {"name": "Awa"}}),
        *transactions(1, id="released", status="reversed", authorization_id="a"),
    ]
    (total,) = statement(listed).totals
    assert (total.debits, total.reversals, total.returned, total.net) == (1, 2, Decimal(20), Decimal(-30))
    text = render_statement(statement(listed), READERS["en"], BANK).text
    assert "2\xa0reversals: +FCFA\xa020" in text
    assert "Overall: \u2212FCFA\xa030" in text
    assert "Reversal – +FCFA\xa050" in text
    assert "Reversal · Awa – \u2212FCFA\xa030" in text


def test_a_line_names_the_counterparty_where_there_is_no_merchant() -> None:
    text = render_statement(
        statement(transactions(1, merchant=None, counterparty={"name": "Ben"})), READERS["en"], BANK
    )
    assert "Ben – " in text.text


def running(*ones: tuple[str, int, dict[str, Any]], opening: int = 1000) -> list[Transaction]:
    """Return transactions, newest first, of the types and amounts given oldest first, with the balance after each."""
    balance = Decimal(opening)
    listed = []
    for number, (type_, amount, changes) in enumerate(ones):
        moves = {"authorized": -1, "settled": 0 if "authorization_id" in changes else -1, "declined": 0, "reversed": 1}
        sign = moves[changes.get("status", "settled")] * (-1 if type_ == "credit" else 1)
        balance += sign * amount
        at = datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(hours=number)
        own = {"id": f"r{number}", "type": type_, "amount": Decimal(amount), "timestamp": at, "balance": balance}
        listed.append(dataclasses.replace(TRANSACTION, **{**own, **changes}))
    return listed[::-1]


BACK = {"status": "reversed", "reversal_of": "r0"}


@pytest.mark.parametrize(
    ("listed", "opening", "closing"),
    [
        (running(("debit", 100, {})), 1000, 900),
        (running(("debit", 100, {}), ("credit", 30, {}), ("debit", 5, {})), 1000, 925),
        (running(("debit", 100, {}), ("debit", 100, BACK)), 1000, 1000),
        (running(("credit", 100, {}), ("credit", 100, BACK)), 1000, 1000),
        (running(("debit", 100, {"status": "declined"}), ("debit", 7, {})), 1000, 993),
        # What is held was taken from the available balance at another time than the money was moved.
        (running(("debit", 100, {"authorization_id": "a"}), ("debit", 7, {})), None, 993),
        (running(("debit", 7, {}), ("debit", 100, {"status": "authorized"})), None, 893),
        # The bank doesn't say it of the first or of the last one.
        (running(("debit", 100, {"balance": None}), ("debit", 7, {})), None, 893),
        (running(("debit", 100, {}), ("debit", 7, {"balance": None})), None, None),
        # Its figures contradict each other.
        (running(("debit", 100, {}), ("debit", 7, {"balance": Decimal(5000)})), None, None),
        (running(("debit", 2000, {})), 1000, -1000),
    ],
)
def test_a_statement_has_the_balances_at_its_ends_where_they_are_sure(
    listed: list[Transaction], opening: int | None, closing: int | None
) -> None:
    (total,) = statement(listed).totals
    assert (total.opening, total.closing) == (opening, closing)
    text = render_statement(statement(listed), READERS["en"], BANK).text
    assert ("Available balance at the start: FCFA" in text) == (opening is not None)
    assert ("Available balance at the end: " in text) == (closing is not None)


def test_of_a_part_of_the_period_no_balance_is_told_and_the_totals_are_the_part_s() -> None:
    listed = running(("debit", 100, {}), ("credit", 30, {}))[:1]
    part = statement_of(TRANSACTION.account, "monthly", FIRST, LAST, listed, is_whole=False)
    (total,) = part.totals
    assert (total.opening, total.closing, total.credited, total.net) == (None, None, 30, 30)
    assert "vailable balance" not in render_statement(part, READERS["en"], BANK).text
    (whole,) = statement(listed).totals
    assert (whole.opening, whole.closing) == (900, 930)


def test_each_currency_has_its_own_balances_and_a_heading() -> None:
    listed = [
        *running(("debit", 10, {}), ("credit", 20, {})),
        *running(("debit", 5, {"currency": "EUR"}), opening=50),
    ]
    (francs, euros) = statement(listed).totals
    assert ((francs.opening, francs.closing), (euros.opening, euros.closing)) == ((1000, 1010), (50, 45))
    for locale in READERS:
        mail = render_statement(statement(listed), READERS[locale], BANK)
        for heading in (" – FCFA", " – €"):
            assert heading in mail.text
            assert heading in mail.html
    alone = render_statement(statement(listed[:2]), READERS["en"], BANK)
    assert " – FCFA\n" not in alone.text


def test_counts_agree_with_their_words() -> None:
    listed = running(("debit", 1, {}), ("credit", 1, {}), ("credit", 1, {}))
    text = render_statement(statement(listed), READERS["fr"], BANK).text
    assert "2\xa0crédits\xa0: +2" in text
    assert "1\xa0débit\xa0: −1" in text


def test_a_statement_is_called_so_in_mail_and_page() -> None:
    pages = Path(__file__).parents[2] / "chalicelib" / "api" / "pages"
    for locale, word in (("fr", "relevé"), ("en", "statement")):
        page = tomllib.loads((pages / f"preferences.{locale}.toml").read_text("utf-8"))
        assert word in page["statement"]["legend"].lower()
        assert word in render_statement(statement([]), READERS[locale], BANK).subject


def test_the_footer_elides_before_the_bank_s_name() -> None:
    for bank, said in (("EAZYCard", "ce relevé d’EAZYCard"), ("BICEC", "ce relevé de BICEC")):
        assert said in render_statement(statement([]), READERS["fr"], bank).text
