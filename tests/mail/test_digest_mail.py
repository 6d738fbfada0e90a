"""E-mails that tell of many transactions: exact sums, what is listed, and words that fit the number."""

import dataclasses
import re
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.digest import MAX_LISTED, Sum, summary_of
from chalicelib.mail.digest_mail import MAX_OTHERS, render_alerts, render_digest
from chalicelib.mail.story import story_of
from mail_gallery.samples import BANK, FLAGS, READERS, TRANSACTION, many
from tests.samples import transaction

ACCOUNT = TRANSACTION.account


def digest(listed: list[Transaction], locale: str = "en") -> Any:
    return render_digest(summary_of(ACCOUNT, listed), READERS[locale], BANK)


def alerts(others: list[Transaction], locale: str = "en") -> Any:
    return render_alerts(story_of(TRANSACTION, FLAGS), others, READERS[locale], BANK)


def test_sums_are_exact_by_currency_and_kind_and_the_commonest_currency_comes_first() -> None:
    largest = Decimal("999999999999999.99")
    found = summary_of(
        ACCOUNT,
        [
            transaction(id="a", currency="EUR", amount=largest),
            transaction(id="b", currency="EUR", amount=Decimal("0.01")),
            transaction(id="c", currency="EUR", type="credit", amount=Decimal("0.10")),
            transaction(id="d", amount=Decimal(5), status="reversed", reversal_of="x"),
            transaction(id="e", amount=Decimal(2), status="reversed", reversal_of="x", type="credit"),
        ],
    )
    assert list(found.sums) == ["EUR", "XAF"]
    assert found.sums["EUR"] == {"debit": Sum(2, -largest - Decimal("0.01")), "credit": Sum(1, Decimal("0.10"))}
    assert found.sums["XAF"] == {"money_back": Sum(2, Decimal(3))}


@pytest.mark.parametrize(
    ("changes", "kind", "amount"),
    [
        ({}, "debit", -9),
        ({"type": "credit"}, "credit", 9),
        ({"status": "authorized"}, "authorization", 9),
        ({"status": "authorized", "authorization_id": "a"}, "authorization", 9),
        ({"status": "declined"}, "declined", 9),
        ({"status": "reversed", "authorization_id": "a"}, "release", 9),
        ({"status": "reversed", "reversal_of": "a"}, "money_back", 9),
        ({"status": "reversed", "reversal_of": "a", "type": "credit"}, "money_back", -9),
        ({"status": "reversed"}, "reversal", 9),
        ({"authorization_id": "a"}, "debit", -9),
    ],
)
def test_only_what_moves_money_has_a_sign(changes: dict[str, Any], kind: str, amount: int) -> None:
    one = transaction(amount=Decimal(9), **changes)
    assert summary_of(ACCOUNT, [one]).sums == {"XAF": {kind: Sum(1, Decimal(amount))}}
    line = next(line for line in digest([one]).text.splitlines() if re.match(r"10\sJan", line))
    sign = {"debit": "−", "credit": "+", "money_back": "+" if amount > 0 else "−"}.get(kind, "")
    assert line.endswith(f" – {sign}FCFA\xa09")


def test_the_newest_50_are_listed_newest_first_and_all_are_counted() -> None:
    listed = many(5_000)
    mail = digest(listed[::2] + listed[1::2])
    assert mail.subject == "5,000 transactions on your account …\N{WORD JOINER}4567"
    assert "And 4,950 more." in mail.text
    assert summary_of(ACCOUNT, listed).newest == listed[: -MAX_LISTED - 1 : -1]
    assert "more." not in digest(many(50)).text


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_one_transaction_is_spoken_of_as_one(locale: str) -> None:
    expected = {"en": "1 transaction on your account", "fr": "1 opération sur votre compte"}
    mail = digest(many(1), locale)
    assert mail.subject == f"{expected[locale]} …\N{WORD JOINER}4567"
    assert "transactions on your account" not in mail.text.partition("\n--\n")[0]


def test_a_digest_stays_small_whatever_is_in_it() -> None:
    listed = [
        dataclasses.replace(
            one,
            currency=code,
            amount=Decimal(f"999999999999999{'.9' if CURRENCY_DECIMALS[code] else ''}"),
            merchant={"name": "<&'\"" * 35},
        )
        for one, code in zip(many(100), list(CURRENCY_DECIMALS) * 9, strict=False)
    ]
    for locale in READERS:
        mail = digest(listed, locale)
        assert len(mail.html.encode()) < 20_000
        assert "<&" not in mail.html


def test_an_alert_says_how_many_others_there_are_and_lists_the_first() -> None:
    mail = alerts(many(40))
    assert mail.subject == "Security alert – 41 transactions on your account …\N{WORD JOINER}4567"
    assert "And 40 others" in mail.text
    assert f"And {40 - MAX_OTHERS} more." in mail.text
    assert "And 1 other (" in alerts(many(1)).text
    assert len(alerts(many(5_000)).html.encode()) < 20_000


def test_an_alert_without_others_is_the_alert_of_its_transaction() -> None:
    assert alerts([]).subject.startswith("Security alert – Debit of")
