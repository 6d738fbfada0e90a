"""A made-up e-mail of every kind in every language. The golden files of the tests show the same e-mails."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from chalicelib.holders.change import HolderChange
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import AnswerLinks, Links
from chalicelib.ledger.purchase import Member, steps
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.change_mail import render_change
from chalicelib.mail.confirmation_mail import render_confirmation
from chalicelib.mail.digest import summary_of
from chalicelib.mail.digest_mail import render_alerts, render_digest
from chalicelib.mail.parts import NO_LINKS, Mail
from chalicelib.mail.statement import Statement, statement_of
from chalicelib.mail.statement_mail import render_statement
from chalicelib.mail.story import Story, story_of
from chalicelib.mail.transaction_mail import render

BANK = "EAZYCard"
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
AUTHORIZATION = dataclasses.replace(
    TRANSACTION,
    id="tx-2026-000041",
    amount=Decimal(245000),
    status="authorized",
    timestamp=TRANSACTION.timestamp - timedelta(hours=26),
)
READERS = {
    "fr": Holder("h1", "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", {}, datetime(2026, 1, 1, tzinfo=UTC)),
    "en": Holder("h2", "Grace Tanyi", "grace@example.com", "en", "Europe/London", {}, datetime(2026, 1, 1, tzinfo=UTC)),
}
LINKS = Links(
    "https://notify.example/preferences/token",
    "https://notify.example/preferences/one-click",
    {
        transaction: AnswerLinks(
            *(f"https://notify.example/alerts/{transaction}-{name}" for name in AnswerLinks._fields)
        )
        for transaction in (TRANSACTION.id, *(f"d{number}" for number in range(4)))
    },
)
FLAGS: dict[str, dict[str, Any]] = {
    "unusual_amount": {"amount": "250500", "currency": "XAF", "usual": "78000", "times": "3.2", "count": 41},
    "new_country": {"country": "NG", "known": ["CM", "GA"], "count": 40},
}


def _transaction(**changes: Any) -> Transaction:
    return dataclasses.replace(TRANSACTION, **changes)


def statement() -> Statement:
    """Return the statement of a week, with transactions in two currencies."""
    shops = ("Marché Mokolo", "Boulangerie Acropole", "Total Bonanjo", "Pharmacie du Soleil", "MTN Mobile Money")
    listed = [
        _transaction(
            id=f"s{number}",
            amount=Decimal(1500 + 2750 * number),
            timestamp=datetime(2026, 1, 11, 9, 30, tzinfo=UTC) - timedelta(hours=19 * number),
            merchant={"name": shops[number % len(shops)]},
        )
        for number in range(7)
    ]
    salary: dict[str, Any] = {
        "type": "credit",
        "merchant": None,
        "description": "Salaire de janvier",
        "amount": Decimal(685000),
    }
    listed[4] = dataclasses.replace(listed[4], **salary)
    abroad: dict[str, Any] = {"currency": "EUR", "amount": Decimal("49.90"), "merchant": {"name": "Air France"}}
    listed[2] = dataclasses.replace(listed[2], **abroad, balance=None)
    balance = Decimal(81250)
    for index in range(len(listed) - 1, -1, -1):
        one = listed[index]
        if one.currency == TRANSACTION.currency:
            balance += one.amount if one.type == "credit" else -one.amount
            listed[index] = dataclasses.replace(one, balance=balance)
    return statement_of(TRANSACTION.account, "weekly", date(2026, 1, 5), date(2026, 1, 11), listed)


def many(count: int) -> list[Transaction]:
    """Return so many transactions of half an hour, oldest first: payments of all kinds, in two currencies."""
    shops = ("Marché Mokolo", "Boulangerie Acropole", "Total Bonanjo", "MTN Mobile Money")
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"type": "credit", "merchant": None, "counterparty": {"name": "Boutique Awa & Fils"}},
        {"status": "authorized"},
        {},
        {"status": "declined"},
        {"currency": "EUR", "amount": Decimal("49.90"), "merchant": {"name": "Air France"}},
        {"status": "reversed", "reversal_of": "d1"},
    )
    return [
        _transaction(
            **{
                "id": f"d{number}",
                "amount": Decimal(1500 + 250 * number),
                "timestamp": TRANSACTION.timestamp + timedelta(seconds=80 * number),
                "merchant": {"name": shops[number % len(shops)]},
                "balance": None,
                **kinds[number % len(kinds)],
            }
        )
        for number in range(count)
    ]


def _later(**changes: Any) -> Story:
    """Return the story of a transaction that names the sample authorization; `after` are those that came before it."""
    after = changes.pop("after", ())
    transaction = _transaction(**{"authorization_id": AUTHORIZATION.id, "balance": None, **changes})
    members = [Member.of(one) for one in (*after, transaction)]
    return story_of(transaction, None, AUTHORIZATION, steps(AUTHORIZATION, members)[transaction.id])


def _reversal() -> Story:
    settled = _transaction(
        counterparty={"name": "Boutique Awa & Fils"},
        original={"amount": Decimal("410.00"), "currency": "USD", "rate": Decimal("610.9756")},
    )
    reversal = _transaction(
        id="tx-2026-000043",
        status="reversed",
        reversal_of=settled.id,
        timestamp=TRANSACTION.timestamp + timedelta(hours=3),
        reference="RET/2026.01.10:42",
        merchant=None,
        counterparty=settled.counterparty,
        original=settled.original,
    )
    return story_of(reversal, None, settled, steps(settled, [Member.of(reversal)])[reversal.id])


_FIRST = _transaction(id="tx-2026-000040", authorization_id=AUTHORIZATION.id, amount=Decimal(145000))
STORIES: dict[str, Story] = {
    "credit": story_of(_transaction(type="credit", merchant=None, description="Salaire de janvier")),
    "debit": story_of(TRANSACTION),
    "authorization": story_of(_transaction(status="authorized", balance=None)),
    "increment": _later(status="authorized", amount=Decimal(20000)),
    "settlement": _later(balance=TRANSACTION.balance),
    "part": _later(amount=Decimal(145000)),
    "last_part": _later(amount=Decimal(100000), after=(_FIRST,)),
    "release": _later(status="reversed", amount=Decimal(45000), merchant=None),
    "money_back": _reversal(),
    "reversal": story_of(_transaction(status="reversed", merchant=None)),
    "declined": story_of(_transaction(status="declined", decline_reason="Plafond de la carte atteint")),
    "security_alert": story_of(
        _transaction(merchant={"name": "Balogun Electronics", "city": "Lagos", "country": "NG"}), flags=FLAGS
    ),
}
CHANGES = {
    "alerts_ended": ("holder", LINKS),
    "address_changed": ("bank", NO_LINKS),  # the old address has no link that opens
}
CONFIRMATION_LINK = "https://notify.example/addresses/token"
KINDS = (*STORIES, "statement", "digest", "alerts", *CHANGES, "confirm_address")


def sample(kind: str, locale: str) -> Mail:
    """Return the sample e-mail of this kind."""
    reader = READERS[locale]
    if kind == "statement":
        return render_statement(statement(), reader, BANK, LINKS)
    if kind == "digest":
        return render_digest(summary_of(TRANSACTION.account, many(9)), reader, BANK, LINKS)
    if kind == "alerts":
        return render_alerts(STORIES["security_alert"], many(4)[::-1], reader, BANK, LINKS)
    if kind in CHANGES:
        by, links = CHANGES[kind]
        at = TRANSACTION.timestamp
        return render_change(HolderChange("eazycard", TRANSACTION.account, kind, by, at, reader), BANK, links)
    if kind == "confirm_address":
        return render_confirmation(reader, BANK, CONFIRMATION_LINK)
    return render(STORIES[kind], reader, BANK, LINKS)
