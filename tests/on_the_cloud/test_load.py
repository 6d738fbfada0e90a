"""Batches at full speed on the local cloud: what is in the table adds up to the last transaction."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_simulator.__main__ import main
from local_cloud.deploy import STAGE
from operations.signing import SigningSecrets
from tests.cloud import BankClient, CloudUnderTest

pytestmark = pytest.mark.cloud


def stored_ids(cloud: CloudUnderTest, bank: str) -> list[str]:
    """Return the ids of all of the bank's transactions, flags left out, read from the table itself."""
    pages = (
        cloud.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=cloud.deployed.environment["TRANSACTIONS_TABLE"],
            FilterExpression="bank = :bank AND attribute_not_exists(flags)",
            ExpressionAttributeValues={":bank": {"S": bank}},
            ConsistentRead=True,
        )
    )
    return [item["id"]["S"] for page in pages for item in page["Items"]]


def run(bank: BankClient, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the bank simulator against the bank, which must find nothing amiss, and return its report."""
    path = folder / "report.json"
    where = ["--url", bank.api_url, "--api-key", bank.api_key]
    assert main([*where, *arguments, "--verify", "--report", str(path)]) == 0
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def test_each_of_many_batched_transactions_is_recorded_once_or_refused(cloud: CloudUnderTest, tmp_path: Path) -> None:
    bank = cloud.new_bank("loading-bank")
    mix = ["--duplicates", "0.1", "--conflicts", "0.02", "--invalid", "0.05"]
    report = run(bank, tmp_path, "--count", "800", "--batch", "50", "--clients", "16", *mix)
    expected = {"sent": 800, "created": 664, "replayed": 80, "conflict": 16, "invalid": 40, "failed": 0}
    assert {name: report[name] for name in expected} == expected
    assert report["requests"] < 200
    ids = stored_ids(cloud, "loading-bank")
    assert len(ids) == len(set(ids)) == 664


def test_each_of_many_queued_transactions_is_recorded_once_in_the_end(cloud: CloudUnderTest, tmp_path: Path) -> None:
    bank = cloud.new_bank("queueing-bank")
    mix = ["--duplicates", "0.1", "--invalid", "0.1"]
    report = run(bank, tmp_path, "--count", "500", "--batch", "50", "--async", "--clients", "8", *mix)
    expected = {"sent": 500, "queued": 450, "invalid": 50, "created": 0, "failed": 0}
    assert {name: report[name] for name in expected} == expected
    ids = stored_ids(cloud, "queueing-bank")
    assert len(ids) == len(set(ids)) == 400
    assert cloud.dead_letters("IngestDeadLetterQueueUrl") == []


def test_a_signing_bank_s_batches_are_taken_and_those_without_a_signature_are_not(
    cloud: CloudUnderTest, tmp_path: Path
) -> None:
    bank = cloud.new_bank("signing-bank-under-load")
    secrets = SigningSecrets(cloud.client("secretsmanager"), cloud.banks.store, STAGE)
    secret = secrets.issue(cloud.banks.bank("signing-bank-under-load"), timedelta(0), datetime.now(UTC))
    (tmp_path / "secret").write_text(secret)
    batches = ["--count", "100", "--batch", "20", "--invalid", "0.2"]
    report = run(bank, tmp_path, *batches, "--signing-secret-file", str(tmp_path / "secret"))
    assert (report["created"], report["invalid"]) == (80, 20)
    assert main(["--url", bank.api_url, "--api-key", bank.api_key, *batches]) == 1
    assert len(stored_ids(cloud, "signing-bank-under-load")) == 80
