"""The template has the dashboard and the queries as they are written in the code."""

import json
from pathlib import Path

import pytest

from infra import observing


def test_the_template_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert observing.main(["--check"]) == 0
    assert capsys.readouterr().out == "infra/app.json is up to date.\n"


def test_what_is_not_written_any_more_goes_and_all_else_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = json.loads(observing.TEMPLATE.read_text())
    del template["Resources"]["Dashboard"]
    template["Resources"]["QueryOfBefore"] = {"Type": "AWS::Logs::QueryDefinition", "Properties": {}}
    template["Resources"]["StreamOfBeforeLate"] = {**template["Resources"]["StreamLate"]}
    copy = tmp_path / "app.json"
    copy.write_text(json.dumps(template))
    monkeypatch.setattr(observing, "TEMPLATE", copy)
    assert observing.main(["--check"]) == 1
    assert "QueryOfBefore" in copy.read_text()
    assert observing.main([]) == 0
    made = json.loads(copy.read_text())
    assert "QueryOfBefore" not in made["Resources"]
    assert "StreamOfBeforeLate" not in made["Resources"]
    assert "Dashboard" in made["Resources"]
    assert made["Parameters"] == template["Parameters"]


def test_an_alarm_that_stands_there_by_hand_gets_the_place_of_its_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runbook = tmp_path / "runbook.md"
    runbook.write_text("# Runbook\n## What fails\n### `ApiErrors`, `StreamErrors`\n- **Means:** both.\n")
    monkeypatch.setattr(observing, "RUNBOOK", runbook)
    made = observing.renewed(json.loads(observing.TEMPLATE.read_text()))["Resources"]
    described = {
        name: made[name]["Properties"]["AlarmDescription"] for name in ("ApiErrors", "IngestLate", "StreamLate")
    }
    assert described["ApiErrors"] == "The API answers with 5xx. See docs/runbook.md#apierrors-streamerrors"
    assert described["IngestLate"].endswith(
        "for more than 10 minutes."
    )  # the test of the runbook finds what is missing
    assert described["StreamLate"].endswith(".")
