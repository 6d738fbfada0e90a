"""Which bank a stored row is of."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import from_item
from chalicelib.banks.bank import BANK_ID
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.state import NotificationKey
from operations.bank_rows import SHARED, TABLES, bank_of
from tests.stored_rows import SHARED_ROWS, rows_of
from tests.tables import template

# Ids that a bank may have, and that are words in keys.
NAMES = [
    "eazycard",
    "holder",
    "feed",
    "sent",
    "purchase",
    "alerts",
    "allowance",
    "activity",
    "asked",
    "signed",
    "webhook",
    "settings",
    "members",
    "10",
    "2026-01-10",
    "bank",
    "account",
    "key",
    "job",
    "pacing",
    "checkpoint",
    "flags",
    "digest",
    "quota",
]
# Runs of the simulation; prints the banks of all rows that are stored then, by table.
SIMULATED = """
import json, simulation.run as runs
from simulation import before
from simulation.template import environment
before.prepare(environment())
from chalicelib.aws.dynamo import from_item
from operations.bank_rows import bank_of
found, end = set(), runs._end
def noted(stage, *rest):
    outcome = end(stage, *rest)
    for name, table in stage.dynamodb.tables.items():
        found.update((name, bank_of(name, from_item(item))) for item in table.items() if name != "AuditTable")
    return outcome
runs._end = noted
for seed in (1, 2, 3):
    assert not runs.run(seed).broken
print(json.dumps(sorted(found)))
"""


# Ids that a transaction, an account or a holder may have, beside those.
IDS = [*NAMES, "0", "3", "2026-01-10T14", "2026-01-10T14.00.00.000000Z", "FEED", "t.1_-"]
BANKS = st.sampled_from(NAMES) | st.from_regex(BANK_ID, fullmatch=True)
IDENTIFIERS = st.sampled_from(IDS) | st.from_regex(IDENTIFIER, fullmatch=True)


def test_the_names_are_such_as_may_be() -> None:
    assert all(BANK_ID.fullmatch(name) for name in NAMES)
    assert all(IDENTIFIER.fullmatch(name) for name in IDS)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_of_the_bank_that_its_keys_name(name: str) -> None:
    for id_ in IDS:
        for table, row in rows_of(name, id_, id_, id_):
            assert bank_of(table, row) == name, (table, row)


@given(BANKS, IDENTIFIERS, IDENTIFIERS, IDENTIFIERS)
def test_every_row_is_of_its_bank_whatever_anything_is_called(
    bank: str, transaction: str, account: str, holder: str
) -> None:
    for table, row in rows_of(bank, transaction, account, holder):
        assert bank_of(table, row) == bank, (table, row)


@given(BANKS, BANKS, IDENTIFIERS)
def test_a_purchase_and_a_page_of_the_feed_are_told_apart_by_what_they_are_sorted_by(
    bank: str, other: str, transaction: str
) -> None:
    page = feed_page(NotificationKey(other, transaction, "h1"))
    purchase = {"transaction_key": f"{bank}#{transaction}#purchase", "holder": "#purchase"}
    assert bank_of("NotificationsTable", page) == other
    assert bank_of("NotificationsTable", purchase) == bank


def feed_page(key: NotificationKey) -> dict[str, Any]:
    """Return the row that the feed stores when a notification changes."""
    stored: list[dict[str, Any]] = []

    class Table:
        def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
            stored.extend(from_item(one["PutRequest"]["Item"]) for one in RequestItems["table"])
            return {}

    NotificationFeed(Table(), "table", lambda: datetime(2026, 1, 10, 14, tzinfo=UTC)).append([key])
    (page,) = stored
    return page


@pytest.mark.parametrize(("table", "row"), SHARED_ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_all_banks_share_is_no_bank_s(table: str, row: dict[str, Any]) -> None:
    assert bank_of(table, row) == SHARED


def test_every_table_has_a_rule_but_the_audit_trail_which_stays() -> None:
    resources = template()["Resources"]
    stored = {name for name, resource in resources.items() if resource["Type"] == "AWS::DynamoDB::Table"}
    assert set(TABLES) == stored - {"AuditTable"}
    assert TABLES[-1] == "BanksTable"


def test_whatever_the_whole_system_stores_is_of_a_bank_or_of_all() -> None:
    # A process of its own: the simulation has its own time and threads.
    run = subprocess.run([sys.executable, "-c", SIMULATED], capture_output=True, text=True, check=True)
    found = [tuple(pair) for pair in json.loads(run.stdout)]
    banks = {bank for table, bank in found if table == "TransactionsTable"}
    assert len(banks) >= 2
    strange = {pair for pair in found if pair[1] not in {*banks, SHARED}}
    assert not strange
    assert {table for table, _ in found} >= {"AccountsTable", "AnalyticsTable", "DeferralsTable", "NotificationsTable"}
