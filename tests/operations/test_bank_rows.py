"""Which bank a stored row is of."""

import json
import subprocess
import sys
from typing import Any

import pytest

from chalicelib.banks.bank import BANK_ID
from operations.bank_rows import SHARED, TABLES, bank_of
from tests.stored_rows import SHARED_ROWS, rows_of
from tests.tables import template

# Ids that a bank may have, and that are words in keys.
NAMES = [
    "eazycard",
    "holder",
    "feed",
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


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_of_the_bank_that_its_keys_name(name: str) -> None:
    assert BANK_ID.fullmatch(name)
    for table, row in rows_of(name):
        assert bank_of(table, row) == name, (table, row)


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
