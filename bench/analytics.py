"""The cost of the analytics job beside a scan of the whole table, on DynamoDB Local. Both must find the same sums.

python -m bench.analytics            100,000 transactions stored, 10,000 of them new to the job
python -m bench.analytics --quick    a tenth of that
"""

import argparse
import importlib
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm

from bench.analytics_data import record
from bench.analytics_programs import Measured, client_of, measured

FASTER, PEAK_MB, IDLE_CALLS, IDLE_UNITS = 5, 128, 5, 4
MISSED = "MISSED"
ROUNDS = 3
Line = tuple[str, str, str, str, str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if a target is missed."""
    options = _parse(arguments)
    dynamodb_local, tables = (importlib.import_module(f"tests.{name}") for name in ("dynamodb_local", "tables"))
    try:
        with dynamodb_local.running() as url:
            client = client_of(url)
            tables.create_tables(client)
            record(client, options.stored, options.new)
            measured("before", url)
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
        epilog="The status is 0 when every target is met, 1 when a target is missed.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the rows and one round, for a first impression"
    )
    parser.add_argument("--stored", type=int, metavar="N", help="transactions in the table (default: 100000)")
    parser.add_argument("--new", type=int, metavar="N", help="how many of them are new to the job (default: a tenth)")
    options = parser.parse_args(arguments)
    options.stored = options.stored or (10_000 if options.quick else 100_000)
    options.new = options.new or options.stored // 10
    if not 0 < options.new < options.stored:
        parser.error("--new must be over 0 and under --stored")
    return options


def _rounds(client: Any, url: str, rounds: int) -> Iterator[dict[str, Measured]]:
    """Measure the scan, the job, and the job with nothing new: each round from the same state."""
    before = _kept(client)
    for _ in tqdm(range(rounds), desc="measuring", unit="round", delay=2):
        for item in _kept(client):
            client.delete_item(TableName="AnalyticsTable", Key={name: item[name] for name in ("owner", "entry")})
        for item in before:
            client.put_item(TableName="AnalyticsTable", Item=item)
        found = {program: measured(program, url) for program in ("scan", "job", "idle")}
        if not found["scan"].sums == found["job"].sums == found["idle"].sums:
            raise RuntimeError("the job's sums differ from the scan's sums")
        yield found


def _kept(client: Any) -> list[dict[str, Any]]:
    """Return everything that the job keeps: roll-ups, baselines, the checkpoint."""
    pages = client.get_paginator("scan").paginate(TableName="AnalyticsTable")
    return [item for page in pages for item in page["Items"]]


def _lines(stored: int, new: int, rounds: Sequence[dict[str, Measured]]) -> list[Line]:
    def median(program: str) -> float:
        return statistics.median(found[program].seconds for found in rounds)

    scan, job, idle = (rounds[0][program] for program in ("scan", "job", "idle"))
    ratio = statistics.median(found["scan"].seconds / found["job"].seconds for found in rounds)
    peak_mb, scan_mb = (max(found[program].peak_mb for found in rounds) for program in ("job", "scan"))
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
    sys.exit(main())
