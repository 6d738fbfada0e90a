"""The benchmark of the local cloud's load: what it says without one. With one, `python -m bench.load` runs it."""

from pathlib import Path

import pytest

from bench import load


def test_without_a_local_cloud_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infra.sessions.LOCAL_STACK", tmp_path / "stack.json")
    assert load.main(["--quick"]) == 1
    assert "`make run` starts it" in capsys.readouterr().err
