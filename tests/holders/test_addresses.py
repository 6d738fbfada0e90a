"""Addresses in DynamoDB, on both engines: found by their hash, within one bank, and suppressed by the first reason."""

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamo import to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.holder import Holder, Suppressed
from tests.fakes import Failing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
AWA = Holder("awa", "Awa", "Awa@Example.com", "fr", "UTC", {}, NOW)
BEN = dataclasses.replace(AWA, id="ben", email="ben@example.com")
BOUNCED = Suppressed("hard_bounce", NOW)
COMPLAINED = Suppressed("complaint", NOW + timedelta(seconds=1))


@pytest.fixture
def addresses(each_dynamodb: Any) -> AddressRepository:
    return AddressRepository(each_dynamodb, "AddressesTable")


def accounts(addresses: AddressRepository, email: str = "awa@example.com", bank: str = "eazycard") -> list[str]:
    return sorted(addresses.accounts_at(bank, email))


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
    addresses.suppress("eazycard", AWA.email, BOUNCED)
    assert accounts(addresses, bank="other-bank") == []
    assert addresses.suppressed("other-bank", AWA.email) is None


def test_no_address_is_stored(addresses: AddressRepository, each_dynamodb: Any) -> None:
    addresses.enter("eazycard", "A1", AWA)
    addresses.suppress("eazycard", AWA.email, BOUNCED)
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
        addresses.suppress("eazycard", "AWA@example.com", suppressed)
    assert addresses.suppressed("eazycard", "awa@example.com") == BOUNCED


def test_a_suppression_is_no_holder_s_and_stays_when_they_leave(addresses: AddressRepository) -> None:
    addresses.suppress("eazycard", AWA.email, BOUNCED)
    assert accounts(addresses) == []
    addresses.enter("eazycard", "A1", AWA)
    addresses.leave("eazycard", "A1", AWA)
    assert addresses.suppressed("eazycard", AWA.email) == BOUNCED


def test_a_write_that_is_refused_for_another_reason_than_its_condition_is_raised(each_dynamodb: Any) -> None:
    throttled = AddressRepository(Failing(each_dynamodb, refusal("ThrottlingException")), "AddressesTable")
    with pytest.raises(TemporarilyUnavailable):
        throttled.suppress("eazycard", AWA.email, BOUNCED)
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
    found = addresses.suppressed("eazycard", email)
    assert found == Suppressed("complaint", datetime(2025, 12, 1, 8, 0, tzinfo=UTC))
