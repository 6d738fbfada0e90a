"""Holders in DynamoDB, on both engines: enrolled, replaced, changed and erased, each at most once."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.aws.dynamo import to_item
from chalicelib.errors import HolderNotFound, TooManyHolders
from chalicelib.holders.holder import MAX_HOLDERS, Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from tests.threads import WRITERS, at_once

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
PREFERENCES: dict[str, Any] = {
    "types": ["debit"],
    "min_amount": {"XAF": "5000", "EUR": "9.5"},
    "quiet_hours": {"from": "22:00", "to": "07:00"},
    "statement": "weekly",
    "muted": False,
}


@pytest.fixture
def holders(each_dynamodb: Any) -> HolderRepository:
    return HolderRepository(each_dynamodb, "AccountsTable")


def holder(holder_id: str, **changes: Any) -> Holder:
    preferences = {
        "types": ["credit"],
        "min_amount": {"XAF": "5000"},
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "statement": "weekly",
        "muted": False,
    }
    enrolled = Holder(holder_id, "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", preferences, NOW)
    return dataclasses.replace(enrolled, **changes)


def test_a_holder_is_new_once_and_replaced_afterwards(holders: HolderRepository) -> None:
    assert holders.put("eazycard", "A123", holder("h1")) is True
    assert holders.of_account("eazycard", "A123") == [holder("h1")]
    assert holders.put("eazycard", "A123", holder("h1", email="new@example.com", preferences={})) is False
    assert holders.of_account("eazycard", "A123") == [holder("h1", email="new@example.com", preferences={})]


def test_an_accounts_holders_are_listed_by_id_and_no_other_accounts(holders: HolderRepository) -> None:
    for holder_id in ("b", "a.b", "A", "x" * 64, "a"):
        holders.put("eazycard", "A123", holder(holder_id))
    holders.put("eazycard", "A124", holder("z"))
    holders.put("other-bank", "A123", holder("y"))
    assert [found.id for found in holders.of_account("eazycard", "A123")] == ["A", "a", "a.b", "b", "x" * 64]
    assert [found.id for found in holders.of_account("other-bank", "A123")] == ["y"]
    assert holders.of_account("eazycard", "A125") == []


def test_many_accounts_holders_are_read_at_once(holders: HolderRepository) -> None:
    for number in range(120):
        holders.put("eazycard", f"A{number}", holder(f"h{number}"))
    found = holders.of_accounts([f"eazycard#A{number}" for number in range(130)] * 2)
    assert {key: [one.id for one in own] for key, own in found.items()} == {
        f"eazycard#A{number}": [f"h{number}"] for number in range(120)
    }


def test_a_deleted_holders_data_is_gone_and_the_place_is_free(holders: HolderRepository, each_dynamodb: Any) -> None:
    holders.put("eazycard", "A123", holder("h1"))
    holders.put("eazycard", "A123", holder("h2", name="Grace", email="grace@example.com"))
    holders.delete("eazycard", "A123", "h1")
    assert [found.id for found in holders.of_account("eazycard", "A123")] == ["h2"]
    (item,) = each_dynamodb.scan(TableName="AccountsTable")["Items"]
    assert "awa" not in str(item).lower()
    with pytest.raises(HolderNotFound):
        holders.delete("eazycard", "A123", "h1")
    assert holders.put("eazycard", "A123", holder("h1")) is True


def test_a_holder_of_an_account_without_any_cant_be_deleted(holders: HolderRepository) -> None:
    with pytest.raises(HolderNotFound):
        holders.delete("eazycard", "A123", "h1")
    assert holders.of_account("eazycard", "A123") == []


def test_an_account_takes_20_holders_and_replaces_any_of_them(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS):
        assert holders.put("eazycard", "A123", holder(f"h{number}")) is True
    with pytest.raises(TooManyHolders):
        holders.put("eazycard", "A123", holder("one-more"))
    assert holders.put("eazycard", "A123", holder("h7", name="Grace")) is False
    holders.delete("eazycard", "A123", "h3")
    assert holders.put("eazycard", "A123", holder("one-more")) is True
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS == 20


def test_holders_that_are_enrolled_at_once_never_pass_the_limit(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS - 3):
        holders.put("eazycard", "A123", holder(f"h{number}"))
    outcomes = at_once(lambda number: holders.put("eazycard", "A123", holder(f"new{number}")))
    assert outcomes.count(True) == 3
    assert [type(outcome) for outcome in outcomes].count(TooManyHolders) == WRITERS - 3
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def test_of_the_same_holder_enrolled_at_once_one_is_new_and_counts_once(holders: HolderRepository) -> None:
    outcomes = at_once(lambda _: holders.put("eazycard", "A123", holder("h1")))
    assert sorted(outcomes) == [False] * (WRITERS - 1) + [True]
    for number in range(MAX_HOLDERS - 1):
        holders.put("eazycard", "A123", holder(f"other{number}"))
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def test_the_same_holder_deleted_at_once_is_deleted_once(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS):
        holders.put("eazycard", "A123", holder(f"h{number}"))
    outcomes = at_once(lambda _: holders.delete("eazycard", "A123", "h0"))
    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes].count(HolderNotFound) == WRITERS - 1
    holders.put("eazycard", "A123", holder("new"))
    with pytest.raises(TooManyHolders):
        holders.put("eazycard", "A123", holder("one-more"))


def test_an_account_full_of_the_largest_holders_fits_into_an_item(holders: HolderRepository) -> None:
    largest = {"name": "😀" * 140, "email": f"{'x' * 60}@{'y' * 60}.{'z' * 60}.{'w' * 60}.com"}
    minimums = {f"X{chr(65 + a)}{chr(65 + b)}": "123456789012345.1234" for a in range(7) for b in range(26)}
    for number in range(MAX_HOLDERS):
        holders.put("eazycard", "A123", holder(f"{number:064d}", **largest, preferences={"min_amount": minimums}))
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def stored(holders: HolderRepository) -> list[Holder]:
    return holders.of_account("eazycard", "A123")


@pytest.mark.parametrize("before", [{}, {"types": []}, PREFERENCES])
@pytest.mark.parametrize("after", [{}, {"muted": True}, PREFERENCES])
def test_preferences_replace_those_that_were_read(
    holders: HolderRepository, before: dict[str, Any], after: dict[str, Any]
) -> None:
    read = dataclasses.replace(holder("h1"), preferences=before)
    holders.put("eazycard", "A123", read)
    holders.put("eazycard", "A123", holder("h2"))
    assert holders.change_preferences("eazycard", "A123", read, after)
    assert stored(holders) == [dataclasses.replace(read, preferences=after), holder("h2")]


@pytest.mark.parametrize("change", [{"preferences": {"types": []}}, {"email": "new@example.com"}])
def test_preferences_or_an_address_that_changed_since_they_were_read_are_left_alone(
    holders: HolderRepository, change: dict[str, Any]
) -> None:
    read = holder("h1")
    now = dataclasses.replace(read, **change)
    holders.put("eazycard", "A123", now)
    assert not holders.change_preferences("eazycard", "A123", read, {"muted": True})
    assert stored(holders) == [now]


def test_muting_keeps_the_other_preferences_and_is_refused_for_another_address(holders: HolderRepository) -> None:
    read = holder("h1")
    now = dataclasses.replace(read, preferences=PREFERENCES, name="Another name")
    holders.put("eazycard", "A123", now)
    for _ in range(2):
        assert holders.mute("eazycard", "A123", read)
    muted = dataclasses.replace(now, preferences={**PREFERENCES, "muted": True})
    assert stored(holders) == [muted]
    assert not holders.mute("eazycard", "A123", dataclasses.replace(read, email="old@example.com"))
    assert stored(holders) == [muted]


def test_a_holder_who_isn_t_there_is_not_made_by_a_change(holders: HolderRepository, each_dynamodb: Any) -> None:
    holders.put("eazycard", "A123", holder("h2"))
    for account in ("A123", "A9"):
        assert not holders.change_preferences("eazycard", account, holder("h1"), {"muted": True})
        assert not holders.mute("eazycard", account, holder("h1"))
    assert each_dynamodb.scan(TableName="AccountsTable")["Count"] == 1
    assert stored(holders) == [holder("h2")]


def test_of_changes_at_the_same_time_one_is_made(holders: HolderRepository) -> None:
    read = holder("h1")
    holders.put("eazycard", "A123", read)
    wishes: list[dict[str, Any]] = [{"types": [], "statement": f"{number}"} for number in range(WRITERS)]
    made = at_once(lambda number: holders.change_preferences("eazycard", "A123", read, wishes[number]))
    assert sorted(made) == [False] * (len(made) - 1) + [True]
    assert stored(holders)[0].preferences == wishes[made.index(True)]


def test_a_suppression_marks_only_a_holder_who_has_the_address_still(holders: HolderRepository) -> None:
    suppressed = Suppressed("hard_bounce", NOW)
    holders.put("eazycard", "A123", holder("h1"))
    holders.put("eazycard", "A123", holder("h2"))
    holders.suppress("eazycard#A123", holder("h1"), suppressed)
    holders.suppress("eazycard#A123", holder("h2", email="old@example.com"), suppressed)
    holders.suppress("eazycard#A123", holder("never enrolled"), suppressed)
    assert stored(holders) == [holder("h1", suppressed=suppressed), holder("h2")]


def test_a_record_that_cannot_be_read_hides_no_other_holder_and_is_logged(
    holders: HolderRepository, each_dynamodb: Any, logged: Any
) -> None:
    holders.put("eazycard", "A123", holder("h1"))
    each_dynamodb.update_item(
        TableName="AccountsTable",
        Key=to_item({"account_key": "eazycard#A123"}),
        UpdateExpression="SET #a = :a, #b = :b",
        ExpressionAttributeNames={"#a": "holder:a", "#b": "holder:b"},
        ExpressionAttributeValues=to_item({":a": "no record", ":b": {"name": "Nobody's name"}}),
    )
    assert stored(holders) == [holder("h1")]
    text = logged()
    assert "malformed_holder" in text
    assert "holder:a" in text
    assert "holder:b" in text
    assert "Nobody's name" not in text
