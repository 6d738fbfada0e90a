"""What waits for digests, in DynamoDB: each holder's apart, in order, until it is removed; and the digest is due."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dead_letters import Letter
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice, Entry, to_payload
from chalicelib.notifications.digests_repository import CLOSED_FOR, DigestRepository
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.notice import Notice
from tests.fakes import Failing, refusal
from tests.samples import EVIDENCE, transaction

TABLE = "DeferralsTable"
CLOSES = datetime(2026, 1, 10, 15, 30, 4, 50, UTC)
DIGEST = Digest(DigestKind.ORDINARY, "eazycard", "A1", "awa", CLOSES)
OTHERS = [
    replace(DIGEST, kind=DigestKind.ALERTS),
    replace(DIGEST, bank="another"),
    replace(DIGEST, account="A2"),
    replace(DIGEST, holder="ben"),
    replace(DIGEST, closes_at=CLOSES + timedelta(microseconds=1)),
]


def entry(number: int, digest: Digest = DIGEST) -> Entry:
    told = transaction(id=f"t{number:03}", bank=digest.bank, account=digest.account, metadata=None)
    return Entry(digest, Notice(told, (digest.holder,), flags=EVIDENCE))


@pytest.fixture
def digests(each_dynamodb: Any) -> DigestRepository:
    return DigestRepository(each_dynamodb, TABLE)


def waiting(digests: DigestRepository, digest: Digest = DIGEST, at_most: int = 1_000) -> list[Entry]:
    letters: list[Letter] = []
    entries, unreadable = digests.entries(digest, at_most, letters)
    assert (unreadable, letters) == ([], [])
    return entries


def test_entries_come_in_the_order_of_their_ids_as_many_as_asked_for(digests: DigestRepository) -> None:
    digests.put([entry(number) for number in (2, 0, 3, 1)])
    digests.put([entry(2)])

    assert waiting(digests) == [entry(number) for number in range(4)]
    assert [waiting(digests, at_most=count) for count in (1, 4)] == [[entry(0)], [entry(n) for n in range(4)]]


def test_each_digest_has_its_own(digests: DigestRepository) -> None:
    every = [DIGEST, *OTHERS]
    digests.put([entry(number, digest) for number, digest in enumerate(every)])
    assert [waiting(digests, digest) for digest in every] == [[entry(n, digest)] for n, digest in enumerate(every)]

    digests.remove(DIGEST, ["t000", "t001"])
    assert [len(waiting(digests, digest)) for digest in every] == [0, 1, 1, 1, 1, 1]


def test_what_is_removed_is_gone_and_the_rest_stays(digests: DigestRepository) -> None:
    digests.put([entry(number) for number in range(3)])
    digests.remove(DIGEST, ["t001", "t999"])
    digests.remove(DIGEST, [])
    assert waiting(digests) == [entry(0), entry(2)]


def due(client: Any) -> list[DueEntry]:
    hours = (CLOSES.replace(minute=0, second=0, microsecond=0) + timedelta(hours=number) for number in range(-1, 3))
    found = []
    for hour in hours:
        for page in (repository := DueRepository(client, TABLE)).due(hour, hour + timedelta(days=1)):
            found += page
            repository.remove(page)
    return found


def test_each_digest_is_due_once_half_a_minute_after_it_closes(dynamodb: Any, table_names: Any) -> None:
    digests = DigestRepository(dynamodb, TABLE)
    digests.put([entry(0), entry(1), entry(2, OTHERS[0])])

    notices = [DigestNotice(DIGEST), DigestNotice(OTHERS[0])]
    found = sorted(due(dynamodb), key=lambda one: one.payload, reverse=True)
    assert [json.loads(one.payload) for one in found] == [to_payload(notice) for notice in notices]
    assert {one.until for one in found} == {CLOSES + timedelta(seconds=30)} == {CLOSES + CLOSED_FOR}
    assert [one.name for one in found] == [f"eazycard#{notice.digest.id}#awa" for notice in notices]


def test_one_that_is_put_off_is_due_then_as_it_is(dynamodb: Any, table_names: Any) -> None:
    notice = DigestNotice(DIGEST, part=2, attempt=3)
    DigestRepository(dynamodb, TABLE).put_off(notice, CLOSES + timedelta(hours=1))

    (found,) = due(dynamodb)
    assert (found.until, json.loads(found.payload)) == (CLOSES + timedelta(hours=1), to_payload(notice))
    assert found.name == f"eazycard#{DIGEST.id}@2#awa"


def test_who_dies_while_it_puts_entries_has_put_their_digest_before(dynamodb: Any, table_names: Any) -> None:
    error = refusal("AccessDeniedException")
    with pytest.raises(type(error)):
        DigestRepository(Failing(dynamodb, error, at=1), TABLE).put([entry(0)])

    assert waiting(DigestRepository(dynamodb, TABLE)) == []
    assert len(due(dynamodb)) == 1


def test_an_entry_is_kept_for_two_weeks_after_its_digest_closes(dynamodb: Any, table_names: Any) -> None:
    DigestRepository(dynamodb, TABLE).put([entry(0)])
    due(dynamodb)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]

    assert item["due_hour"] == {"S": "digest#eazycard#A1#awa"}
    assert item["due"] == {"S": "2026-01-10T15:30:04.000050Z#t000"}
    assert item["expires_at"] == {"N": str(int((CLOSES + timedelta(days=14)).timestamp()))}


@pytest.mark.parametrize("notice", ["no JSON", "[]", None, '{"bank": "eazycard"}'])
def test_one_that_cannot_be_read_is_named_and_set_aside_and_holds_up_no_other(
    dynamodb: Any, table_names: Any, notice: str | None
) -> None:
    digests = DigestRepository(dynamodb, TABLE)
    digests.put([entry(0), entry(1)])
    key = {"due_hour": {"S": "digest#eazycard#A1#awa"}, "due": {"S": "2026-01-10T15:30:04.000050Z#t000"}}
    dynamodb.put_item(TableName=TABLE, Item={**key, **({"notice": {"S": notice}} if notice else {})})

    letters: list[Letter] = []
    assert digests.entries(DIGEST, 1, letters) == ([entry(1)], ["t000"])
    ((payload, reason),) = letters
    assert payload == notice
    assert reason.startswith("malformed_deferral: ")


def test_they_are_read_consistently(dynamodb: Any, table_names: Any) -> None:
    asked: list[dict[str, Any]] = []

    class Heard:
        def query(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return dynamodb.query(**arguments)

    DigestRepository(Heard(), TABLE).entries(DIGEST, 1, [])
    assert [one["ConsistentRead"] for one in asked] == [True]


def test_an_entry_is_written_in_its_own_letters(dynamodb: Any, table_names: Any) -> None:
    """Escaped, an Amharic letter would take twice the bytes, which are paid for."""
    told = transaction(bank="eazycard", account="A1", description="ካፌ")
    DigestRepository(dynamodb, TABLE).put([Entry(DIGEST, Notice(told))])
    due(dynamodb)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert "ካፌ" in item["notice"]["S"]
