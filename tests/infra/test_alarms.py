"""The release's alarms: each says what it means, none can stay silent, and the runbook has each of them."""

import ast
import json
import re
from math import comb
from typing import Any

import pytest

from chalicelib.aws.telemetry import NAMESPACE
from chalicelib.notifications.feedback import LONG_AT_MOST
from chalicelib.notifications.suppressing import PUT_OFF_S
from infra.dashboard import widgets
from infra.queries import QUERIES
from tests.samples import PROJECT_DIR
from tests.tables import template

RESOURCES: dict[str, Any] = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
ALARMS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource.get("Type") == "AWS::CloudWatch::Alarm"
}
DATA: dict[str, Any] = template()
STREAMS = {
    name: events["Properties"]
    for name, resource in RESOURCES.items()
    for source, events in resource.get("Properties", {}).get("Events", {}).items()
    if source.endswith("DynamodbEventSource")
}
TABLES: dict[str, Any] = {
    name: resource["Properties"]
    for name, resource in DATA["Resources"].items()
    if resource["Type"] == "AWS::DynamoDB::Table"
}
# Of a table whose name the data stack gives only with something else.
OF_ARN = '{{"Fn::Select": [1, {{"Fn::Split": ["/", {{"Ref": "{}Arn"}}]}}]}}'
APP = (PROJECT_DIR / "app.py").read_text()


def name_in_app(function: str) -> str:
    """Return a function's name in `app.py`, by its name in the template."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()


def functions_triggered_by(decorator: str) -> list[str]:
    """Return the functions of `app.py` with this decorator, as the template names them."""
    tree = ast.parse(APP)
    return [
        "".join(word.capitalize() for word in node.name.split("_"))
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"app.{decorator}"
    ]


def test_the_alarm_of_feedback_s_dead_letters_names_all_that_is_there() -> None:
    described = ALARMS["DeadLettersOfFeedback"]["AlarmDescription"]
    assert all(word in described for word in ("feedback", "suppression", "sweep", "failed", "given up"))


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_operators_when_it_goes_off_and_when_it_is_over_and_what_it_means(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmsTopicArn"}]
    assert re.fullmatch(r"[A-Z].*\. See docs/runbook\.md#[\w-]+", alarm["AlarmDescription"])
    assert len(alarm["AlarmDescription"]) <= 1024  # CloudWatch's limit


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_s_description_leads_to_its_entry_in_the_runbook(name: str) -> None:
    document, _, mark = ALARMS[name]["AlarmDescription"].partition(" See ")[2].partition("#")
    (heading,) = [
        line
        for line in (PROJECT_DIR / document).read_text().splitlines()
        if line.startswith("### ") and mark_of(line) == mark
    ]
    assert f"`{name}`" in heading


def mark_of(heading: str) -> str:
    """Return what a link to a heading names, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.removeprefix("### ").lower()).replace(" ", "-")


def entries() -> list[tuple[list[str], str]]:
    """Return the runbook's entries: the alarms that each is about, and its text."""
    runbook = (PROJECT_DIR / "docs" / "runbook.md").read_text()
    parts = [part.partition("\n") for part in runbook.split("\n### ")[1:]]
    return [(re.findall(r"`(\w+)`", heading), text.partition("\n## ")[0]) for heading, _, text in parts]


def table_in(alarm: str) -> dict[str, list[str]]:
    """Return the rows of the table in an alarm's entry, by the code in their first cell."""
    (text,) = [text for names, text in entries() if alarm in names]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]
    return {row[0].strip("`"): row[1:] for row in rows}


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
    for command, word in re.findall(r"`(operations\.\w+|infra\.\w+)(?: ([a-z]+))?", text):
        folder, _, module = command.partition(".")
        path = PROJECT_DIR / folder / f"{module}.py"
        assert path.exists(), command
        assert not word or f'"{word}"' in path.read_text(), f"{command} {word}"


def test_the_runbook_says_of_each_step_that_leaves_out_a_record_what_can_be_done_again() -> None:
    steps = set()
    for path in (PROJECT_DIR / "chalicelib").rglob("*.py"):
        tree = ast.parse(path.read_text())
        values = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            place = {"skipped": 0, "all_readable": 2}.get(getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and place is not None and path.stem != "telemetry":
                step = node.args[place]
                steps.add(ast.literal_eval(values[step.id] if isinstance(step, ast.Name) else step))
    assert set(table_in("RecordsSkipped")) == steps


@pytest.mark.parametrize("function", functions_triggered_by("schedule"))
def test_a_job_that_does_not_run_raises_an_alarm_although_nothing_fails(function: str) -> None:
    alarm = ALARMS[f"{function}NotRun"]
    (metric,) = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one] or [alarm]
    assert (metric["MetricName"], metric["Dimensions"][0]["Value"]) == ("Invocations", {"Ref": function})
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"  # a function that is never called has no points


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics at which an alarm looks."""
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one] or [alarm]


def dimensions_of(metric: dict[str, Any]) -> dict[str, Any]:
    return {one["Name"]: one["Value"] for one in metric["Dimensions"]}


def alarms_on(metric_name: str, **dimensions: Any) -> list[str]:
    """Return the names of the alarms that look at a metric with these dimensions, among others."""
    return [
        name
        for name, alarm in ALARMS.items()
        for metric in metrics_of(alarm)
        if metric["MetricName"] == metric_name and dimensions.items() <= dimensions_of(metric).items()
    ]


@pytest.mark.parametrize("function", STREAMS)
def test_a_stream_s_function_that_is_late_raises_an_alarm(function: str) -> None:
    (name,) = alarms_on("IteratorAge", FunctionName={"Ref": function})
    assert (ALARMS[name]["Statistic"], ALARMS[name]["EvaluationPeriods"]) == ("Maximum", 3)
    assert 60_000 <= ALARMS[name]["Threshold"] <= 900_000


@pytest.mark.parametrize("function", STREAMS)
def test_a_stream_whose_trigger_is_off_raises_an_alarm_although_nothing_is_late(function: str) -> None:
    """A trigger that finds nothing writes zeros ("Event source mapping metrics"): one without a point is off."""
    alarm = ALARMS[f"{function}Stalled"]
    metrics = {metric["Id"]: metric for metric in alarm["Metrics"]}
    polled, called = metrics["polled"]["MetricStat"], metrics["called"]["MetricStat"]
    assert polled["Metric"]["MetricName"] == "PolledEventCount"
    assert polled["Metric"]["Dimensions"][0]["Value"] == {"Ref": f"{function}{function}DynamodbEventSource"}
    assert polled["Stat"] == "SampleCount"  # the sum of zeros is zero, as of nothing
    # What stops a function stops the polling too, but it is called again and again.
    assert (called["Metric"]["MetricName"], called["Stat"]) == ("Invocations", "Sum")
    assert called["Metric"]["Dimensions"][0]["Value"] == {"Ref": function}
    assert metrics["stalled"]["Expression"] == "IF(FILL(polled, 0) + FILL(called, 0) < 1, 1, 0)"
    # A function may wait for its batching window after each call: that is no reason to wake anybody.
    (decorator,) = re.findall(rf"@app\.on_dynamodb_record\(([^@]*)\)\ndef {name_in_app(function)}\(", APP)
    window_s = int((re.findall(r"window_in_seconds=(\d+)", decorator) or ["0"])[0])
    assert alarm["EvaluationPeriods"] * 60 > 2 * window_s


def test_a_job_that_says_how_far_behind_it_is_raises_an_alarm_when_it_stays_so() -> None:
    code = "\n".join(path.read_text() for path in (PROJECT_DIR / "chalicelib").rglob("*.py"))
    jobs = set(re.findall(r'"JobLag", SECONDS, .*job="(\w+)"', code))
    assert len(jobs) == code.count('"JobLag"') == 3
    for job in jobs:
        (name,) = alarms_on("JobLag", job=job)
        assert ALARMS[name]["Threshold"] > 60  # the analytics job's margin
        # From the beginning of the hour on: a run that doesn't end is behind by up to an hour at once.
        assert ALARMS[name]["EvaluationPeriods"] * ALARMS[name]["Period"] >= 600


def test_the_promised_time_until_ses_accepts_is_looked_at() -> None:
    (name,) = alarms_on("PostToAccepted")
    assert (ALARMS[name]["ExtendedStatistic"], ALARMS[name]["Threshold"]) == ("p95", 10)


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


QUEUES: dict[str, Any] = {
    name: resource["Properties"]
    for name, resource in DATA["Resources"].items()
    if resource["Type"] == "AWS::SQS::Queue"
}


def queue_of(function: str) -> dict[str, Any]:
    """Return the queue that triggers a function of `app.py`, as the data stack makes it."""
    (queue,) = re.findall(rf"queue_arn=stage\.(\w+)_arn\b[^@]*\ndef {name_in_app(function)}\(", APP)
    return QUEUES["".join(word.capitalize() for word in queue.split("_"))]


@pytest.mark.parametrize("function", functions_triggered_by("on_sqs_message"))
def test_a_queue_s_function_that_always_fails_raises_an_alarm_although_only_one_message_comes(function: str) -> None:
    """SQS leaves what was received three times out of the age of its queue (its metrics' documentation)."""
    alarm = ALARMS[f"{function}Errors"]
    metrics = [one["MetricStat"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
    errors = metrics[0]["Metric"] if metrics else alarm
    assert (errors["MetricName"], errors["Dimensions"][0]["Value"]) == ("Errors", {"Ref": function})
    period = metrics[0]["Period"] if metrics else alarm["Period"]
    # A parameter, which is read as nothing, is the mailers'.
    seconds = queue_of(function)["VisibilityTimeout"] or DATA["Parameters"]["NotificationVisibilitySeconds"]["Default"]
    failed = {second // period for second in range(0, period * alarm["EvaluationPeriods"], seconds)}
    assert len(failed) >= alarm["DatapointsToAlarm"] == 3


def test_what_a_function_reports_to_be_brought_again_counts_as_an_error_does() -> None:
    """Lambda's metric `Errors` has nothing of a partial response."""
    reporting = {
        name
        for name, resource in RESOURCES.items()
        if "ReportBatchItemFailures" in json.dumps(resource.get("Properties", {}).get("Events", {}))
    }
    assert reporting == {"IngestWorker"}
    errors, put_back = (
        one["MetricStat"]["Metric"] for one in ALARMS["IngestWorkerErrors"]["Metrics"] if "MetricStat" in one
    )
    assert (errors["MetricName"], put_back["MetricName"]) == ("Errors", "MessagesPutBack")


def test_a_suppression_that_is_put_off_again_and_again_counts_as_an_error_does_although_nothing_fails() -> None:
    alarm = ALARMS["FeedbackErrors"]
    *metrics, failed = alarm["Metrics"]
    errors, put_off = (one["MetricStat"]["Metric"] for one in metrics)
    assert (errors["MetricName"], put_off["MetricName"]) == ("Errors", "SuppressionsPutOff")
    assert failed["Expression"] == "FILL(errors, 0) + FILL(put_off, 0)"
    # As soon as a batch that fails: three tries of one that is stuck are in the minutes at which the alarm looks.
    assert queue_of("Feedback")["VisibilityTimeout"] == PUT_OFF_S
    tries = {second // 60 for second in range(0, 60 * alarm["EvaluationPeriods"], PUT_OFF_S)}
    assert len(tries) >= alarm["DatapointsToAlarm"]


def test_suppressions_that_are_put_back_and_late_raise_an_alarm_and_ordinary_bounces_do_not() -> None:
    """What is put back is a new message, so that the queue's age says nothing of it."""
    (decorator,) = re.findall(r"@app\.on_sqs_message\(([^@]*)\)\ndef feedback\(", APP)
    batch, copies = (int(re.findall(rf"{name}=(\d+)", decorator)[0]) for name in ("batch_size", "maximum_concurrency"))
    left = batch - LONG_AT_MOST  # of a full batch that is nothing but suppressions
    alarm = ALARMS["SuppressionsLate"]
    put_back, handled, visible, wait = alarm["Metrics"]
    assert wait["Expression"] == f"IF(FILL(put_back, 0) >= {left}, FILL(visible, 0) / FILL(handled, 1), 0)"
    names = [one["MetricStat"]["Metric"]["MetricName"] for one in (put_back, handled)]
    assert names == ["FeedbackPutBack", "LongFeedbackHandled"]
    assert [(one["MetricStat"]["Period"], one["MetricStat"]["Stat"]) for one in (put_back, handled)] == [
        (60, "Sum")
    ] * 2
    assert visible["MetricStat"]["Metric"]["Dimensions"] == ALARMS["FeedbackLate"]["Dimensions"]
    # A metric that is published late is filled with nothing in its newest minute.
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (5, 3)
    # As late as `FeedbackLate`: 3,000 suppressions, of which 30 batches a minute make 300, take ten minutes.
    assert alarm["Threshold"] * 60 == ALARMS["FeedbackLate"]["Threshold"] == 600
    assert wait_minutes(wait["Expression"], 3_000, batches=30, suppressions=batch) == alarm["Threshold"]
    # A little over ten in each batch are put back now and then, and don't wait long.
    assert wait_minutes(wait["Expression"], 1_000, batches=60, suppressions=12) < 2 < alarm["Threshold"]
    # At the rate of bounces at which SES reviews an account, chance puts back so many of a batch.
    chances = {many: comb(batch, many) * 0.05**many * 0.95 ** (batch - many) for many in range(batch + 1)}
    by_chance = sum((many - LONG_AT_MOST) * chance for many, chance in chances.items() if many > LONG_AT_MOST)
    assert 5 < by_chance * copies * 60 < 6 < left / 10
    assert f"{copies} copies".replace("5", "five") in alarm["AlarmDescription"]


def wait_minutes(expression: str, visible: int, batches: int, suppressions: int) -> float:
    """Return what the expression makes of a minute in which so many batches had so many suppressions each."""
    functions = {"IF": lambda condition, yes, no: yes if condition else no, "FILL": lambda value, _: value}
    handled = min(suppressions, LONG_AT_MOST)
    values = {"visible": visible, "put_back": batches * (suppressions - handled), "handled": batches * handled}
    return float(eval(expression, {}, functions | values))


@pytest.mark.parametrize("function", functions_triggered_by("on_sqs_message"))
def test_a_queue_whose_messages_wait_raises_an_alarm(function: str) -> None:
    """Also when its trigger is off."""
    (queue,) = [name for name, properties in QUEUES.items() if properties is queue_of(function)]
    assert alarms_on("ApproximateAgeOfOldestMessage", QueueName=queue_name(queue))


def queue_name(queue: str) -> dict[str, Any]:
    return {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": f"{queue}Arn"}]}]}


@pytest.mark.parametrize("table", TABLES)
def test_reads_and_writes_that_a_table_or_an_index_throttles_raise_the_table_s_alarm(table: str) -> None:
    """The metric of a table has nothing of its indexes (DynamoDB's metrics and dimensions)."""
    alarm = ALARMS[f"{table}Throttled"]
    seen = {
        (metric["MetricName"], dimensions_of(metric).get("GlobalSecondaryIndexName"))
        for metric in metrics_of(alarm)
        if json.dumps(dimensions_of(metric)["TableName"]) in (json.dumps({"Ref": table}), OF_ARN.format(table))
    }
    indexes = TABLES[table].get("GlobalSecondaryIndexes", ())
    places = {None, *(index["IndexName"] for index in indexes)}
    assert seen == {(f"{kind}ThrottleEvents", place) for kind in ("Read", "Write") for place in places}
    assert len(metrics_of(alarm)) == len(seen) <= 10  # CloudWatch takes no more in an alarm
    (total,) = [one["Expression"] for one in alarm["Metrics"] if one.get("ReturnData")]
    assert total == " + ".join(f"FILL({one['Id']}, 0)" for one in alarm["Metrics"] if "MetricStat" in one)


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if "FILL(" in json.dumps(alarm)])
def test_a_newest_point_that_was_filled_in_does_not_keep_an_alarm_from_going_off(name: str) -> None:
    """Of a metric that comes late, the newest point is always what was filled in ("Using metric math", FILL).

    Where what is filled in lets the alarm go off, all points are needed: so it doesn't by itself.
    """
    alarm = ALARMS[name]
    needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    goes_off_by_filling = name.endswith("Stalled") or alarm["TreatMissingData"] == "breaching"
    assert (needed == alarm["EvaluationPeriods"]) == goes_off_by_filling
    assert needed > 1


def test_an_alarm_on_the_service_s_own_metrics_is_of_one_stage() -> None:
    metrics = [
        metric for alarm in ALARMS.values() for metric in metrics_of(alarm) if metric.get("Namespace") == NAMESPACE
    ]
    assert len(metrics) >= 12
    assert all({"Name": "stage", "Value": {"Ref": "Stage"}} in metric["Dimensions"] for metric in metrics)


def periods_of(alarm: dict[str, Any]) -> set[int]:
    return {one["MetricStat"]["Period"] for one in alarm.get("Metrics", ()) if "MetricStat" in one} or {alarm["Period"]}


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"])
def test_what_is_missing_for_hours_is_filled_in(name: str) -> None:
    """CloudWatch looks at more periods than it evaluates, and where it finds points in these, what is missing doesn't
    count ("How alarm state is evaluated when data is missing"): an alarm on a day without a point would wait for days.
    """
    alarm = ALARMS[name]
    if alarm["EvaluationPeriods"] * max(periods_of(alarm)) >= 3600:
        (shown,) = [one["Expression"] for one in alarm["Metrics"] if one["ReturnData"]]
        assert shown.startswith("FILL(")
        assert max(periods_of(alarm)) <= 3600


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_on_dynamodb_s_metrics_fills_in_what_is_missing(name: str) -> None:
    """Such an alarm ignores missing data whatever it says (API Reference, `PutMetricAlarm`), and would never end."""
    assert ALARMS[name].get("Namespace") != "AWS/DynamoDB"


@pytest.mark.parametrize("function", STREAMS)
def test_a_stream_s_function_is_tried_until_shortly_before_the_stream_forgets(function: str) -> None:
    """It fails on what fails for every batch alike: a number of tries would be used up by an outage of an hour."""
    source = STREAMS[function]
    assert "MaximumRetryAttempts" not in source
    assert 20 * 3600 <= source["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert source["BisectBatchOnFunctionError"] is True
