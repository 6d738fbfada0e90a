"""Looks in the audit trail, on both engines: each is noted once, and those at one thing are found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.audit.entry import STAFF, Author
from chalicelib.audit.looks import MOST_LOOKS, SAME_LOOK_FOR, Looks
from chalicelib.audit.repository import AuditRepository
from chalicelib.audit.trail import Trail
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, refusal

NOW = datetime(2026, 1, 31, 23, 50, tzinfo=UTC)
AWA, BEN = (Author(STAFF, name, "127.0.0.1", "r1") for name in ("awa", "ben"))


class Viewing:
    """Looks at a time that the test sets."""

    def __init__(self, client: Any) -> None:
        self.now = NOW
        self.entries = AuditRepository(client, "AuditTable", 10)
        self.trail = Trail(self.entries, lambda: "secret", lambda: self.now)
        self.looks = Looks(self.trail, self.entries, lambda: self.now)

    def view(self, author: Author, transaction: str = "t1", bank: str = "eazycard") -> list[tuple[str, datetime]]:
        return [tuple(look) for look in self.looks.note(author, bank, "transaction.viewed", "transaction", transaction)]


@pytest.fixture
def viewing(each_dynamodb: Any) -> Viewing:
    return Viewing(each_dynamodb)


def test_a_look_shows_who_looked_before_newest_first(viewing: Viewing) -> None:
    assert viewing.view(AWA) == []
    viewing.now += timedelta(minutes=20)  # in the next month
    assert viewing.view(BEN) == [("awa", NOW)]
    viewing.now += timedelta(minutes=1)
    assert viewing.view(AWA) == [("ben", NOW + timedelta(minutes=20)), ("awa", NOW)]
    assert viewing.view(AWA, "t2") == []
    assert viewing.view(AWA, bank="other-bank") == []


def test_a_page_that_is_read_again_and_again_is_one_look(viewing: Viewing) -> None:
    for _ in range(3):
        viewing.now += timedelta(seconds=5)
        viewing.view(AWA)
    assert len(viewing.view(BEN)) == 1
    viewing.now += SAME_LOOK_FOR
    viewing.view(AWA)
    assert [author for author, _ in viewing.view(BEN)] == ["awa", "ben", "awa"]


def test_entries_about_the_same_of_another_kind_are_no_looks(viewing: Viewing) -> None:
    viewing.looks.note(AWA, "eazycard", "transaction.printed", "transaction", "t1")
    assert viewing.view(BEN) == []


@pytest.mark.parametrize("others", [0, 1, 19, 20, 49, 50, 51, 120])
def test_however_much_is_noted_of_other_kinds_the_looks_are_found_and_one_look_stays_one(
    viewing: Viewing, others: int
) -> None:
    viewing.view(AWA)
    for number in range(others):
        viewing.now += timedelta(seconds=1)
        viewing.trail.by(BEN, "eazycard").of_transaction(f"case.note{number}", "t1")
    for _ in range(2):
        viewing.now += timedelta(seconds=1)
        assert viewing.view(AWA) == [("awa", NOW)]


def test_a_look_stays_one_behind_more_looks_of_others_than_are_shown(viewing: Viewing) -> None:
    viewing.view(AWA)
    for number in range(MOST_LOOKS + 5):
        viewing.now += timedelta(seconds=1)
        viewing.view(Author(STAFF, f"s{number}"))
    viewing.view(AWA)
    first, last = NOW, viewing.now
    noted = [one.author.id for one in viewing.entries.of_bank("eazycard", first, last)]
    assert noted.count("awa") == 1
    assert len(noted) == MOST_LOOKS + 6


def test_so_many_looks_are_shown_and_no_more(viewing: Viewing) -> None:
    for number in range(MOST_LOOKS + 3):
        viewing.now += timedelta(seconds=1)
        viewing.view(Author(STAFF, f"s{number}"))
    assert len(viewing.view(AWA)) == MOST_LOOKS


def test_a_look_that_can_not_be_noted_is_refused(dynamodb: Any, table_names: Any) -> None:
    for at in (0, 1):
        with pytest.raises(TemporarilyUnavailable):
            Viewing(Failing(dynamodb, refusal("ThrottlingException"), at)).view(AWA)


def test_an_entry_names_neither_the_transaction_nor_the_member_s_name(viewing: Viewing) -> None:
    viewing.view(AWA, "transaction-1")
    (entry,) = viewing.entries.of_bank("eazycard", NOW, NOW)
    assert (entry.action, entry.fields, entry.author) == ("transaction.viewed", (), AWA)
    assert len(entry.subject) == 32
    assert "transaction-1" not in repr(entry)
