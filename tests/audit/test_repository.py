"""The audit trail's table, on both engines: an entry stays as it is, and a time span finds it over months."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.audit.entry import Author, Entry
from chalicelib.audit.repository import AuditRepository
from chalicelib.ledger.times import sortable

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
