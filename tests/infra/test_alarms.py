"""The release's alarms: each says what it means, none can stay silent, and the runbook has each of them."""

import ast
import json
import re
from typing import Any

import pytest

from infra.dashboard import widgets
from infra.queries import QUERIES
from tests.samples import PROJECT_DIR

RESOURCES: dict[str, Any] = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
ALARMS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource.get("Type") == "AWS::CloudWatch::Alarm"
}
STREAMS = {
    name: events["Properties"]
    for name, resource in RESOURCES.items()
    for source, events in resource.get("Properties", {}).get("Events", {}).items()
    if source.endswith("DynamodbEventSource")
}


def functions_triggered_by(decorator: str) -> list[str]:
    """Return the functions of `app.py` with this decorator, as the template names them."""
    tree = ast.parse((PROJECT_DIR / "app.py").read_text())
    return [
        "".join(word.capitalize() for word in node.name.split("_"))
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"app.{decorator}"
    ]


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_operators_when_it_goes_off_and_when_it_is_over_and_what_it_means(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmsTopicArn"}]
    assert re.fullmatch(r"[A-Z].*\.", alarm["AlarmDescription"])


def entries() -> list[tuple[list[str], str]]:
    """Return the runbook's entries: the alarms that each is about, and its text."""
    runbook = (PROJECT_DIR / "docs" / "runbook.md").read_text()
    parts = [part.partition("\n") for part in runbook.split("\n### ")[1:]]
    return [(re.findall(r"`(\w+)`", heading), text.partition("\n## ")[0]) for heading, _, text in parts]


def test_the_runbook_has_an_entry_for_each_alarm_and_no_other() -> None:
    assert sorted(name for names, _ in entries() for name in names) == sorted(ALARMS)


@pytest.mark.parametrize(("names", "text"), entries(), ids=lambda value: value[0] if isinstance(value, list) else "")
def test_an_entry_says_what_it_means_how_to_tell_what_to_do_and_when_it_is_over(names: list[str], text: str) -> None:
    labels = re.findall(r"^- \*\*(\w+):\*\* \S", text, re.MULTILINE)
    assert labels == ["Means", "Tell", "Do", "Over"], names
    queries = {query.name for query in QUERIES}
    titles = {widget["properties"]["title"].partition(",")[0].partition(":")[0] for widget in widgets()}
    for named in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text):
        place = named.partition(":")[0]
        assert named in queries or place in titles or named in ("Today",), named
    for command in re.findall(r"`(operations\.\w+|infra\.\w+)", text):
        folder, _, module = command.partition(".")
        assert (PROJECT_DIR / folder / f"{module}.py").exists(), command


@pytest.mark.parametrize("function", functions_triggered_by("schedule"))
def test_a_job_that_does_not_run_raises_an_alarm_although_nothing_fails(function: str) -> None:
    alarm = ALARMS[f"{function}NotRun"]
    assert (alarm["MetricName"], alarm["Dimensions"][0]["Value"]) == ("Invocations", {"Ref": function})
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"  # a function that is never called has no points


@pytest.mark.parametrize("function", ["TransactionStream", "Archiver"])
def test_a_stream_whose_trigger_is_off_raises_an_alarm_although_nothing_is_late(function: str) -> None:
    metrics = {metric["Id"]: metric for metric in ALARMS[f"{function}Stalled"]["Metrics"]}
    assert metrics["called"]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] == {"Ref": function}
    assert metrics["stalled"]["Expression"] == "IF(FILL(written, 0) > 0 AND FILL(called, 0) < 1, 1, 0)"


def test_every_function_on_a_stream_is_looked_at() -> None:
    assert sorted(STREAMS) == sorted(functions_triggered_by("on_dynamodb_record"))


@pytest.mark.parametrize("function", STREAMS)
def test_a_batch_that_lambda_gives_up_on_is_kept_and_raises_an_alarm(function: str) -> None:
    source = STREAMS[function]
    assert source["DestinationConfig"]["OnFailure"]["Type"] == "S3"
    assert source["MetricsConfig"] == {"Metrics": ["EventCount"]}  # or the metric has no points
    alarm = ALARMS[f"FailedBatchesOf{function}"]
    assert alarm["MetricName"] == "OnFailureDestinationDeliveredEventCount"
    assert alarm["Dimensions"][0]["Value"] == {"Ref": f"{function}{function}DynamodbEventSource"}
