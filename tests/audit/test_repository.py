"""The audit trail's table, on both engines: an entry stays as it is, and a time span finds it over months."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from chalicelib.audit import repository
from chalicelib.audit.entry import Author, Entry
from chalicelib.audit.repository import AuditRepository
from chalicelib.ledger.times import sortable
from tests.fakes import Metered
from tests.metrics import counted

NOW = datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)


def entry(at: datetime = NOW, **changes: Any) -> Entry:
    author = Author("operator", "arn:aws:iam::123456789012:user/ben")
    made = Entry(f"{sortable(at)}-0123456789abcdef", "eazycard", at, author, "bank.plan", "", ("plan",))
    return dataclasses.replace(made, **changes)


@pytest.fixture
def entries(each_dynamodb: Any) -> AuditRepository:
    return AuditRepository(each_dynamodb, "AuditTable", 10)


def test_a_stored_entry_stays_as_it_is(entries: AuditRepository) -> None:
    entries.append(entry())
    entries.append(entry(action="bank.disable"))
    assert list(entries.of_bank("eazycard", NOW, NOW)) == [entry()]


def test_entries_are_found_by_time_over_months_in_their_order(entries: AuditRepository) -> None:
    times = [NOW - timedelta(days=62), NOW, NOW + timedelta(microseconds=1), NOW + timedelta(days=40)]
    for at in reversed(times):
        entries.append(entry(at))
    assert [one.at for one in entries.of_bank("eazycard", times[0], times[-1])] == times
    assert [one.at for one in entries.of_bank("eazycard", times[1], times[2])] == times[1:3]
    assert not list(entries.of_bank("eazycard", times[2] + timedelta(microseconds=1), NOW + timedelta(days=39)))
    assert entries.find("eazycard", entry().id) == entry()
    assert entries.find("eazycard", "2026-01-31T00:00:00.000000Z-0") is None


def test_an_entry_ends_after_the_years(each_dynamodb: Any, entries: AuditRepository) -> None:
    entries.append(entry())
    (item,) = each_dynamodb.scan(TableName="AuditTable")["Items"]
    assert datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC) >= NOW.replace(year=2036)
    assert datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC) < NOW + timedelta(days=3_661)


def test_a_subject_s_entries_of_one_action_are_read_as_far_as_they_are_asked_for_and_at_most_so_many(
    dynamodb: Any, table_names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_SUBJECT_PAGE", 4)
    monkeypatch.setattr(repository, "_MOST_OF_A_SUBJECT", 12)
    calls = Counter[str]()
    entries = AuditRepository(Metered(dynamodb, calls, Counter()), "AuditTable", 10)
    for number in range(15):
        action = "case.note" if number % 2 else "transaction.viewed"
        entries.append(entry(NOW + timedelta(seconds=number), subject="s1", action=action))
    entries.append(entry(NOW, subject="s2", action="transaction.viewed", bank="other-bank"))

    def seconds(found: Iterator[Entry]) -> list[int]:
        return [(one.at - NOW).seconds for one in found]

    found = entries.of_subject("eazycard", "s1", "transaction.viewed")
    assert seconds(islice(found, 2)) == [14, 12]
    assert calls["query"] == 1
    assert seconds(found) == [10, 8, 6, 4]  # of the newest 12
    assert calls["query"] == 3
    assert list(entries.of_subject("eazycard", "s1", "case.close")) == []
    assert calls["query"] == 6


def pages(entries: AuditRepository, first: datetime, last: datetime, limit: int) -> list[list[datetime]]:
    found, before = entries.newest("eazycard", first, last, limit)
    listed = [[one.at for one in found]]
    while before is not None:
        found, before = entries.newest("eazycard", first, last, limit, before)
        listed.append([one.at for one in found])
    return listed


def test_the_newest_entries_come_first_over_months_each_once(entries: AuditRepository) -> None:
    times = [NOW + timedelta(hours=8 * number) for number in range(-6, 6)]  # some days of two months
    for at in times:
        entries.append(entry(at))
    entries.append(entry(NOW, id=f"{sortable(NOW)}-fedcba9876543210"))  # another one at the same moment
    entries.append(entry(NOW, bank="other-bank"))
    newest = sorted([*times, NOW], reverse=True)
    for limit in (1, 2, 5, 6, 7, 12, 13, 50):
        listed = pages(entries, times[0], times[-1], limit)
        assert [at for page in listed for at in page] == newest
        assert all(len(page) == limit for page in listed[:-1])
        assert listed[-1]
    assert pages(entries, times[2], times[3], 5) == [[times[3], times[2]]]
    assert pages(entries, NOW + timedelta(days=40), NOW + timedelta(days=80), 5) == [[]]


def test_an_entry_that_can_t_be_read_keeps_no_other_from_being_seen(
    each_dynamodb: Any, entries: AuditRepository, logged: Any
) -> None:
    times = [NOW - timedelta(hours=number) for number in range(6)]
    for at in times:
        entries.append(entry(at, subject="A1"))
    broken = each_dynamodb.scan(TableName="AuditTable")["Items"]
    unreadable = [{**one, "fields": {"BOOL": True}} for one in broken if sortable(times[2]) in one["entry"]["S"]]
    each_dynamodb.put_item(TableName="AuditTable", Item=unreadable[0])
    others = [at for at in times if at != times[2]]
    assert [one.at for one in entries.of_bank("eazycard", times[-1], NOW)] == others[::-1]
    assert [one.at for one in entries.of_subject("eazycard", "A1", "bank.plan")] == others
    for limit in (1, 2, 3, 50):
        assert [at for page in pages(entries, times[-1], NOW, limit) for at in page] == others
    assert counted(logged(), "MalformedEntries") == 6
