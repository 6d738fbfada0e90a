"""A load scenario on the local cloud, with the real Locust: a bank that floods, and others beside it."""

import json
from pathlib import Path

import pytest

from load import __main__ as command
from tests.cloud import CloudUnderTest

pytestmark = pytest.mark.cloud


def test_what_noisy_and_quiet_banks_post_is_stored_told_and_added_up(
    cloud: CloudUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.use_by_commands(monkeypatch)
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    status = command.main(["noisy", "--scale", "0.1", "--url", cloud.deployed.api_url])
    shown = capsys.readouterr()
    assert status == 0, shown.out + shown.err
    (written,) = tmp_path.glob("*/report.json")
    banks = json.loads(written.read_text())["banks"]
    assert [(one["bank"], one["posted"]) for one in banks] == [
        ("noisy", 150),
        ("quiet-1", 1),
        ("quiet-2", 1),
        ("quiet-3", 1),
    ]
    assert all(one["right"] and one["post_to_ses_s"]["p95"] > 0 for one in banks)
    page = written.with_name("report.html").read_text()
    assert "Every transaction is accounted for." in shown.out
    assert "noisy POST /transactions/batch" in page
