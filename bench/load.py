"""Transactions that the running local cloud takes in batches, beside raw conditional puts straight at its emulator.

python -m bench.load            after `make run`: four rounds
python -m bench.load --quick    one
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench import events
from bench.own_process import PROJECT
from chalicelib.aws.dynamo import to_item
from infra.sessions import local_stack
from infra.stacks import StackFailed

# The limit (docs/performance.md), of what raw puts reach. Both run on the same processors as the emulator.
OF_RAW = 0.60
THREADS = 16
COUNT = 1_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if the target is missed or no local cloud runs."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, for a first impression")
    options = parser.parse_args(arguments)
    try:
        stack = local_stack()
    except StackFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    rounds = [(_load(), _raw(stack)) for _ in range(1 if options.quick else 4)]
    load, raw = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    ratio = statistics.median(of_load / of_raw for of_load, of_raw in rounds)
    verdict = "met" if ratio >= OF_RAW else "MISSED"
    print(f"load: {load:,.0f} a second  raw puts: {raw:,.0f} a second  {ratio:.2f}  >= {OF_RAW}  {verdict}")
    return 0 if verdict == "met" else 1


def _load() -> float:
    """Post batches as `make load` does; return how many transactions a second were answered."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "bank_simulator", "--count", str(COUNT), "--batch", "100"]
        mix = [
            "--duplicates",
            "0.10",
            "--conflicts",
            "0.02",
            "--invalid",
            "0.05",
            "--seed",
            str(uuid.uuid4().int % 10**9),
        ]
        command += ["--clients", str(THREADS), *mix, "--report", str(report)]
        subprocess.run(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        found: dict[str, Any] = json.loads(report.read_text())
    return float(found["sent"] / found["seconds"])


def _raw(stack: dict[str, Any]) -> float:
    """Put items of the same size from as many threads as a batch has writers; return how many a second."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=stack["aws_endpoint_url"],
        region_name=stack["region"],
        aws_access_key_id=stack["access_key_id"],
        aws_secret_access_key=stack["secret_access_key"],
        config=Config(max_pool_connections=THREADS, proxies={}),
    )
    table = "bench-" + uuid.uuid4().hex[:8]
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    items = [to_item({**events.every_field(number), "amount": number, "balance": number}) for number in range(COUNT)]

    def put(item: dict[str, Any]) -> None:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(id)")

    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(put, items))
    seconds = time.monotonic() - began
    client.delete_table(TableName=table)
    client.close()
    return COUNT / seconds


if __name__ == "__main__":
    sys.exit(main())
