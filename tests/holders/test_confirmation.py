"""The rules of confirming an address: who is asked, when again, and what a confirmation is worth."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.holders.confirmation import LOOKED_AT_AGAIN_AFTER, with_confirmation
from chalicelib.holders.holder import Holder

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)


def holder(
    email: str = "awa@example.com",
    asked_at: datetime | None = None,
    confirmed_at: datetime | None = None,
    at: datetime = NOW,
) -> Holder:
    found = Holder("awa", "Awa", email, "fr", "UTC", {}, at)
    return dataclasses.replace(found, confirmation_asked_at=asked_at, address_confirmed_at=confirmed_at)


def state(found: Holder) -> tuple[datetime | None, datetime | None]:
    return found.confirmation_asked_at, found.address_confirmed_at


def test_a_new_holder_is_asked_only_where_the_banks_holders_confirm() -> None:
    assert state(with_confirmation(None, holder(), None, True)) == (NOW, None)
    assert with_confirmation(None, holder(), None, True).awaits_confirmation
    assert state(with_confirmation(None, holder(), None, False)) == (None, None)


def test_an_address_that_was_confirmed_for_the_bank_is_confirmed_at_once() -> None:
    found = with_confirmation(None, holder(), BEFORE, True)
    assert state(found) == (None, BEFORE)
    assert not found.awaits_confirmation


@pytest.mark.parametrize("must_confirm", [True, False])
@pytest.mark.parametrize("email", ["awa@example.com", "AWA@Example.com"])
def test_who_has_confirmed_stays_confirmed_however_the_same_address_is_spelt(email: str, must_confirm: bool) -> None:
    confirmed = holder(asked_at=BEFORE, confirmed_at=NOW)
    assert state(with_confirmation(confirmed, holder(email), None, must_confirm)) == (BEFORE, NOW)


def test_who_was_enrolled_before_the_banks_holders_had_to_confirm_stays_as_before() -> None:
    assert state(with_confirmation(holder(), holder(), None, True)) == (None, None)


@pytest.mark.parametrize("before", [holder(), holder(asked_at=BEFORE), holder(asked_at=BEFORE, confirmed_at=BEFORE)])
def test_another_address_is_asked_anew(before: Holder) -> None:
    assert state(with_confirmation(before, holder("new@example.com"), None, True)) == (NOW, None)


def test_who_is_sent_again_is_looked_at_again_once_a_day() -> None:
    waiting = holder(asked_at=NOW)
    soon = holder(at=NOW + LOOKED_AT_AGAIN_AFTER - timedelta(seconds=1))
    assert state(with_confirmation(waiting, soon, None, True)) == (NOW, None)
    later = NOW + LOOKED_AT_AGAIN_AFTER
    assert state(with_confirmation(waiting, holder(at=later), None, True)) == (later, None)


def test_a_bank_whose_holders_need_not_confirm_any_more_has_nobody_wait() -> None:
    assert state(with_confirmation(holder(asked_at=BEFORE), holder(), None, False)) == (None, None)


def test_a_record_that_missed_the_confirmation_is_mended_when_it_is_sent_again() -> None:
    assert state(with_confirmation(holder(asked_at=BEFORE), holder(), NOW, True)) == (BEFORE, NOW)
