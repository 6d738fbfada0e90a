"""The benchmark of latency: what it says without a local cloud, and what it makes of seconds. With one, it is run."""

from pathlib import Path

import pytest

from bench import latency


def test_without_a_local_cloud_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infra.sessions.LOCAL_STACK", tmp_path / "stack.json")
    assert latency.main(["--quick"]) == 1
    assert "`make run` starts it" in capsys.readouterr().err


def test_a_line_has_the_middle_the_tail_and_what_is_missing() -> None:
    seconds = [float(number) for number in range(100, 0, -1)]
    expected = " 10 a second (9.9 answered): p50 50.50 s  p95 96.00 s  max 100.00 s  100 of 120 e-mails"
    assert latency.line(10, 120, 9.9, seconds) == expected
    assert latency.line(1, 3, 1.0, []) == "  1 a second: no e-mail of 3 came"


def test_no_account_is_flagged_for_how_often_it_is_used() -> None:
    assert sum(latency.RATES.values()) / latency.ACCOUNTS <= 2
