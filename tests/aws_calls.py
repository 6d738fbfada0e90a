"""The calls that the functions make at AWS: each one of botocore's, and the IAM permissions that AWS checks for it.

`RECORDER` sees every call of the whole test run. A call is a function's when the door by which Lambda enters the
function is on the stack, or when a tour (`tests/aws_tours.py`) says whose turn it is.
"""

import ast
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import botocore.session
from botocore import xform_name
from botocore.handlers import BUILTIN_HANDLERS

from chalicelib.aws.stage import variables
from chalicelib.mail.sender import sender_in
from infra.package import SERVICES
from tests.tables import partition_key

PROJECT_DIR = Path(__file__).parent.parent
_FOLDER = f"{PROJECT_DIR}{os.sep}chalicelib{os.sep}"

# The door of each function: what its two or three lines in `app.py` call. All of `chalicelib/api` is the API's.
DOORS = {
    "notifications/stream.py:StreamHandler.handle": ("transaction_stream",),
    "ledger/archive.py:Archiver.handle": ("archiver",),
    "changes/answer_teller.py:AnswerTeller.handle": ("transaction_stream",),
    "changes/change_teller.py:ChangeTeller.handle": ("holder_changes",),
    "ledger/ingest_worker.py:IngestWorker.handle": ("ingest_worker",),
    "changes/change_mailer.py:ChangeMailer.handle": ("mailer", "alert_mailer"),
    "notifications/mailer.py:Mailer.handle": ("mailer", "alert_mailer"),
    "flags/operator_alerts.py:OperatorAlerts.handle": ("operator_alerts",),
    "notifications/feedback.py:FeedbackHandler.handle": ("feedback",),
    "webhooks/feeder.py:WebhookFeeder.handle": ("webhook_feeder",),
    "webhooks/sender.py:WebhookSender.handle": ("webhook_sender",),
    "analytics/job.py:AnalyticsJob.run": ("analytics_job",),
    "notifications/deferrals.py:Release.run": ("release_deferred",),
    "statements/job.py:StatementJob.run": ("statements",),
    "analytics/reconciliation.py:Reconciliation.of_day_before": ("nightly_reconciliation",),
}
# IAM's service and action where they aren't the client's name and the operation's (Service Authorization Reference).
_PREFIXES = {"sesv2": "ses"}
_ACTIONS = {"sqs:SendMessageBatch": "sqs:SendMessage"}  # "Amazon SQS API permissions"
# What each action of a DynamoDB transaction needs ("Amazon DynamoDB Transactions: How it works", IAM permissions).
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# An older action that AWS checks beside the one that is called, because the older one is of another API ("Sending
# authorization policies" and the API reference of `SendBulkEmail`, Amazon SES).
CHECKED_TOO = {"ses:SendBulkEmail": {"ses:SendBulkTemplatedEmail"}, "ses:SendEmail": {"ses:SendRawEmail"}}
# SES checks the identity that sends, which is the address or its domain; the configuration set; and the template, which
# for an inline one is `template/*` ("Actions, resources, and condition keys for Amazon SES v2").
_SES_RESOURCES = (
    "${MailAddressArn}",
    "${MailDomainArn}",
    "${MailIdentityArn}",
    "${MailConfigurationSetArn}",
    "arn:${Partition}:ses:${Region}:${Account}:template/*",
)
_IDENTITIES = "arn:${Partition}:ses:${Region}:${Account}:identity/*"

_FLAG_ROW = "#flags"
_EQUALS = re.compile(r"=\s*(:\w+)")


class Call(NamedTuple):
    """One permission that one call needs. `context` has the values of condition keys, as IAM knows them."""

    function: str
    operation: str
    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


class Recorder:
    """What was called since the last `taken`."""

    def __init__(self) -> None:
        self.calls: set[Call] = set()
        self.acting: str | None = None

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Note a call of botocore's; of arguments that botocore is about to refuse, nothing."""
        functions = (self.acting,) if self.acting else _entered(list(_our_frames(sys._getframe(1))))
        operation = f"{model.service_model.service_name}:{model.name}"
        for function in functions:
            for action, resource, context in needed(operation, params):
                self.calls.add(Call(function, operation, action, resource, context))

    def taken(self) -> set[Call]:
        """Return what was called since the last time."""
        calls, self.calls = self.calls, set()
        return calls

    @contextmanager
    def turn_of(self, function: str) -> Iterator[None]:
        """Take every call in this block, also of its threads, for the function's."""
        self.acting = function
        try:
            yield
        finally:
            self.acting = None


RECORDER = Recorder()


def install() -> None:
    """Have every client that is made from now on report its calls. moto hooks into botocore in the same way."""
    BUILTIN_HANDLERS.append(("provide-client-params", RECORDER.note))


def meanwhile(happens: Callable[[], Any]) -> None:
    """Let something happen in the middle of a function's call, and take its calls for nobody's or another's."""
    happens()


def _our_frames(frame: FrameType | None) -> Iterator[str]:
    """Yield the functions of `chalicelib` on the stack, as `package/module.py:Class.method`, the innermost first.

    It ends at what a test lets happen in the middle of a function's call: that is not the function's doing.
    """
    while frame is not None and frame.f_code is not meanwhile.__code__:
        path = frame.f_code.co_filename
        if path.startswith(_FOLDER):
            yield f"{path.removeprefix(_FOLDER)}:{frame.f_code.co_qualname}"
        frame = frame.f_back


def _entered(frames: list[str]) -> tuple[str, ...]:
    for frame in frames:
        if frame in DOORS:
            return DOORS[frame]
        if frame.startswith(f"api{os.sep}"):
            return ("api_handler",)
    return ()


Needed = tuple[str, str, tuple[tuple[str, str], ...]]


def needed(operation: str, params: Mapping[str, Any]) -> Iterator[Needed]:
    """Yield each permission that AWS checks for the call: the action, the resource as policies name it, the context."""
    service, _, name = operation.partition(":")
    if service == "dynamodb":
        yield from _needed_at_dynamodb(name, params)
        return
    action = f"{_PREFIXES.get(service, service)}:{name}"
    action = _ACTIONS.get(action, action)
    for checked in (action, *sorted(CHECKED_TOO.get(action, ()))):
        if action == "ses:SendBulkEmail" and _domain(params["FromEmailAddress"]) != _domain(os.environ["MAIL_FROM"]):
            # A bank's own domain, whose identity `operations.banks sender` has given the stage's tag.
            yield checked, _IDENTITIES, (("aws:ResourceTag/transaction-notifier-stage", "${Stage}"),)
        for resource in _resources(action, params):
            yield checked, resource, _context(action, params)


def _domain(sender: str) -> str:
    return sender_in(sender).address.rpartition("@")[2]


def _needed_at_dynamodb(name: str, params: Mapping[str, Any]) -> Iterator[Needed]:
    match name:
        case "TransactWriteItems":
            for item in params["TransactItems"]:
                for kind, action in item.items():
                    yield from _on_table(_IN_TRANSACTION[kind], action["TableName"], "", [action])
        case "BatchGetItem":
            for table, request in params["RequestItems"].items():
                yield from _on_table(name, table, "", [{"Key": key} for key in request["Keys"]])
        case "BatchWriteItem":
            for table, requests in params["RequestItems"].items():
                yield from _on_table(name, table, "", [action for one in requests for action in one.values()])
        case _:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield from _on_table(name, params["TableName"], index, [params])


def _on_table(action: str, table: str, index: str, items: list[Mapping[str, Any]]) -> Iterator[Needed]:
    for key in dict.fromkeys(_kind_of(_leading_key(table, one)) for one in items):
        yield f"dynamodb:{action}", f"${{{table}Arn}}{index}", (("dynamodb:LeadingKeys", key),)


def _leading_key(table: str, action: Mapping[str, Any]) -> str:
    """Return the partition key's value, of the table or of the index that is queried."""
    if "KeyConditionExpression" in action:
        placeholder = _EQUALS.search(action["KeyConditionExpression"])
        assert placeholder, action["KeyConditionExpression"]
        return str(action["ExpressionAttributeValues"][placeholder[1]]["S"])
    key: dict[str, dict[str, str]] = action["Item"] if "Item" in action else action["Key"]
    return key[partition_key(table)]["S"]


def _kind_of(key: str) -> str:
    """Return a key's prefix with a star: by what comes before the first `#`, if anything. A row of flags ends so."""
    prefix, hash_, rest = key.partition("#")
    end = _FLAG_ROW if rest.endswith(_FLAG_ROW) else ""
    return f"{prefix}#*{end}" if hash_ else key


def _resources(action: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the call is checked against. Of a name that neither a setting nor `operations.banks` gives, nothing
    follows: a test has made it up."""
    match action.partition(":")[0]:
        case "ses":
            return _SES_RESOURCES if action == "ses:SendBulkEmail" else ("*",)
        case "sqs":
            # The settings have some queues' names only.
            return _named(params["QueueUrl"]) or _named(params["QueueUrl"].rpartition("/")[2])
        case "events":
            return tuple({name for entry in params["Entries"] for name in _named(entry["EventBusName"])})
        case "s3":
            return tuple(f"{name}/{params['Key'].partition('=')[0]}=*" for name in _named(params["Bucket"]))
        case "sns":
            # A subscription has no ARN that a policy could name before. A bank's topic is named after the stage's.
            base = os.environ["OPERATOR_ALERTS_TOPIC_ARN"]
            topic = params.get("TopicArn") or (
                f"{base.rpartition(':')[0]}:{params['Name']}" if "Name" in params else ""
            )
            if not topic:
                return ("*",)
            return ("${OperatorAlertsTopicArn}-*",) if topic.startswith(f"{base}-") else ()
        case "secretsmanager":
            return _named(params["SecretId"])
    raise AssertionError(f"{action}: say which resource it is checked against")


def _context(action: str, params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return (("sns:Protocol", params["Protocol"]),) if action == "sns:Subscribe" else ()


def _named(value: str) -> tuple[str, ...]:
    """Return how policies name a queue, topic, bucket, bus or secret."""
    for output, variable in variables().items():
        if os.environ.get(variable) == value:
            return (f"${{{re.sub('(Url|Arn)$', '', output)}Arn}}",)
    secret = re.fullmatch(r"arn:aws:secretsmanager:.*:secret:transaction-notifier-test-(\w+)-.*", value)
    named = "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:transaction-notifier-${Stage}-%s-*"
    return (named % secret[1],) if secret else ()


# The calls of `chalicelib/aws/dynamo.py` that make several operations possible, by their names.
_SHARED = {"batch_get", "batch_put", "batch_delete", "put_new", "write_together", "queried"}


def places_of_calls() -> set[str]:
    """Return every place in the code that calls AWS, as `package.module:Class.method`."""
    found: set[str] = set()
    for path in sorted(Path(_FOLDER).rglob("*.py")):
        module = str(path).removeprefix(_FOLDER).removesuffix(".py").replace(os.sep, ".")
        _walk(ast.parse(path.read_text()), module, (), found)
    return {place for place in found if not place.startswith("aws.")}


@functools.cache
def _operations() -> frozenset[str]:
    """Return the methods of all clients that the app makes."""
    session = botocore.session.get_session()
    return frozenset(
        xform_name(name) for service in SERVICES for name in session.get_service_model(service).operation_names
    )


def _walk(node: ast.AST, module: str, within: tuple[str, ...], found: set[str]) -> None:
    for child in ast.iter_child_nodes(node):
        inner = within
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            inner = (*within, child.name)
        is_operation = isinstance(child, ast.Attribute) and _is_client(child.value) and child.attr in _operations()
        is_shared = isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in _SHARED
        if is_operation or is_shared:
            found.add(f"{module}:{'.'.join(within)}")
        _walk(child, module, inner, found)


def _is_client(value: ast.expr) -> bool:
    """Return whether this is a client by its name: `client`, `self._client` or `self._client()`."""
    if isinstance(value, ast.Call):
        value = value.func
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name.strip("_") == "client"
