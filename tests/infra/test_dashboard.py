"""The dashboard: every metric on it is one that the code or AWS writes, and nothing on it is cut off or overlaps."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.dashboard import FUNCTIONS, JOBS, KINDS, NAMESPACE, Metric, resource, widgets
from infra.observing import TEMPLATE
from tests.metrics import written
from tests.samples import PROJECT_DIR
from tests.tables import template as data_stack

RESOURCES: dict[str, Any] = json.loads(TEMPLATE.read_text())["Resources"]
# What AWS writes, by its documentation of each service's metrics, with the dimensions.
OF_AWS = {
    ("AWS/ApiGateway", "Count"): {"ApiName", "Stage"},
    ("AWS/ApiGateway", "4XXError"): {"ApiName", "Stage"},
    ("AWS/ApiGateway", "5XXError"): {"ApiName", "Stage"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/Lambda", "IteratorAge"): {"FunctionName"},
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName"},
    ("AWS/DynamoDB", "WriteThrottleEvents of an index"): {"TableName", "GlobalSecondaryIndexName"},
    ("AWS/DynamoDB", "ReadThrottleEvents"): {"TableName"},
    ("AWS/DynamoDB", "ReadThrottleEvents of an index"): {"TableName", "GlobalSecondaryIndexName"},
    ("AWS/SES", "Reputation.BounceRate"): set(),
    ("AWS/SES", "Reputation.ComplaintRate"): set(),
}


def shown() -> Iterator[Metric]:
    for widget in widgets():
        yield from widget["properties"]["metrics"]


@pytest.mark.parametrize("metric", [one for one in shown() if isinstance(one[0], str)], ids=lambda one: str(one[1]))
def test_each_metric_is_one_that_the_code_or_aws_writes(metric: Metric) -> None:
    namespace, name, *dimensions, options = metric
    if namespace == NAMESPACE:
        assert name in written()
        assert dimensions[:2] == ["stage", "${Stage}"]
    else:
        assert set(dimensions[::2]) in (OF_AWS[namespace, name], OF_AWS.get((namespace, f"{name} of an index")))
    assert options["stat"] in ("Sum", "Maximum", "Average", "p50", "p95", "p99")


def test_a_metric_that_nobody_writes_would_be_found() -> None:
    assert "TransactionsCreated" in written()
    assert "TransactionsInvented" not in written()


def test_each_search_is_for_a_metric_of_the_code() -> None:
    (search,) = [one[0]["expression"] for one in shown() if isinstance(one[0], dict)]
    assert search.startswith(f'SEARCH(\'{{{NAMESPACE},stage,code}} stage="${{Stage}}" MetricName="Refused"\'')


def test_each_placeholder_is_a_resource_a_parameter_or_given_with_it() -> None:
    body, given = resource()["Properties"]["DashboardBody"]["Fn::Sub"]
    template = json.loads(TEMPLATE.read_text())
    known = {*template["Resources"], *template["Parameters"], *given, "AWS::Region"}
    used = {part.partition("}")[0] for part in body.split("${")[1:]}
    assert used <= known
    assert {one["Fn::Select"][1]["Fn::Split"][1]["Ref"] for one in given.values()} <= set(template["Parameters"])
    assert len(body) < 30_000  # CloudFormation's limit of the whole template is 1 MB


def test_every_function_of_the_template_is_on_it() -> None:
    names = {name.removesuffix("LogGroup") for name in RESOURCES if name.endswith("LogGroup")}
    assert {name.replace("ApiHandler", "APIHandler") for name in names - {"Access"}} == set(FUNCTIONS)
    assert {name for name in RESOURCES if name.endswith("NotRun")} >= {
        f"{''.join(word.capitalize() for word in job.split('_'))}NotRun" for job in JOBS
    }


def test_kinds_are_those_of_the_mailer() -> None:
    code = "\n".join(path.read_text() for path in (PROJECT_DIR / "chalicelib").rglob("*.py"))
    assert all(f'"{kind}"' in code for kind in KINDS)


def test_widgets_fill_rows_without_overlapping() -> None:
    places = [(widget["x"], widget["y"], widget["width"], widget["height"]) for widget in widgets()]
    cells = [(x + dx, y + dy) for x, y, width, height in places for dx in range(width) for dy in range(height)]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23


def test_every_queue_and_dead_letter_queue_is_on_it() -> None:
    queues = {name.removesuffix("Arn") for name in json.loads(TEMPLATE.read_text())["Parameters"] if "QueueArn" in name}
    _, given = resource()["Properties"]["DashboardBody"]["Fn::Sub"]
    assert {name for name in given if name.endswith("Queue")} == queues


def test_every_table_is_on_it_with_each_index() -> None:
    seen = {
        (metric[1], metric[3].strip("${}"), *metric[5:6])
        for metric in shown()
        if metric[0] == "AWS/DynamoDB" and len(metric) in (5, 7)
    }
    tables = {
        name: one["Properties"].get("GlobalSecondaryIndexes", ())
        for name, one in data_stack()["Resources"].items()
        if one["Type"] == "AWS::DynamoDB::Table"
    }
    places = {(name, *of) for name, indexes in tables.items() for of in ((), *((one["IndexName"],) for one in indexes))}
    assert seen == {(f"{kind}ThrottleEvents", *place) for kind in ("Read", "Write") for place in places}
