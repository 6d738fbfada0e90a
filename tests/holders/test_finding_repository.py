"""Finding holders by address and by id, on both engines: those who are enrolled, of one bank, a page at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import to_item
from chalicelib.holders.address import id_key
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.finding_repository import HolderFinder
from chalicelib.holders.holder import load_holder
from chalicelib.holders.repository import HolderRepository

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


class Desk:
    def __init__(self, client: Any) -> None:
        self.client = client
        holders = HolderRepository(client, "AccountsTable", make_alias=str)
        self.enrolment = Enrolment(AddressRepository(client, "AddressesTable"), holders)
        self.finder = HolderFinder(client, "AddressesTable", holders)
        self.now = NOW

    def enrol(self, account: str, holder: str = "awa", email: str = "awa@bank.example", bank: str = "eazycard") -> None:
        self.now += timedelta(seconds=1)
        body = {"name": "Awa", "email": email}
        self.enrolment.enrol(bank, account, load_holder(body, holder, self.now))

    def with_address(self, email: str = "awa@bank.example", bank: str = "eazycard") -> list[tuple[str, str]]:
        found, more = self.finder.with_address(bank, email, 50)
        assert more is None
        return [(one.account, one.holder.id) for one in found]

    def with_id(self, holder: str = "awa", bank: str = "eazycard") -> list[str]:
        found, more = self.finder.with_id(bank, holder, 50)
        assert more is None
        assert {one.holder.id for one in found} <= {holder}
        return [one.account for one in found]


@pytest.fixture
def desk(each_dynamodb: Any) -> Desk:
    return Desk(each_dynamodb)


def test_holders_are_found_by_address_in_any_spelling_and_by_id(desk: Desk) -> None:
    desk.enrol("A2")
    desk.enrol("A1")
    desk.enrol("A1", "ben", "AWA@BANK.example")
    desk.enrol("A3", "awa", "another@bank.example")
    desk.enrol("A1", bank="other-bank")
    assert desk.with_address("Awa@Bank.Example") == [("A1", "awa"), ("A1", "ben"), ("A2", "awa")]
    assert desk.with_id() == ["A1", "A2", "A3"]
    assert desk.with_id("ben") == ["A1"]
    assert desk.with_address(bank="other-bank") == [("A1", "awa")]
    for nobody in ("nobody", "", "*", "eazycard#holder#awa"):
        assert desk.with_id(nobody) == desk.with_address(nobody) == []


def test_who_moves_is_found_by_the_new_address_only(desk: Desk) -> None:
    desk.enrol("A1")
    desk.enrol("A1", email="new@bank.example")
    assert desk.with_address() == []
    assert desk.with_address("new@bank.example") == [("A1", "awa")]
    assert desk.with_id() == ["A1"]


def test_who_is_erased_is_found_no_more_and_who_is_enrolled_again_is(desk: Desk) -> None:
    desk.enrol("A1")
    desk.enrolment.erase("eazycard", "A1", "awa", NOW)
    assert desk.with_id() == desk.with_address() == []
    assert desk.client.scan(TableName="AddressesTable")["Items"] == []
    desk.enrol("A1")
    assert desk.with_id() == ["A1"]


def test_an_entry_whose_holder_is_not_in_the_record_finds_nobody(desk: Desk) -> None:
    desk.enrol("A1", "ben", "ben@bank.example")
    desk.client.put_item(TableName="AddressesTable", Item=to_item(id_key("eazycard", "awa", "A1")))
    desk.client.put_item(TableName="AddressesTable", Item=to_item(id_key("eazycard", "awa", "A9")))
    assert desk.with_id() == []


def test_many_accounts_come_a_page_at_a_time(desk: Desk) -> None:
    accounts = [f"A{number:02}" for number in range(7)]
    for account in accounts:
        desk.enrol(account)
    for find in (
        lambda after: desk.finder.with_id("eazycard", "awa", 3, after),
        lambda after: desk.finder.with_address("eazycard", "awa@bank.example", 3, after),
    ):
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            found, after = find(after)
            assert len(found) <= 3
            seen += [one.account for one in found]
        assert seen == accounts
