"""The picture of the dashboard: of the widgets that the release's template has, with what the functions have logged."""

import json
import struct
from pathlib import Path

import pytest

from chalicelib.aws import telemetry
from infra.dashboard import widgets as written
from infra.failures import CommandFailed
from infra.observing import TEMPLATE
from local_cloud import charts, dashboard, metric_lines
from mail_gallery.browsers import find_browser

TITLES = [widget["properties"]["title"] for widget in written()]
DOCS = Path(__file__).parents[2] / "docs"


def drawn(lines: str) -> dict[str, charts.Chart]:
    template = json.loads(TEMPLATE.read_text())
    found = metric_lines.values_in(lines.splitlines())
    return {chart.title: chart for chart in dashboard.shown_by(dashboard.widgets(template), found)}


def values(chart: charts.Chart) -> dict[str, list[float]]:
    return {line.label: [value.value for value in line.values] for line in chart.lines if line.values}


def test_the_charts_are_the_template_s_widgets_in_their_places() -> None:
    shown = drawn("")
    assert list(shown) == TITLES
    assert [(chart.x, chart.y, chart.width, chart.height) for chart in shown.values()] == [
        (widget["x"], widget["y"], widget["width"], widget["height"]) for widget in written()
    ]
    for widget, chart in zip(written(), shown.values(), strict=True):
        labels = [one[-1]["label"] for one in widget["properties"]["metrics"] if isinstance(one[0], str)]
        assert [line.label for line in chart.lines] == labels


@pytest.fixture(autouse=True)
def _of_the_local_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", dashboard.STAGE)


def test_a_metric_of_another_stage_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "dev")
    telemetry.count("TransactionsCreated", 2)
    with telemetry.of_request("r"):
        telemetry.note(code="not_found")
    shown = drawn(capsys.readouterr().out)
    assert (values(shown["Transactions"]), values(shown["Refusals by code"])) == ({}, {})


def test_each_metric_is_shown_by_its_own_statistic(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.count("TransactionsCreated", 2)
    telemetry.count("TransactionsCreated", 3)
    telemetry.measured("PostToAccepted", telemetry.SECONDS, [1.0] * 94 + [8.0] * 6, kind="debit")
    telemetry.measured("JobLag", telemetry.SECONDS, [5.0, 60.0, 7.0], job="analytics_job")
    shown = drawn(capsys.readouterr().out)
    assert sum(values(shown["Transactions"])["Created"]) == 5
    assert values(shown["POST until SES accepts, seconds"]) == {"p50": [1.0], "p95": [8.0], "p99": [8.0]}
    assert values(shown["The same by kind of e-mail, p95, seconds"]) == {"debit": [8.0]}
    assert values(shown["Jobs: how far behind, seconds"]) == {"analytics_job": [60.0]}


def test_a_search_has_a_line_for_each_code_that_came_up(capsys: pytest.CaptureFixture[str]) -> None:
    for code in ("not_found", "throttled", "not_found"):
        with telemetry.of_request("r"):
            telemetry.note(code=code)
    found = values(drawn(capsys.readouterr().out)["Refusals by code"])
    assert {code: sum(counts) for code, counts in found.items()} == {"not_found": 2, "throttled": 1}


def test_a_chart_of_aws_s_own_metrics_says_why_it_is_empty() -> None:
    shown = drawn("")
    assert shown["Dead letters"].if_empty == dashboard.OF_AWS
    assert shown["Refusals by code"].if_empty == shown["E-mails"].if_empty == dashboard.NOTHING


def test_a_search_that_it_cannot_read_is_an_error() -> None:
    properties = {"title": "T", "period": 60, "metrics": [[{"expression": "SEARCH('x', 'Sum')"}]]}
    with pytest.raises(CommandFailed, match="can't read"):
        dashboard.shown_by([{"x": 0, "y": 0, "width": 8, "height": 6, "properties": properties}], {})


def test_the_picture_holds_the_whole_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    telemetry.count("TransactionsCreated", 2)
    shown = drawn(capsys.readouterr().out)
    dashboard.photograph(executable, list(shown.values()), tmp_path / "made" / "dashboard.png")
    width, height = struct.unpack(">II", (tmp_path / "made" / "dashboard.png").read_bytes()[16:24])
    assert width >= 24 * charts.UNIT_PX
    assert height >= max(chart.y + chart.height for chart in shown.values()) * charts.UNIT_PX


def test_without_a_browser_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="apt-get install chromium"):
        dashboard.take(tmp_path / "dashboard.png", find=lambda: None)


def test_the_picture_in_the_docs_is_not_too_large_and_is_shown() -> None:
    assert (DOCS / "operations" / "dashboard.png").stat().st_size < 400_000
    assert "(operations/dashboard.png)" in (DOCS / "operations.md").read_text("utf-8")
