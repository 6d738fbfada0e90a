"""Statements: exact totals of a period, and their e-mail."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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


@pytest.mark.parametrize(("locale", "more"), [("fr", "Et 123 de plus."), ("en", "And 123 more.")])
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
    assert f"Devises non affichées\xa0: {len(CURRENCY_DECIMALS) - 4}." in mail.text


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
    assert "Reversals (2): +FCFA\xa020" in text
    assert "Net: \u2212FCFA\xa030" in text
    assert "Reversal – +FCFA\xa050" in text
    assert "Reversal · Awa – \u2212FCFA\xa030" in text


def test_a_line_names_the_counterparty_where_there_is_no_merchant() -> None:
    text = render_statement(
        statement(transactions(1, merchant=None, counterparty={"name": "Ben"})), READERS["en"], BANK
    )
    assert "Ben – " in text.text
