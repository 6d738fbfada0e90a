"""What SQS refuses."""

import re
from typing import Any

from local_cloud.gate.rule import Call, entries, rule

SEND, BATCH = "sqs:SendMessage", "sqs:SendMessageBatch"
_QUOTAS = "Amazon SQS Developer Guide, “Amazon SQS message quotas”"
_REFERENCE = "Amazon SQS API Reference, “{}”"
_GROUP = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")


@rule("sqs.delay", SEND, BATCH, error="InvalidParameterValue", source=_REFERENCE.format("SendMessage"))
def delayed_too_long(call: Call) -> str | None:
    """A message put off for more than 900 seconds. (In a batch, AWS refuses the entry alone.)"""
    for message in _messages(call):
        if not _within(message.get("DelaySeconds"), 0, 900):
            return _invalid(message["DelaySeconds"], "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
    return None


@rule("sqs.group", SEND, BATCH, error="InvalidParameterValue", source=_QUOTAS)
def bad_group(call: Call) -> str | None:
    """A message group id longer than 128 characters, or with others than letters, digits and punctuation."""
    for message in _messages(call):
        group = message.get("MessageGroupId")
        if group is not None and not _GROUP.fullmatch(str(group)):
            return _invalid(group, "MessageGroupId", "MessageGroupId can only include alphanumeric and punctuation.")
    return None


@rule("sqs.attributes", SEND, BATCH, error="InvalidParameterValue", source=_QUOTAS)
def too_many_attributes(call: Call) -> str | None:
    """A message with more than 10 attributes."""
    counts = [len(message.get("MessageAttributes") or ()) for message in _messages(call)]
    most = max(counts, default=0)
    return f"Number of message attributes [{most}] exceeds the allowed maximum [10]." if most > 10 else None


@rule("sqs.wait", "sqs:ReceiveMessage", error="InvalidParameterValue", source=_REFERENCE.format("ReceiveMessage"))
def waits_too_long(call: Call) -> str | None:
    """A wait for messages of more than 20 seconds."""
    wait = call.parameters.get("WaitTimeSeconds")
    return None if _within(wait, 0, 20) else _invalid(wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")


@rule(
    "sqs.visibility",
    "sqs:ChangeMessageVisibility",
    "sqs:ReceiveMessage",
    error="InvalidParameterValue",
    source=_REFERENCE.format("ChangeMessageVisibility"),
)
def hidden_too_long(call: Call) -> str | None:
    """A visibility timeout of more than 12 hours."""
    timeout = call.parameters.get("VisibilityTimeout")
    if _within(timeout, 0, 43_200):
        return None
    return _invalid(timeout, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")


@rule("sqs.name", "sqs:CreateQueue", error="InvalidParameterValue", source=_REFERENCE.format("CreateQueue"))
def bad_name(call: Call) -> str | None:
    """A queue's name longer than 80 characters, or with others than letters, digits, hyphens and underscores."""
    name = call.parameters.get("QueueName")
    if not isinstance(name, str) or _NAME.fullmatch(name):
        return None
    return "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"


def _messages(call: Call) -> list[dict[str, Any]]:
    batch = list(entries(call.parameters.get("Entries")))
    return batch or [dict(call.parameters)]


def _within(value: Any, least: int, most: int) -> bool:
    return value is None or (str(value).isdigit() and least <= int(value) <= most)


def _invalid(value: Any, name: str, reason: str) -> str:
    return f"Value {str(value)[:40]} for parameter {name} is invalid. Reason: {reason}"
