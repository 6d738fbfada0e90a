"""Which kind of e-mail tells of a transaction."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.ledger.fields import STATUSES, TYPES
from chalicelib.mail.story import kind_of, story_of
from mail_gallery.samples import AUTHORIZATION, STORIES, TRANSACTION

SETTLEMENT = dataclasses.replace(TRANSACTION, authorization_id=AUTHORIZATION.id)


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
        ({"amount": AUTHORIZATION.amount}, "debit"),
        ({"amount": AUTHORIZATION.amount, "currency": "XOF"}, "settlement"),
        ({"amount": Decimal("245000.0")}, "debit"),
        ({"type": "credit"}, "credit"),  # a refund
        ({"account": "another"}, "debit"),
        ({"bank": "another"}, "debit"),
        ({"status": "declined"}, "declined"),
        ({"status": "authorized"}, "authorization"),
    ],
)
def test_a_settlement_is_one_of_its_own_account_s_authorization_with_another_amount(
    changes: dict[str, Any], kind: str
) -> None:
    assert story_of(dataclasses.replace(SETTLEMENT, **changes), related=AUTHORIZATION).kind == kind


@pytest.mark.parametrize("status", ["settled", "reversed", "declined"])
def test_what_was_not_authorized_has_no_final_amount(status: str) -> None:
    story = story_of(SETTLEMENT, related=dataclasses.replace(AUTHORIZATION, status=status))
    assert (story.kind, story.related) == ("debit", None)


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_flagged_is_an_alert_whatever_else_it_is(status: str) -> None:
    flags = {"velocity": {"count": 9}}
    story = story_of(dataclasses.replace(SETTLEMENT, status=status), flags, AUTHORIZATION)
    assert (story.kind, story.flags) == ("security_alert", flags)
