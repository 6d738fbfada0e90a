"""Loops: which function can cause its own next invocation, and what ends each loop.

The graph is derived from the roles' policies (what a function reads and writes), `infra/data.yaml` (subscriptions and
rules) and `infra/app.json`. Lambda stops a loop through SQS, SNS or S3 after about 16 rounds, unless the function's
`RecursiveLoop` is `Allow` ("Use Lambda recursive loop detection to prevent infinite loops", AWS Lambda Developer
Guide). It doesn't see loops through DynamoDB streams.
"""

import importlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cfnlint.decode import decode

from infra.recursion import looping_functions
from tests.samples import PROJECT_DIR

POLICIES = PROJECT_DIR / "infra" / "policies"
# What puts something into a resource, and what shows that a resource triggers the function.
WRITES = re.compile(
    r"sqs:SendMessage|sns:Publish|events:PutEvents|s3:PutObject|dynamodb:(Put|Update|Delete|BatchWrite)Item|ses:Send\w+"
)
READS = re.compile(r"sqs:ReceiveMessage|dynamodb:GetRecords")
# Lambda watches these for loops; a loop with anything else in it goes on unseen.
WATCHED = ("Queue", "Topic", "Bucket")
# The longest that each function goes on putting a message back, for each reason to do so; then the message is a dead
# letter, or is given up. What another mailer is busy with ends with that mailer's copy.
_MAILER_S = (("chalicelib.mail.ses", "PUT_OFF_AT_MOST"), ("chalicelib.notifications.returns", "LEFT_AT_MOST"))
BOUNDS = {
    "mailer": _MAILER_S,
    "alert_mailer": _MAILER_S,
    "webhook_sender": (("chalicelib.webhooks.webhook", "TRIED_FOR"),),
    "feedback": (("chalicelib.holders.long_step", "TRIED_FOR"),),
}
# Loops through a table's stream, each with the test which shows that what the function itself writes causes nothing.
OWN_WRITES_CAUSE_NOTHING = {
    "transaction_stream": ("notifications/test_stream", "test_the_row_of_a_flag_is_no_transaction_to_be_told"),
    # A suppression after a bounce is written to the accounts, whose stream brings e-mails about changed holders.
    "holder_changes": ("changes/test_change_teller", "test_what_is_no_such_change_tells_nothing"),
    "alert_mailer": ("changes/test_change_teller", "test_what_is_no_such_change_tells_nothing"),
    "feedback": ("changes/test_change_teller", "test_what_is_no_such_change_tells_nothing"),
    "webhook_feeder": ("webhooks/test_feeder", "test_only_new_pages_of_the_feed_make_webhooks"),
    "webhook_sender": ("webhooks/test_feeder", "test_only_new_pages_of_the_feed_make_webhooks"),
}

Graph = dict[str, set[str]]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    content, errors = decode(str(PROJECT_DIR / "infra" / "data.yaml"))
    assert not errors
    return dict(content["Resources"])


@pytest.fixture(scope="module")
def graph(template: dict[str, Any]) -> Graph:
    """Return what each function and resource can cause, by name."""
    edges: Graph = {}
    for cause, effect in (*_by_policies(), *_by_template(template)):
        edges.setdefault(cause, set()).add(effect)
    return edges


def _by_policies() -> Iterator[tuple[str, str]]:
    for file in POLICIES.glob("*.json"):
        for statement in json.loads(file.read_text())["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            for name in filter(None, map(_resource, resources)):
                if any(map(WRITES.fullmatch, actions)):
                    yield file.stem, name
                if any(map(READS.fullmatch, actions)):
                    yield name, file.stem


def _resource(arn: str) -> str | None:
    """Return the template's name of the resource that a policy names; a table stands for its stream."""
    named = re.match(r"\$\{(\w+?)(Stream)?Arn}", arn)
    if named is None:
        return None
    return f"{named[1]}Table" if named[2] else named[1]


def _by_template(template: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, resource in template.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::SNS::Subscription":
                yield _named(properties["TopicArn"]), _named(properties["Endpoint"])
            case "AWS::Events::Rule":
                for target in properties["Targets"]:
                    yield _named(properties["EventBusName"]), _named(target["Arn"])
            case "AWS::SES::ConfigurationSetEventDestination":
                destination = properties["EventDestination"]["SnsDestination"]["TopicARN"]
                yield _named(properties["ConfigurationSetName"]), _named(destination)
            case "AWS::SQS::Queue" if "RedrivePolicy" in properties:
                yield name, _named(properties["RedrivePolicy"]["deadLetterTargetArn"])


def _named(reference: dict[str, Any]) -> str:
    target = reference.get("Ref") or reference["Fn::GetAtt"]
    return str(target[0] if isinstance(target, list) else target.split(".")[0])


def reached(graph: Graph, start: str) -> set[str]:
    """Return all that `start` can cause, directly or through others."""
    found: set[str] = set()
    left = list(graph.get(start, ()))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += graph.get(name, ())
    return found


def causes(graph: Graph, name: str) -> set[str]:
    """Return all that can cause the function, directly or through others."""
    return {cause for cause in graph if name in reached(graph, cause)}


def looping(graph: Graph) -> set[str]:
    return {file.stem for file in POLICIES.glob("*.json") if file.stem in reached(graph, file.stem)}


def watched(graph: Graph) -> Graph:
    """Return the part of the graph in which Lambda sees loops."""
    functions = {file.stem for file in POLICIES.glob("*.json")}
    seen = functions | {name for name in graph if name.endswith(WATCHED)}
    return {name: {effect for effect in effects if effect in seen} for name, effects in graph.items() if name in seen}


def test_every_queue_but_those_of_dead_letters_causes_a_function(graph: Graph, template: dict[str, Any]) -> None:
    queues = {name for name, resource in template.items() if resource["Type"] == "AWS::SQS::Queue"}
    functions = {file.stem for file in POLICIES.glob("*.json")}
    read = {queue for queue in queues if graph.get(queue, set()) & functions}
    assert queues - read == {queue for queue in queues if queue.endswith("DeadLetterQueue")}


def test_a_notice_goes_from_the_stream_to_the_mailer_and_ses_answers_the_feedback_function(graph: Graph) -> None:
    assert {"NotificationQueue", "mailer", "MailConfigurationSet", "FeedbackQueue", "feedback"} <= reached(
        graph, "TransactionsTable"
    )


def test_exactly_the_functions_on_a_loop_that_lambda_sees_may_loop(graph: Graph) -> None:
    assert sorted(looping(watched(graph))) == looping_functions()


def test_each_loop_that_lambda_sees_has_a_bound_in_the_code(graph: Graph) -> None:
    assert looping(watched(graph)) == BOUNDS.keys()
    for module, constant in (bound for bounds in BOUNDS.values() for bound in bounds):
        bound = getattr(importlib.import_module(module), constant)
        assert isinstance(bound, timedelta), (module, constant)
        assert timedelta(0) < bound <= timedelta(days=14), (module, constant)


def test_each_loop_through_a_stream_has_a_test_that_its_own_writes_cause_nothing(graph: Graph) -> None:
    tables = [name for name in graph if name.endswith("Table")]
    through_streams = {name for name in looping(graph) if set(tables) & reached(graph, name) & causes(graph, name)}
    assert through_streams == OWN_WRITES_CAUSE_NOTHING.keys()
    for file, test in OWN_WRITES_CAUSE_NOTHING.values():
        assert f"def {test}(" in (PROJECT_DIR / "tests" / f"{file}.py").read_text(), test


def test_a_message_that_lambda_drops_from_a_loop_raises_an_alarm() -> None:
    resources = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
    alarms = {
        resource["Properties"]["Dimensions"][0]["Value"]["Ref"]
        for resource in resources.values()
        if resource.get("Properties", {}).get("MetricName") == "RecursiveInvocationsDropped"
    }
    allowed = {name for name, one in resources.items() if one.get("Properties", {}).get("RecursiveLoop") == "Allow"}
    assert alarms == allowed
