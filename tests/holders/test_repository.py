"""Holders in DynamoDB, on both engines: enrolled, replaced, changed and erased, each at most once."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import to_item
from chalicelib.errors import HolderNotFound, PreconditionFailed, TemporarilyUnavailable, TooManyHolders
from chalicelib.holders.holder import MAX_HOLDERS, Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from tests.fakes import Failing, Refusing, refusal
from tests.threads import WRITERS, at_once

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


@pytest.fixture
def holders(each_dynamodb: Any) -> HolderRepository:
    return HolderRepository(each_dynamodb, "AccountsTable", make_alias=str)


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
    holders.delete("eazycard", "A123", "h1", NOW)
    assert [found.id for found in holders.of_account("eazycard", "A123")] == ["h2"]
    (item,) = each_dynamodb.scan(TableName="AccountsTable")["Items"]
    assert "awa" not in str(item).lower()
    with pytest.raises(HolderNotFound):
        holders.delete("eazycard", "A123", "h1", NOW)
    assert holders.put("eazycard", "A123", holder("h1")) is True


def test_a_holder_of_an_account_without_any_cant_be_deleted(holders: HolderRepository) -> None:
    with pytest.raises(HolderNotFound):
        holders.delete("eazycard", "A123", "h1", NOW)
    assert holders.of_account("eazycard", "A123") == []


def test_an_account_takes_20_holders_and_replaces_any_of_them(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS):
        assert holders.put("eazycard", "A123", holder(f"h{number}")) is True
    with pytest.raises(TooManyHolders):
        holders.put("eazycard", "A123", holder("one-more"))
    assert holders.put("eazycard", "A123", holder("h7", name="Grace")) is False
    holders.delete("eazycard", "A123", "h3", NOW)
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
    outcomes = at_once(lambda number: holders.put("eazycard", "A123", holder("h1", name=f"Writer {number}")))
    assert sorted(outcomes) == [False] * (WRITERS - 1) + [True]
    for number in range(MAX_HOLDERS - 1):
        holders.put("eazycard", "A123", holder(f"other{number}"))
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def test_the_same_holder_deleted_at_once_is_deleted_once(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS):
        holders.put("eazycard", "A123", holder(f"h{number}"))
    outcomes = at_once(lambda _: holders.delete("eazycard", "A123", "h0", NOW))
    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes].count(HolderNotFound) == WRITERS - 1
    holders.put("eazycard", "A123", holder("new"))
    with pytest.raises(TooManyHolders):
        holders.put("eazycard", "A123", holder("one-more"))


def test_an_account_full_of_the_largest_holders_fits_into_an_item(holders: HolderRepository) -> None:
    largest = {"name": "😀" * 140, "email": f"{'x' * 60}@{'y' * 60}.{'z' * 60}.{'w' * 60}.com"}
    minimums = {f"X{chr(65 + a)}{chr(65 + b)}": "123456789012345.1234" for a in range(7) for b in range(26)}
    for number in range(MAX_HOLDERS):
        chosen = {"preferences": {"min_amount": minimums}, "bank_preferences": {"min_amount": minimums}}
        chosen["choices"] = {"min_amount": minimums}
        holders.put("eazycard", "A123", holder(f"{number:064d}", **largest, **chosen))
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def stored(holders: HolderRepository) -> list[Holder]:
    return holders.of_account("eazycard", "A123")


def test_a_change_gets_the_stored_record_and_replaces_it_alone(holders: HolderRepository) -> None:
    whole = holder(
        "h1",
        bank_preferences={"types": ["credit"]},
        choices={"muted": True, "min_amount": None},
        preferences_chosen_at=NOW + timedelta(minutes=1),
        created_at=NOW,
        updated_at=NOW + timedelta(minutes=2),
        suppressed=Suppressed("complaint", NOW),
    )
    holders.put("eazycard", "A123", whole)
    holders.put("eazycard", "A123", holder("h2"))
    after = dataclasses.replace(whole, name="Awa N.", choices={})
    assert holders.change("eazycard", "A123", "h1", lambda before: after) == (whole, after)
    assert stored(holders) == [after, holder("h2")]


def test_a_change_that_raises_or_changes_nothing_writes_nothing(holders: HolderRepository, each_dynamodb: Any) -> None:
    def refuse(before: Holder | None) -> Holder:
        raise HolderNotFound

    for account in ("A123", "A9"):
        with pytest.raises(HolderNotFound):
            holders.change("eazycard", account, "h1", refuse)
    assert each_dynamodb.scan(TableName="AccountsTable")["Count"] == 0
    holders.put("eazycard", "A123", holder("h1"))
    read_only = HolderRepository(Failing(each_dynamodb, refusal("AccessDenied"), 0, "update_item"), "AccountsTable")
    before, after = read_only.change("eazycard", "A123", "h1", lambda before: before or holder("h1"))
    assert before is after
    assert before == holder("h1")


def test_a_change_between_the_read_and_the_write_is_seen_by_another_call_and_not_lost(
    holders: HolderRepository, each_dynamodb: Any
) -> None:
    holders.put("eazycard", "A123", holder("h1"))
    seen: list[str] = []

    def rename(before: Holder | None) -> Holder:
        assert before is not None
        seen.append(before.email)
        if len(seen) == 1:
            holders.put("eazycard", "A123", holder("h1", email="new@example.com"))
        return dataclasses.replace(before, name="Awa N.")

    holders.change("eazycard", "A123", "h1", rename)
    assert seen == ["awa@example.com", "new@example.com"]
    assert stored(holders) == [holder("h1", name="Awa N.", email="new@example.com")]


def test_an_address_suppressed_between_the_read_and_the_write_stays_suppressed(holders: HolderRepository) -> None:
    holders.put("eazycard", "A123", holder("h1"))
    suppressed = Suppressed("hard_bounce", NOW)

    def rename(before: Holder | None) -> Holder:
        assert before is not None
        holders.mark("eazycard#A123", before, suppressed)
        return dataclasses.replace(before, name="Awa N.")

    holders.change("eazycard", "A123", "h1", rename)
    assert stored(holders) == [holder("h1", name="Awa N.", suppressed=suppressed)]


def test_of_changes_at_the_same_time_each_is_made_on_top_of_the_others(holders: HolderRepository) -> None:
    holders.put("eazycard", "A123", holder("h1", choices={}))

    def choose(number: int) -> Any:
        def change(before: Holder | None) -> Holder:
            assert before is not None
            return dataclasses.replace(before, choices={**(before.choices or {}), f"n{number}": True})

        return holders.change("eazycard", "A123", "h1", change)

    at_once(choose)
    assert stored(holders)[0].choices == {f"n{number}": True for number in range(WRITERS)}


def test_a_write_whose_answer_was_lost_is_not_made_twice(holders: HolderRepository, each_dynamodb: Any) -> None:
    holders.put("eazycard", "A123", holder("h1"))

    class AnswerLost:
        """A client whose first write is made, but refused in the answer: botocore's second try met the first."""

        def __init__(self) -> None:
            self.writes = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(each_dynamodb, name)

        def update_item(self, **arguments: Any) -> Any:
            self.writes += 1
            answer = each_dynamodb.update_item(**arguments)
            if self.writes == 1:
                raise refusal("ConditionalCheckFailedException")
            return answer

    client = AnswerLost()

    def once(before: Holder | None) -> Holder:
        assert before is not None
        assert before.name == "Awa Ndiaye", "the change would be refused the second time"
        return dataclasses.replace(before, name="Awa N.")

    before, after = HolderRepository(client, "AccountsTable", make_alias=str).change("eazycard", "A123", "h1", once)
    assert (before, after.name, client.writes) == (holder("h1"), "Awa N.", 1)


def test_writers_that_always_meet_another_are_asked_to_come_again(each_dynamodb: Any) -> None:
    waits: list[float] = []
    busy = Refusing(each_dynamodb, refusal("ConditionalCheckFailedException"), "update_item")
    holders = HolderRepository(busy, "AccountsTable", waits.append)
    with pytest.raises(TemporarilyUnavailable):
        holders.put("eazycard", "A123", holder("h1"))
    assert len(waits) > 5


def test_a_holder_is_not_erased_if_the_check_of_the_stored_record_raises(holders: HolderRepository) -> None:
    holders.put("eazycard", "A123", holder("h1"))

    def check(before: Holder | None) -> None:
        assert before == holder("h1")
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        holders.delete("eazycard", "A123", "h1", NOW, check)
    assert stored(holders) == [holder("h1")]


def test_a_record_that_cannot_be_read_can_be_replaced_and_erased(holders: HolderRepository, each_dynamodb: Any) -> None:
    holders.put("eazycard", "A123", holder("h1"))
    each_dynamodb.update_item(
        TableName="AccountsTable",
        Key=to_item({"account_key": "eazycard#A123"}),
        UpdateExpression="SET #a = :a, #b = :a",
        ExpressionAttributeNames={"#a": "holder:a", "#b": "holder:b"},
        ExpressionAttributeValues=to_item({":a": "no record"}),
    )
    holders.put("eazycard", "A123", holder("a"))
    checked: list[Holder | None] = []
    holders.delete("eazycard", "A123", "b", NOW, checked.append)
    assert checked == [None]
    assert stored(holders) == [holder("a"), holder("h1")]


def test_a_suppression_marks_only_a_holder_who_has_the_address_still(holders: HolderRepository) -> None:
    suppressed = Suppressed("hard_bounce", NOW)
    holders.put("eazycard", "A123", holder("h1"))
    holders.put("eazycard", "A123", holder("h2"))
    holders.mark("eazycard#A123", holder("h1"), suppressed)
    holders.mark("eazycard#A123", holder("h2", email="old@example.com"), suppressed)
    holders.mark("eazycard#A123", holder("never enrolled"), suppressed)
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
    assert "Nobody's name" not in text
    assert "holder:" not in text  # a bank may use names as ids
