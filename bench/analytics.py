"""What the analytics job costs beside scanning the whole table, on DynamoDB Local; both come to the same sums.

python -m bench.analytics            100,000 transactions stored, 10,000 of them new to the job
python -m bench.analytics --quick    a tenth of that
"""

import argparse
import dataclasses
import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from tqdm import tqdm

from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.analytics.rollups import Day, Sums
from chalicelib.aws.batching import batches
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.repository import TransactionRepository, transaction_item
from chalicelib.ledger.transaction import Transaction

PROJECT = Path(__file__).parent.parent
FASTER, PEAK_MB, IDLE_CALLS, IDLE_UNITS = 5, 128, 5, 4
MISSED = "MISSED"
ROUNDS = 3
BANKS = ("eazycard", "other-bank")
TODAY = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOW = TODAY + timedelta(minutes=5)  # what is new was recorded in between
# As many roll-ups as DynamoDB Local takes in a transaction. AWS takes eleven times as many, in fewer steps.
MAX_DAYS = 9
_MEASURE = "measure"
_READS = ("batch_get_item", "get_item", "query", "scan")
_ACCESS = {"region_name": "us-east-2", "aws_access_key_id": "bench", "aws_secret_access_key": "x"}
Line = tuple[str, str, str, str, str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What a process of its own has measured; `sums` is what it came to, by bank, day and currency."""

    seconds: float
    peak_mb: float
    calls: int
    read_units: float
    sums: dict[str, list[str]]


class Charged:
    """A client, or a table, that adds up its calls and what DynamoDB charges for reading."""

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
                # DynamoDB Local charges nothing for nothing; AWS half a unit.
                self.read_units += sum(max(0.5, float(table["CapacityUnits"])) for table in tables)
            return answer

        return charged


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if a target is missed."""
    options = _parse(arguments)
    # What is measured in a process of its own doesn't pay for these.
    dynamodb_local, tables = (importlib.import_module(f"tests.{name}") for name in ("dynamodb_local", "tables"))
    try:
        with dynamodb_local.running() as url:
            client = _client(url)
            tables.create_tables(client)
            _record(client, options.stored, options.new)
            _in_a_process_of_its_own("before", url)
            rounds = list(_rounds(client, url, 1 if options.quick else ROUNDS))
    except dynamodb_local.Unavailable as reason:
        print(f"bench: no DynamoDB Local: {reason}", file=sys.stderr)
        return 1
    lines = _lines(options.stored, options.new, rounds)
    _print(lines)
    return 1 if any(line[-1] == MISSED for line in lines) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.analytics",
        description="Measure the analytics job beside a scan of the whole table, on DynamoDB Local (which needs Java).",
        epilog="The status is 0 when every target is met, 1 when one is missed.",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, once, for a first impression")
    parser.add_argument("--stored", type=int, metavar="N", help="transactions in the table (default: 100000)")
    parser.add_argument("--new", type=int, metavar="N", help="of which so many are new to the job (default: a tenth)")
    options = parser.parse_args(arguments)
    options.stored = options.stored or (10_000 if options.quick else 100_000)
    options.new = options.new or options.stored // 10
    if not 0 < options.new < options.stored:
        parser.error("--new must be over 0 and under --stored")
    return options


def _record(client: Any, stored: int, new: int) -> None:
    """Store transactions of January; the new ones were recorded just now, one in a hundred of them late."""

    def put(part: list[dict[str, Any]]) -> None:
        requests = [{"PutRequest": {"Item": item}} for item in part]
        if client.batch_write_item(RequestItems={"TransactionsTable": requests})["UnprocessedItems"]:
            raise RuntimeError("DynamoDB Local left some transactions out")

    items = (transaction_item(_transaction(number, stored - new)) for number in range(stored))
    with ThreadPoolExecutor(4) as writers, tqdm(total=stored, desc="recording", unit="row", delay=2) as progress:
        for parts in batches(batches(items, 25), 100):
            list(writers.map(put, parts))
            progress.update(sum(map(len, parts)))


def _transaction(number: int, old: int) -> Transaction:
    is_new = number >= old
    day = 30 if is_new and number % 100 else number * 30 // old % 30
    return Transaction(
        bank=BANKS[number % 2],
        id=f"t{number:07}",
        account=f"A{number % 1000}",
        amount=Decimal(number % 100_000 + 1),
        type=("credit", "debit")[number // 2 % 2],
        timestamp=datetime(2026, 1, day + 1, 11, tzinfo=UTC),
        currency=("EUR", "XAF")[number // 4 % 2],
        merchant={"name": "Marché Mokolo", "mcc": "5411", "city": "Yaoundé", "country": "CM"},
        description=f"Card purchase {number % 100}, thank you",
        recorded_at=TODAY + timedelta(hours=0 if is_new else -1, microseconds=number),
    )


def _rounds(client: Any, url: str, rounds: int) -> Iterator[dict[str, Measured]]:
    """Measure the scan, the job, and the job with nothing new: each round from the same state."""
    before = _kept(client)
    for _ in tqdm(range(rounds), desc="measuring", unit="round", delay=2):
        for item in _kept(client):
            client.delete_item(TableName="AnalyticsTable", Key={name: item[name] for name in ("owner", "entry")})
        for item in before:
            client.put_item(TableName="AnalyticsTable", Item=item)
        found = {program: _in_a_process_of_its_own(program, url) for program in ("scan", "job", "idle")}
        if not found["scan"].sums == found["job"].sums == found["idle"].sums:
            raise RuntimeError("the job's sums are not those of the scan")
        yield found


def _kept(client: Any) -> list[dict[str, Any]]:
    """Return all that the job keeps: roll-ups, baselines, the checkpoint."""
    pages = client.get_paginator("scan").paginate(TableName="AnalyticsTable")
    return [item for page in pages for item in page["Items"]]


def _in_a_process_of_its_own(program: str, url: str) -> Measured:
    command = [sys.executable, "-m", "bench.analytics", _MEASURE, program, url]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))  # the job's log comes before


def _measure(program: str, url: str) -> Measured:
    client = _client(url)
    table = boto3.resource("dynamodb", endpoint_url=url, **_ACCESS).Table("TransactionsTable")
    for one in (client, table.meta.client):
        one.describe_table(TableName="TransactionsTable")  # the connection is there
    charged = Charged(table if program == "scan" else client)
    start = time.perf_counter()
    sums = _scan(charged) if program == "scan" else _job(charged, TODAY if program == "before" else NOW)
    seconds = time.perf_counter() - start
    return Measured(seconds, _peak_mb(), charged.calls, charged.read_units, sums or _roll_ups(client))


def _job(client: Any, now: datetime) -> dict[str, list[str]]:
    """Run the job, which leaves its sums in the table."""
    roll_ups = AnalyticsRepository(client, "AnalyticsTable")
    baselines = BaselineRepository(client, "AnalyticsTable")
    transactions = TransactionRepository(client, "TransactionsTable")
    AnalyticsJob(roll_ups, baselines, transactions, lambda: now, MAX_DAYS).run(lambda: 60)
    return {}


def _scan(table: Any) -> dict[str, list[str]]:
    """Return the sums as one would first compute them: of all that is stored."""
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


def _client(url: str) -> Any:
    return boto3.client("dynamodb", endpoint_url=url, **_ACCESS)


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Where there is /proc, `getrusage` also knows the peak of the process that started this one.
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(kilobytes) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def _lines(stored: int, new: int, rounds: Sequence[dict[str, Measured]]) -> list[Line]:
    def median(program: str) -> float:
        return statistics.median(one[program].seconds for one in rounds)

    scan, job, idle = (rounds[0][program] for program in ("scan", "job", "idle"))
    ratio = statistics.median(one["scan"].seconds / one["job"].seconds for one in rounds)
    peak_mb, scan_mb = (max(one[program].peak_mb for one in rounds) for program in ("job", "scan"))
    of_scan = f"scan of {stored:,}: "
    return [
        ("", "measured", "beside", "figure", "target", ""),
        (
            f"{new:,} new: time",
            f"{median('job'):.2f} s",
            f"{of_scan}{median('scan'):.2f} s",
            f"{ratio:.1f} times faster",
            f">= {FASTER}",
            _verdict(ratio >= FASTER),
        ),
        (
            f"{new:,} new: peak memory",
            f"{peak_mb:.1f} MB",
            f"{of_scan}{scan_mb:.1f} MB",
            f"{peak_mb:.1f} MB",
            f"<= {PEAK_MB}",
            _verdict(peak_mb <= PEAK_MB),
        ),
        (f"{new:,} new: calls", f"{job.calls}", f"{of_scan}{scan.calls}", "", "", ""),
        (f"{new:,} new: read units", f"{job.read_units:g}", f"{of_scan}{scan.read_units:g}", "", "", ""),
        ("nothing new: time", f"{median('idle') * 1e3:.0f} ms", "", "", "", ""),
        ("nothing new: calls", f"{idle.calls}", "", "", f"<= {IDLE_CALLS}", _verdict(idle.calls <= IDLE_CALLS)),
        (
            "nothing new: read units",
            f"{idle.read_units:g}",
            "",
            "",
            f"<= {IDLE_UNITS}",
            _verdict(idle.read_units <= IDLE_UNITS),
        ),
    ]


def _verdict(is_met: bool) -> str:
    return "met" if is_met else MISSED


def _print(lines: Sequence[Line]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        _, *cells, verdict = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join([line[0].ljust(widths[0]), *cells, verdict.strip()]).rstrip())


if __name__ == "__main__":
    if sys.argv[1:2] == [_MEASURE]:
        print(json.dumps(dataclasses.asdict(_measure(*sys.argv[2:]))))
    else:
        sys.exit(main())
