"""Which notifications a digest's e-mail tells: noted before it is sent, all or nothing, and read as they are noted."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.notifications.digest_members import MAX_MEMBERS, DigestMembers
from chalicelib.notifications.state import NotificationKey
from tests.fakes import Failing, Metered, refusal

TABLE = "NotificationsTable"
NOW = datetime(2026, 1, 10, 14, tzinfo=UTC)
DIGEST = NotificationKey("eazycard", "digest@A1@20260110T153004.000050Z", "awa", "A1")
SIZES = (0, 1, 499, 500, 501, 1_000, MAX_MEMBERS)


def ids(count: int) -> list[str]:
    return [f"t{number}" for number in range(count)]


@pytest.fixture
def members(each_dynamodb: Any) -> DigestMembers:
    return DigestMembers(each_dynamodb, TABLE, lambda: NOW, kept_days=3)


def test_all_come_back_in_their_order_as_the_digest_s_holder_s(members: DigestMembers) -> None:
    for size in SIZES:
        members.put(DIGEST, ids(size))
        found = members.of(DIGEST)
        assert [key.transaction for key in found] == ids(size)
        assert {(key.bank, key.holder, key.account) for key in found} <= {("eazycard", "awa", "A1")}


def test_what_is_noted_again_is_in_the_place_of_what_was(members: DigestMembers) -> None:
    for size in reversed(SIZES):
        members.put(DIGEST, ids(size))
        assert len(members.of(DIGEST)) == size


def test_another_digest_has_none(members: DigestMembers) -> None:
    members.put(DIGEST, ids(3))
    assert members.of(NotificationKey("eazycard", DIGEST.transaction, "ben", "A1")) == []


def test_the_items_are_beside_the_digest_s_note_and_end_with_it(dynamodb: Any, table_names: Any) -> None:
    DigestMembers(dynamodb, TABLE, lambda: NOW, kept_days=3).put(DIGEST, ids(1_001))
    items = dynamodb.scan(TableName=TABLE)["Items"]

    assert {item["transaction_key"]["S"] for item in items} == {f"eazycard#{DIGEST.transaction}"}
    assert {item["holder"]["S"] for item in items} == {f"awa#members#{number}" for number in range(3)}
    assert {item["items"]["N"] for item in items} == {"3"}
    assert {item["expires_at"]["N"] for item in items} == {str(int(NOW.timestamp()) + 3 * 86_400)}


def test_without_a_clock_they_never_end(dynamodb: Any, table_names: Any) -> None:
    DigestMembers(dynamodb, TABLE).put(DIGEST, ids(1))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert "expires_at" not in item


def test_they_are_read_consistently_in_one_call(dynamodb: Any, table_names: Any) -> None:
    DigestMembers(dynamodb, TABLE).put(DIGEST, ids(MAX_MEMBERS))
    calls, units = Counter[str](), Counter[str]()
    asked: list[dict[str, Any]] = []

    class Heard:
        def batch_get_item(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return Metered(dynamodb, calls, units).batch_get_item(**arguments)

    assert len(DigestMembers(Heard(), TABLE).of(DIGEST)) == MAX_MEMBERS
    assert calls == {"batch_get_item": 1}
    assert asked[0]["RequestItems"][TABLE]["ConsistentRead"] is True
    assert len(asked[0]["RequestItems"][TABLE]["Keys"]) == 10
    assert MAX_MEMBERS == 5_000


def test_each_item_is_written_once_and_the_one_that_says_how_many_count_last(dynamodb: Any, table_names: Any) -> None:
    written: list[list[str]] = []

    class Heard:
        def batch_write_item(self, **arguments: Any) -> Any:
            puts = [one["PutRequest"]["Item"]["holder"]["S"] for one in arguments["RequestItems"][TABLE]]
            written.append(puts)
            return dynamodb.batch_write_item(**arguments)

    DigestMembers(Heard(), TABLE).put(DIGEST, ids(1_001))
    assert written == [["awa#members#1", "awa#members#2"], ["awa#members#0"]]


@pytest.mark.parametrize("dies_at", [0, 1])
def test_who_dies_meanwhile_leaves_what_was_or_all_of_it(dynamodb: Any, table_names: Any, dies_at: int) -> None:
    DigestMembers(dynamodb, TABLE).put(DIGEST, ["before"])
    error = refusal("AccessDeniedException")
    with pytest.raises(type(error)):
        DigestMembers(Failing(dynamodb, error, at=dies_at), TABLE).put(DIGEST, ids(501))

    assert [key.transaction for key in DigestMembers(dynamodb, TABLE).of(DIGEST)] == ["before"]
