"""Which kind of e-mail tells of a transaction."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.ledger.purchase import Member, steps
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from chalicelib.mail.story import Story, kind_of, story_of
from mail_gallery.samples import AUTHORIZATION, STORIES, TRANSACTION

SETTLEMENT = dataclasses.replace(TRANSACTION, authorization_id=AUTHORIZATION.id)


def told(transaction: Transaction, named: Transaction | None = AUTHORIZATION, **flags: Any) -> Story:
    """Return the story of a transaction that is the only one to name `named`."""
    return story_of(transaction, flags, named, steps(named, [Member.of(transaction)])[transaction.id])


def test_every_sample_is_of_its_kind() -> None:
    assert {kind: story.kind for kind, story in STORIES.items()} == {kind: kind for kind in STORIES}


def test_a_kind_follows_the_status_and_then_the_type() -> None:
    kinds = {
        kind_of(dataclasses.replace(TRANSACTION, status=status, type=type_)) for status in STATUSES for type_ in TYPES
    }
    assert kinds == {"credit", "debit", "authorization", "reversal", "declined"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "settlement"),
        ({"amount": AUTHORIZATION.amount}, "debit"),  # for who has not heard of the authorization
        ({"amount": AUTHORIZATION.amount, "currency": "XOF"}, "settlement"),
        ({"amount": Decimal("245000.0")}, "debit"),
        ({"amount": Decimal(45000)}, "part"),
        ({"type": "credit"}, "credit"),  # a refund
        ({"account": "another"}, "debit"),
        ({"status": "declined"}, "declined"),
        ({"status": "authorized"}, "increment"),
        ({"status": "authorized", "currency": "XOF"}, "authorization"),
        ({"status": "reversed"}, "release"),
        ({"status": "reversed", "account": "another"}, "reversal"),
    ],
)
def test_a_kind_follows_what_the_transaction_is_to_its_authorization(changes: dict[str, Any], kind: str) -> None:
    story = told(dataclasses.replace(SETTLEMENT, **changes))
    assert story.kind == kind
    assert (story.related is not None) == (kind in ("settlement", "part", "increment", "release"))


@pytest.mark.parametrize("status", ["settled", "reversed", "declined"])
def test_what_was_not_authorized_has_no_final_amount(status: str) -> None:
    story = told(SETTLEMENT, dataclasses.replace(AUTHORIZATION, status=status))
    assert (story.kind, story.related) == ("debit", None)


@pytest.mark.parametrize("named", [TRANSACTION, None])
def test_what_is_given_back_is_told_as_that_whether_or_not_it_is_known(named: Transaction | None) -> None:
    reversal = dataclasses.replace(TRANSACTION, id="r", status="reversed", reversal_of=TRANSACTION.id)
    story = told(reversal, named)
    assert (story.kind, story.related) == ("money_back", named)


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_flagged_is_an_alert_whatever_else_it_is(status: str) -> None:
    flags = {"velocity": {"count": 9}}
    story = told(dataclasses.replace(SETTLEMENT, status=status), **flags)
    assert (story.kind, story.flags) == ("security_alert", flags)
