"""A night of statements, made on the data stack's tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.notifications.due import DueRepository
from chalicelib.statements.index import StatementIndex, expected_in
from load import night
from tests.fakes import NoProgress

# Monday 00:30 in Douala, still Sunday in UTC.
NOW = datetime(2026, 1, 11, 23, 30, tzinfo=UTC)


def test_each_holder_s_statement_of_last_week_is_due_at_once(dynamodb: Any, table_names: dict[str, str]) -> None:
    due = DueRepository(dynamodb, table_names["StatementsTable"])
    statements = list(night.statements_of("load-steady", ["L1", "L2"], NOW))
    night.fall(StatementIndex(due), statements, NOW, NoProgress())
    hour = NOW.replace(minute=0)
    found = []
    for page in due.due(hour, NOW + timedelta(minutes=1)):
        found += [expected_in(one.payload) for one in page]
        due.remove(page)
    assert {one.id for one in found} == {"statement@L1@2026-W02", "statement@L2@2026-W02"}
    assert {(one.bank, one.holder) for one in found} == {("load-steady", "h")}
