"""Real transactions through the whole system: what is stored adds up to what was sent."""

import json
from pathlib import Path

import pytest

from bank_simulator.__main__ import main
from tests.cloud import CloudUnderTest
from tests.samples import REAL_DATA

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
