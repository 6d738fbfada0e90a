"""Real transactions through the whole system: what is stored adds up to what was sent."""

import json
from pathlib import Path

import pytest

from bank_simulator.__main__ import main
from chalicelib.ledger.transaction import TransactionSchema
from tests.cloud import CloudUnderTest
from tests.samples import PROJECT_DIR, REAL_DATA

pytestmark = pytest.mark.cloud

# The whole file takes minutes: `make replay` is for that.
ROWS = 600


@pytest.mark.skipif(not REAL_DATA.exists(), reason="the file of real transactions is not beside the project")
@pytest.mark.parametrize("batch", [0, 100])
def test_real_transactions_posted_and_read_back_add_up(
    cloud: CloudUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str], batch: int
) -> None:
    bank = cloud.new_bank(f"replaying-bank-{batch}")
    report = tmp_path / "report.json"
    arguments = ["--url", bank.api_url, "--api-key", bank.api_key, "--clients", "8", "--report", str(report)]
    arguments += ["--batch", str(batch)]
    assert main([*arguments, "--replay", str(REAL_DATA), "--limit", str(ROWS), "--verify"]) == 0
    assert json.loads(report.read_text())["created"] == ROWS
    assert "Every transaction is stored as it was sent." in capsys.readouterr().out


@pytest.mark.skipif("notify" not in TransactionSchema().fields, reason="the API's schema has no notify yet")
@pytest.mark.parametrize("sample", ["two-accounts.sta", "camt053-v02.xml", "camt053-v08.xml", "camt054-v08.xml"])
def test_a_bank_s_file_is_stored_as_it_is_mapped_and_a_second_time_replayed(
    cloud: CloudUnderTest, tmp_path: Path, sample: str
) -> None:
    bank = cloud.new_bank(f"bank-with-{sample.replace('.', '-')}")
    report = tmp_path / "report.json"
    command = ["--url", bank.api_url, "--api-key", bank.api_key, "--report", str(report)]
    command += ["--replay", str(PROJECT_DIR / "tests" / "data" / sample), "--verify"]
    assert main(command) == 0
    mapped = json.loads(report.read_text())["file_report"]["mapped"]
    assert json.loads(report.read_text())["created"] == mapped
    assert main(command) == 0
    assert json.loads(report.read_text())["replayed"] == mapped
