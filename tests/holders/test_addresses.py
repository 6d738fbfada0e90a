"""Addresses in DynamoDB, on both engines: found by their hash, within one bank, and suppressed by the first reason."""

import dataclasses
import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamo import to_item
from chalicelib.errors import LiftedLately, NotSuppressed, TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.suppression import LAPSES_AFTER, LIFTED_AT_MOST_EACH
from tests.fakes import Failing, Interrupted, Refusing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
AWA = Holder("awa", "Awa", "Awa@Example.com", "fr", "UTC", {}, NOW)
BEN = dataclasses.replace(AWA, id="ben", email="ben@example.com")
BOUNCED = Suppressed("hard_bounce", NOW)
COMPLAINED = Suppressed("complaint", NOW + timedelta(seconds=1))
PASSING = Suppressed("policy_bounce", NOW, NOW + LAPSES_AFTER)
LATER_PASSING = Suppressed("ses_suppression_list", NOW + timedelta(days=1), NOW + timedelta(days=1) + LAPSES_AFTER)
AWAS = Address.of("eazycard", "awa@example.com")


@pytest.fixture
def addresses(each_dynamodb: Any) -> AddressRepository:
    return AddressRepository(each_dynamodb, "AddressesTable")


def accounts(addresses: AddressRepository, email: str = "awa@example.com", bank: str = "eazycard") -> list[str]:
    found, more = addresses.accounts_behind(Address.of(bank, email), "", 100)
    assert more is None
    return sorted(found)


def test_accounts_are_found_by_the_address_of_their_holders_in_any_case(addresses: AddressRepository) -> None:
    addresses.enter("eazycard", "A1", AWA)
    addresses.enter("eazycard", "A2", AWA)
    addresses.enter("eazycard", "A2", dataclasses.replace(BEN, email="AWA@example.com"))
    addresses.enter("eazycard", "A3", BEN)
    assert accounts(addresses) == accounts(addresses, "AWA@EXAMPLE.COM") == ["A1", "A2", "A2"]
    assert accounts(addresses, "ben@example.com") == ["A3"]
    assert accounts(addresses, "nobody@example.com") == []


def test_no_bank_finds_what_another_has_entered_or_suppressed(addresses: AddressRepository) -> None:
    addresses.enter("eazycard", "A1", AWA)
    addresses.suppress(Address.of("eazycard", AWA.email), BOUNCED)
    assert accounts(addresses, bank="other-bank") == []
    assert addresses.suppressed(Address.of("other-bank", AWA.email)) is None


def test_no_address_is_stored(addresses: AddressRepository, each_dynamodb: Any) -> None:
    addresses.enter("eazycard", "A1", AWA)
    addresses.suppress(Address.of("eazycard", AWA.email), BOUNCED)
    stored = str(each_dynamodb.scan(TableName="AddressesTable")["Items"]).lower()
    assert "example" not in stored
    assert "hard_bounce" in stored


def test_a_holder_who_leaves_is_not_found_any_more_and_others_are(addresses: AddressRepository) -> None:
    addresses.enter("eazycard", "A1", AWA)
    addresses.enter("eazycard", "A2", AWA)
    addresses.leave("eazycard", "A1", AWA)
    addresses.leave("eazycard", "A1", AWA)
    assert accounts(addresses) == ["A2"]


def test_a_holder_who_was_entered_again_since_stays(addresses: AddressRepository) -> None:
    addresses.enter("eazycard", "A1", AWA)
    addresses.enter("eazycard", "A1", dataclasses.replace(AWA, enrolled_at=NOW + timedelta(microseconds=1)))
    addresses.leave("eazycard", "A1", AWA)
    assert accounts(addresses) == ["A1"]


@pytest.mark.parametrize("order", [(BOUNCED, COMPLAINED), (COMPLAINED, BOUNCED), (BOUNCED, BOUNCED)])
def test_of_several_reasons_the_first_in_time_stays(
    addresses: AddressRepository, order: tuple[Suppressed, Suppressed]
) -> None:
    for suppressed in order:
        addresses.suppress(Address.of("eazycard", "AWA@example.com"), suppressed)
    assert addresses.suppressed(Address.of("eazycard", "awa@example.com")) == BOUNCED


def test_a_suppression_is_no_holder_s_and_stays_when_they_leave(addresses: AddressRepository) -> None:
    addresses.suppress(Address.of("eazycard", AWA.email), BOUNCED)
    assert accounts(addresses) == []
    addresses.enter("eazycard", "A1", AWA)
    addresses.leave("eazycard", "A1", AWA)
    assert addresses.suppressed(Address.of("eazycard", AWA.email)) == BOUNCED


def test_a_write_that_is_refused_for_another_reason_than_its_condition_is_raised(each_dynamodb: Any) -> None:
    throttled = AddressRepository(Failing(each_dynamodb, refusal("ThrottlingException")), "AddressesTable")
    with pytest.raises(TemporarilyUnavailable):
        throttled.suppress(Address.of("eazycard", AWA.email), BOUNCED)
    denied = AddressRepository(Failing(each_dynamodb, refusal("AccessDeniedException")), "AddressesTable")
    with pytest.raises(ClientError):
        denied.leave("eazycard", "A1", AWA)


@pytest.mark.parametrize("email", ["awa@example.com", "Awa.Case@Example.com", "o'brien+tag@SUB.example.org"])
def test_what_an_earlier_release_has_stored_is_found(
    addresses: AddressRepository, each_dynamodb: Any, email: str
) -> None:
    # It hashed the address in lower case.
    digest = hashlib.sha256(email.lower().encode()).hexdigest()
    stored = {"address_key": f"eazycard#{digest}", "entry": "suppression", "reason": "complaint"}
    each_dynamodb.put_item(TableName="AddressesTable", Item=to_item({**stored, "since": "2025-12-01T08:00:00.000000Z"}))
    found = addresses.suppressed(Address.of("eazycard", email))
    assert found == Suppressed("complaint", datetime(2025, 12, 1, 8, 0, tzinfo=UTC))


@pytest.mark.parametrize("order", list(itertools.permutations((BOUNCED, PASSING, LATER_PASSING))))
def test_of_suppressions_that_lapse_and_one_that_does_not_the_lasting_one_stays(
    addresses: AddressRepository, order: tuple[Suppressed, ...]
) -> None:
    for suppressed in order:
        addresses.suppress(AWAS, suppressed)
    assert addresses.suppressed(AWAS) == BOUNCED


def test_a_suppression_keeps_when_it_lapses(addresses: AddressRepository) -> None:
    for suppressed in (LATER_PASSING, PASSING):
        addresses.suppress(AWAS, suppressed)
    assert addresses.suppressed(AWAS) == LATER_PASSING


def test_a_lifted_suppression_is_gone_and_what_happened_before_does_not_bring_it_back(
    addresses: AddressRepository,
) -> None:
    addresses.suppress(AWAS, BOUNCED)
    addresses.lift(AWAS, NOW + timedelta(hours=1))
    addresses.suppress(AWAS, BOUNCED)
    addresses.suppress(AWAS, COMPLAINED)
    assert addresses.suppressed(AWAS) is None
    again = Suppressed("hard_bounce", NOW + timedelta(hours=2))
    addresses.suppress(AWAS, again)
    assert addresses.suppressed(AWAS) == again
    with pytest.raises(LiftedLately):
        addresses.lift(AWAS, NOW + timedelta(hours=3), LIFTED_AT_MOST_EACH)
    addresses.lift(AWAS, NOW + timedelta(hours=25), LIFTED_AT_MOST_EACH)
    assert addresses.suppressed(AWAS) is None
    with pytest.raises(NotSuppressed):
        addresses.lift(AWAS, NOW + timedelta(days=9))


def test_a_suppression_of_an_earlier_release_is_outweighed_and_lifted_like_any_other(
    addresses: AddressRepository, each_dynamodb: Any
) -> None:
    stored = {"address_key": AWAS.key, "entry": "suppression", "reason": "complaint"}
    for since in ("2026-01-10T14:00:01.000000Z", "2026-01-10T13:00:00.000000Z"):
        each_dynamodb.put_item(TableName="AddressesTable", Item=to_item({**stored, "since": since}))
        addresses.suppress(AWAS, BOUNCED)
        found = addresses.suppressed(AWAS)
        assert found is not None
        assert found.since == min(NOW, datetime.fromisoformat(since))
    addresses.lift(AWAS, NOW)
    assert addresses.suppressed(AWAS) is None


@pytest.mark.parametrize("at", range(3))
def test_two_who_change_a_standing_at_once_lose_neither_change(
    addresses: AddressRepository, each_dynamodb: Any, at: int
) -> None:
    addresses.suppress(AWAS, PASSING)

    def lift() -> None:
        addresses.lift(AWAS, NOW + timedelta(minutes=1))

    after = Suppressed("complaint", NOW + timedelta(minutes=2))
    interrupted = Interrupted(each_dynamodb, lift, at)
    AddressRepository(interrupted, "AddressesTable").suppress(AWAS, after)
    if at < 2:
        assert addresses.suppressed(AWAS) == after
    else:
        assert not interrupted.has_happened


def test_a_standing_that_others_change_all_the_time_is_unavailable(each_dynamodb: Any) -> None:
    busy = Refusing(each_dynamodb, refusal("ConditionalCheckFailedException"), "put_item")
    with pytest.raises(TemporarilyUnavailable):
        AddressRepository(busy, "AddressesTable").suppress(AWAS, BOUNCED)


def test_accounts_are_read_page_by_page(addresses: AddressRepository) -> None:
    for number in range(5):
        addresses.enter("eazycard", f"A{number}", AWA)
    addresses.suppress(AWAS, BOUNCED)
    found, after = [], ""
    while after is not None:
        page, after = addresses.accounts_behind(AWAS, after, 2)
        assert len(page) <= 2
        found += page
    assert found == [f"A{number}" for number in range(5)]


def test_a_version_is_swept_until_the_standing_changes(addresses: AddressRepository) -> None:
    first = addresses.suppress(AWAS, PASSING)
    assert not first.is_swept
    addresses.swept(first)
    assert addresses.entry(AWAS) == first._replace(is_swept=True) == addresses.suppress(AWAS, PASSING)
    second = addresses.suppress(AWAS, BOUNCED)
    addresses.swept(first)  # too late
    assert addresses.entry(AWAS) == second
    assert not second.is_swept


def test_maintenance_finds_what_is_suppressed_and_what_a_lifting_has_left_half_done(
    addresses: AddressRepository,
) -> None:
    bens, other = Address.of("eazycard", BEN.email), Address.of("eazycard-2", AWA.email)
    addresses.enter("eazycard", "A1", AWA)
    for address in (AWAS, bens, other):
        addresses.suppress(address, PASSING)
    lifted = addresses.lift(bens, NOW)
    found = {entry.address: entry for entry in addresses.all_standings("eazycard")}
    assert {address: entry.has_marks_left for address, entry in found.items()} == {AWAS: False, bens: True}
    assert found[AWAS].standing.suppressed == PASSING
    pages: list[int] = []
    assert len(list(addresses.all_standings(on_page=pages.append))) == 3
    assert sum(pages) == 5
    addresses.unmarked(lifted)
    assert [entry.address for entry in addresses.all_standings("eazycard")] == [AWAS]
    # Suppressed and lifted once more since: only who has lifted it then knows that the marks are gone.
    addresses.suppress(bens, Suppressed("complaint", NOW + timedelta(days=1)))
    addresses.lift(bens, NOW + timedelta(days=2))
    addresses.unmarked(lifted)
    assert {entry.address for entry in addresses.all_standings("eazycard")} == {AWAS, bens}
