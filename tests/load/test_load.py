"""The command line of the load scenarios."""

from pathlib import Path

import pytest

from load import __main__ as command
from load.scenarios import SCENARIOS


def test_without_a_scenario_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert all(scenario.name in shown and scenario.says in shown for scenario in SCENARIOS.values())


def test_without_a_local_cloud_it_says_how_to_start_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("infra.sessions.LOCAL_STACK", tmp_path / "stack.json")
    assert command.main(["steady"]) == 1
    assert "make run" in capsys.readouterr().err


def test_the_local_cloud_gets_no_more_clients_than_it_can_serve(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert command.main(["steady", "--clients", "17"]) == 1
    assert "at most 16 clients" in capsys.readouterr().err


def test_a_stage_on_aws_needs_its_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["steady", "--stage", "prod"]) == 1
    assert "--url is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay"], "needs --file"),
        (["steady", "--scale", "0"], "--scale"),
        (["steady", "--scale", "nan"], "--scale"),
        (["steady", "--clients", "0"], "--clients"),
        (["monday"], "invalid choice"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert said in capsys.readouterr().err


def test_real_transactions_can_be_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("id,account,amount,type,timestamp,currency\n1,A1,250.50,credit,2026-01-10T14:00:00Z,EUR\n")
    options = command._parser().parse_args(["replay", "--file", str(path)])
    (body,) = command._of_file(options, SCENARIOS["replay"])
    assert b'"250.50"' in body or b"250.50" in body
