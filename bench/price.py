"""Each function's time and price by its memory, from the processor time that it takes from the release zip.

python -m bench.price            packages the release, and measures it
python -m bench.price --quick    fewer calls, for a first impression
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import cold, environment, stub_server
from mail_gallery import samples

# "At 1,769 MB, a function has the equivalent of one vCPU" ("Configure Lambda function memory", AWS Lambda Developer
# Guide). Less memory has the same part of it.
WHOLE_PROCESSOR_MB = 1_769
MEMORIES_MB = (256, 512, 1_024, WHOLE_PROCESSOR_MB)
# Of arm64 in us-east-2, as docs/scaling.md and `operations.price` have them ("AWS Lambda pricing").
USD_A_GB_SECOND, USD_A_CALL = 13.3334e-6, 0.20e-6
# What a function waits for, in which memory is paid and no processor used: 5 ms for each call of DynamoDB or SQS that
# the work below makes one after the other, 50 ms for SES.
WAITS_S = {"app": 0.005, "transaction_stream": 0.030, "mailer": 0.080, "analytics_job": 0.025}
# Calls it over and over, each time with another account. Prints the processor time of the first call and of a later
# one, and the peak of memory (Linux's own figure: `ru_maxrss` of a new process is at least its parent's).
_PROGRAM = (
    cold.PROGRAM.rpartition("print(took)")[0]
    + """
import statistics
called, later = getattr(sys.modules[module], name), []
for number in range(int(sys.argv[4])):
    event = json.loads(sys.argv[3].replace(sys.argv[5], f"{sys.argv[5]}{number}"))
    began = time.process_time()
    called(event, Context())
    later.append(time.process_time() - began)
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps([took, statistics.median(later), int(peak) * 1024]))
"""
).replace("sys.argv[1:]", "sys.argv[1:4]")


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of a processor for the first and for a later call, and the peak of memory in bytes."""

    cold_s: float
    warm_s: float
    peak: int


@dataclass(frozen=True, slots=True)
class Row:
    """A function with this much memory: seconds on the clock, with what it waits for, and USD for a million calls."""

    memory_mb: int
    cold_s: float
    warm_s: float
    usd_a_million: float


def rows(measured: Measured, wait_s: float) -> Iterator[Row]:
    """Return what each memory would make of it. Lambda bills whole milliseconds."""
    for memory_mb in MEMORIES_MB:
        share = min(1.0, memory_mb / WHOLE_PROCESSOR_MB)
        warm_s = measured.warm_s / share + wait_s
        billed_s = math.ceil(round(warm_s * 1000, 6)) / 1000
        usd = billed_s * memory_mb / 1024 * USD_A_GB_SECOND + USD_A_CALL
        yield Row(memory_mb, measured.cold_s / share + wait_s, warm_s, usd * 1_000_000)


def cheapest(found: Sequence[Row], peak: int) -> Row:
    """Return the cheapest of the rows whose memory is at least twice the peak: batches and years need some."""
    fitting = [row for row in found if row.memory_mb * 2**20 >= 2 * peak] or [found[-1]]
    return min(fitting, key=lambda row: row.usd_a_million)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each function; return the status, which is 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.price", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer calls, for a first impression")
    options = parser.parse_args(arguments)
    environment.enter()
    with tempfile.TemporaryDirectory() as folder, stub_server.running() as url:
        os.environ |= {"AWS_ENDPOINT_URL": url, "AWS_LAMBDA_FUNCTION_NAME": "bench", "PYTHONDONTWRITEBYTECODE": "1"}
        with zipfile.ZipFile(cold.packaged()) as archive:
            archive.extractall(folder)
        for name, event in cold.events_by_function().items():
            measured = _measured(Path(folder), name, event, 3 if options.quick else 7, 20 if options.quick else 100)
            print(_table(name, measured))
    return 0


def _measured(folder: Path, name: str, event: str, starts: int, calls: int) -> Measured:
    found = []
    for _ in range(starts):
        command = [sys.executable, "-S", "-c", _PROGRAM, str(folder), f"app.{name}", event, str(calls)]
        command.append(samples.TRANSACTION.account)
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"{name}: {run.stderr}")
        found.append(json.loads(run.stdout.splitlines()[-1]))
    cold_s, warm_s, peak = (statistics.median(values) for values in zip(*found, strict=True))
    return Measured(cold_s, warm_s, int(peak))


def _table(name: str, measured: Measured) -> str:
    found = list(rows(measured, WAITS_S[name]))
    best = cheapest(found, measured.peak)
    processor = (
        f"{measured.cold_s * 1000:.0f} ms of a processor for the first call, {measured.warm_s * 1000:.2f} for a later"
    )
    lines = [f"{name}: {processor}, {WAITS_S[name] * 1000:.0f} ms of waiting, {measured.peak / 2**20:.0f} MB at most"]
    for row in found:
        times = f"{row.memory_mb:>7,} MB  {row.cold_s * 1000:>7,.0f} ms  {row.warm_s * 1000:>7.1f} ms"
        lines.append(f"{times}  {row.usd_a_million:>6.2f} ${'  cheapest' if row is best else ''}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
