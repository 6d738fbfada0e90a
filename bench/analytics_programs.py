"""The programs that the analytics benchmark measures, each in its own process: a scan of the table, and the job.

python -m bench.analytics_programs scan http://127.0.0.1:8000     adds up the whole table
python -m bench.analytics_programs before http://127.0.0.1:8000   the job on the older transactions
python -m bench.analytics_programs job http://127.0.0.1:8000      the job on the new transactions
python -m bench.analytics_programs idle http://127.0.0.1:8000     the job again, when nothing is new
"""

import dataclasses
import json
import sys
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import boto3

from bench import own_process
from bench.analytics_data import BANKS, NOW, TODAY
from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.analytics.rollups import Day, Sums
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.repository import TransactionRepository

# The number of roll-ups that DynamoDB Local takes in a transaction. AWS takes eleven times as many, in fewer steps.
MAX_DAYS = 9
_READS = ("batch_get_item", "get_item", "query", "scan")
_ACCESS = {"region_name": "us-east-2", "aws_access_key_id": "bench", "aws_secret_access_key": "x"}


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What a program cost, and its `sums` by bank, day and currency."""

    seconds: float
    peak_mb: float
    calls: int
    read_units: float
    sums: dict[str, list[str]]


class Charged:
    """A client or a table that counts its calls and the read units that DynamoDB charges."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0
        self.read_units = 0.0

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def charged(**arguments: Any) -> Any:
            answer = operation(**arguments, ReturnConsumedCapacity="TOTAL")
            self.calls += 1
            if name in _READS:
                consumed = answer["ConsumedCapacity"]
                tables = consumed if isinstance(consumed, list) else [consumed]
                # For a read that finds nothing, DynamoDB Local charges nothing; AWS charges half a unit.
                self.read_units += sum(max(0.5, float(table["CapacityUnits"])) for table in tables)
            return answer

        return charged


def client_of(url: str) -> Any:
    """Return a client of DynamoDB Local."""
    return boto3.client("dynamodb", endpoint_url=url, **_ACCESS)


def measured(program: str, url: str) -> Measured:
    """Run a program in its own process; return what it cost."""
    return Measured(**own_process.run(__name__, program, url))


def _measure(program: str, url: str) -> Measured:
    client = client_of(url)
    table = boto3.resource("dynamodb", endpoint_url=url, **_ACCESS).Table("TransactionsTable")
    for connection in (client, table.meta.client):
        connection.describe_table(TableName="TransactionsTable")  # Connect before the measurement.
    charged = Charged(table if program == "scan" else client)
    start = time.perf_counter()
    sums = _scan(charged) if program == "scan" else _job(charged, program)
    seconds = time.perf_counter() - start
    peak_mb = own_process.peak() / 2**20
    return Measured(seconds, peak_mb, charged.calls, charged.read_units, sums or _roll_ups(client))


def _job(client: Any, program: str) -> dict[str, list[str]]:
    """Run the job. Its sums are in the table afterwards."""
    roll_ups = AnalyticsRepository(client, "AnalyticsTable")
    baselines = BaselineRepository(client, "AnalyticsTable")
    transactions = TransactionRepository(client, "TransactionsTable")
    now = TODAY if program == "before" else NOW
    AnalyticsJob(roll_ups, baselines, transactions, lambda: now, MAX_DAYS).run(lambda: 60)
    return {}


def _scan(table: Any) -> dict[str, list[str]]:
    """Return the sums, computed in the simplest way: from all that is stored."""
    counts: Counter[tuple[str, str]] = Counter()
    amounts: dict[tuple[str, str], Decimal] = {}
    arguments: dict[str, Any] = {}
    while True:
        page = table.scan(**arguments)
        for item in page["Items"]:
            if item["status"] == "settled":
                of = f"{item['bank']} {item['timestamp'][:10]} {item['currency']}", item["type"]
                counts[of] += 1
                amounts[of] = amounts.get(of, Decimal(0)) + item["amount"]
        if "LastEvaluatedKey" not in page:
            break
        arguments = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    days = {day for day, _ in counts}
    return {
        day: [
            f"{value:f}" for kind in ("credit", "debit") for value in (Decimal(counts[day, kind]), amounts[day, kind])
        ]
        for day in sorted(days)
    }


def _roll_ups(client: Any) -> dict[str, list[str]]:
    repository = AnalyticsRepository(client, "AnalyticsTable")
    at = repository.checkpoint()
    found: dict[Day, Sums] = {}
    for bank in BANKS:
        found |= repository.days(bank, "2026-01-01", "2026-01-31", at)
    return {
        f"{day.bank} {day.date} {day.currency}": [
            f"{Decimal(value):f}" for value in (sums.credit_count, sums.credit, sums.debit_count, sums.debit)
        ]
        for day, sums in sorted(found.items())
    }


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(_measure(*sys.argv[1:]))))
