"""The roles' policies, as permissions that can be held against calls."""

import json
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from app import app, stage
from tests.aws_calls import PROJECT_DIR, Call

_TEMPLATE = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
POLICIES = PROJECT_DIR / "infra" / "policies"


class Allowed(NamedTuple):
    """One action that one role allows on one resource; `condition` is the key of a condition and one value of it."""

    function: str
    action: str
    resource: str
    condition: tuple[str, str] | None = None

    def covers(self, call: Call) -> bool:
        """Return whether this allows the call, by IAM's rules for `*` and for the two kinds of conditions used here."""
        if (self.function, self.action) != (call.function, call.action) or not _matches(call.resource, self.resource):
            return False
        if self.condition is None:
            return True
        key, wanted = self.condition
        values = [value for name, value in call.context if name == key]
        return any(_matches(value, wanted) for value in values)


def allowed() -> Iterator[Allowed]:
    """Yield all that the roles' policies allow: an entry for each action, resource and value of a condition."""
    for file in sorted(POLICIES.glob("*.json")):
        for statement in json.loads(file.read_text())["Statement"]:
            assert statement["Effect"] == "Allow", statement
            conditions = list(_conditions(statement.get("Condition", {})))
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    for condition in conditions or [None]:
                        yield Allowed(file.stem, action, resource, condition)


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _conditions(condition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for operator, keys in condition.items():
        assert operator in ("ForAllValues:StringLike", "StringEquals"), operator
        for key, values in keys.items():
            for value in listed(values):
                yield key, value


def _matches(value: str, pattern: str) -> bool:
    return fnmatchcase(value, re.sub(r"[\[?]", lambda one: f"[{one[0]}]", pattern))


_ALLOWED = list(allowed())
_BY_ACTION: dict[tuple[str, str], list[Allowed]] = {}
for _one in _ALLOWED:
    _BY_ACTION.setdefault((_one.function, _one.action), []).append(_one)


def refused(calls: Iterable[Call]) -> list[Call]:
    """Return the calls that the role of their function doesn't allow."""
    return [call for call in calls if not any(one.covers(call) for one in _BY_ACTION.get(call[:1] + call[2:3], ()))]


# What Lambda itself calls with a function's role: "Using AWS Lambda with Amazon SQS" and "… with Amazon DynamoDB"
# (execution role permissions), "Capturing discarded batches" (an S3 destination), "Sending logs to CloudWatch Logs".
_OF_QUEUES = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_OF_STREAMS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
_OF_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_LAMBDA = "Lambda itself"


def calls_of_lambda() -> Iterator[Call]:
    """Yield what Lambda calls for each function: for its trigger, its failure destination and its logs."""
    arns = {getattr(stage, name): name for name in dir(stage) if name.endswith(("_queue_arn", "_stream_arn"))}
    for source in app.event_sources:
        for actions, arn in ((_OF_QUEUES, "queue_arn"), (_OF_STREAMS, "stream_arn")):
            if hasattr(source, arn):
                resource = f"${{{''.join(word.capitalize() for word in arns[getattr(source, arn)].split('_'))}}}"
                yield from (Call(source.name, _LAMBDA, action, resource) for action in actions)
        if hasattr(source, "stream_arn"):
            yield Call(source.name, _LAMBDA, "dynamodb:ListStreams", "*")
    for function in {one.function for one in _ALLOWED}:
        yield from (Call(function, _LAMBDA, *rest) for rest in _of_destination(function))
        name = "" if function == "api_handler" else f"-{function}"
        group = f"log-group:/aws/lambda/transaction-notifier-${{Stage}}{name}:*"
        for action in _OF_LOGS:
            yield Call(function, _LAMBDA, action, f"arn:${{Partition}}:logs:${{Region}}:${{Account}}:{group}")


def _of_destination(function: str) -> Iterator[tuple[str, str]]:
    logical_id = "".join(word.capitalize() for word in function.split("_"))
    events = _TEMPLATE["Resources"].get(logical_id, {}).get("Properties", {}).get("Events", {})
    for event in events.values():
        for destination in event["Properties"].get("DestinationConfig", {}).values():
            assert destination["Type"] == "S3"
            bucket = destination["Destination"]["Ref"]
            yield "s3:PutObject", f"${{{bucket}}}/*"
            yield "s3:ListBucket", f"${{{bucket}}}"
