"""The command of the bad day, without a cloud: its options, and what it posts."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from chalicelib.api.json_body import read_json
from chalicelib.ledger.posted import load_transaction
from load import faults
from load.scenarios import Load, Scenario

SCENARIO = Scenario("faults", "a bad day", (Load("bad-day", 8, batch=10, count=100),), accounts=20, from_file=True)
NOW = datetime(2026, 1, 10, 14, tzinfo=UTC)


def test_a_tenth_are_repeats_and_each_transaction_stands_alone() -> None:
    bodies = list(faults._made_up(Random(7), NOW, SCENARIO, "run"))
    assert bodies == list(faults._made_up(Random(7), NOW, SCENARIO, "run"))
    assert len(bodies) == 100
    assert len({read_json(body)["id"] for body in bodies}) == 90
    for body in bodies:
        assert load_transaction(read_json(body), "bank", "EUR", NOW).authorization_id is None


def test_without_a_local_cloud_it_says_how_to_start_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("infra.sessions.LOCAL_STACK", tmp_path / "stack.json")
    assert faults.main([]) == 1
    assert "make run" in capsys.readouterr().err


def test_it_is_for_the_local_cloud_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.main(["--stage", "prod"]) == 1
    assert "for the local cloud alone" in capsys.readouterr().err
