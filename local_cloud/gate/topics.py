"""What SNS and EventBridge refuse."""

import json
import re
from collections import defaultdict
from typing import Any

from local_cloud.gate.rule import Call, entries, rule, size_of

_PUBLISH = "Amazon SNS API Reference, “Publish”"
_BATCH = "Amazon SNS API Reference, “PublishBatch”"
_ENTRY = re.compile(r"PublishBatchRequestEntries\.(?:member|entry)\.(\d+)\.(Message|Subject)")
_SUBJECT = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,99}")
_MOST_BYTES, _MOST_EVENT_BYTES = 262_144, 1024 * 1024


@rule("sns.empty", "sns:Publish", "sns:PublishBatch", error="InvalidParameter", source=_PUBLISH)
def empty_message(call: Call) -> str | None:
    """An empty message."""
    return "Invalid parameter: Empty message" if any(not one.get("Message") for one in _messages(call)) else None


@rule("sns.subject", "sns:Publish", "sns:PublishBatch", error="InvalidParameter", source=_PUBLISH)
def bad_subject(call: Call) -> str | None:
    """A subject of more than 100 characters, or with line breaks or others than ASCII."""
    subjects = [one["Subject"] for one in _messages(call) if "Subject" in one]
    return None if all(map(_SUBJECT.fullmatch, subjects)) else "Invalid parameter: Subject"


@rule("sns.batch-size", "sns:PublishBatch", error="BatchRequestTooLong", source=_BATCH)
def batch_too_large(call: Call) -> str | None:
    """A batch of more than 256 KiB together."""
    total = sum(size_of(one.get("Message")) for one in _messages(call))
    return "The length of all the messages put together is more than the limit." if total > _MOST_BYTES else None


@rule("sns.name", "sns:CreateTopic", error="InvalidParameter", source="Amazon SNS API Reference, “CreateTopic”")
def bad_name(call: Call) -> str | None:
    """A topic's name longer than 256 characters, or with others than letters, digits, hyphens and underscores."""
    name = call.parameters.get("Name", "")
    return None if re.fullmatch(r"[A-Za-z0-9_-]{1,256}(\.fifo)?", name) else "Invalid parameter: Topic Name"


def _messages(call: Call) -> list[dict[str, str]]:
    if call.operation == "Publish":
        return [dict(call.parameters)]
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, value in call.parameters.items():
        if match := _ENTRY.fullmatch(name):
            found[match[1]][match[2]] = value
    return list(found.values())


@rule(
    "events.size",
    "events:PutEvents",
    error="ValidationException",
    source="Amazon EventBridge API Reference, “PutEvents”; User Guide, “Calculating PutEvents event entry size”",
)
def events_too_large(call: Call) -> str | None:
    """Entries of more than 1 MB together."""
    total = sum(_event_size(entry) for entry in entries(call.parameters.get("Entries")))
    if total <= _MOST_EVENT_BYTES:
        return None
    return f"Total size of the entries in the request is over the limit: {total} bytes of {_MOST_EVENT_BYTES}."


@rule(
    "events.entry",
    "events:PutEvents",
    error="ValidationException",
    source="Amazon EventBridge API Reference, “PutEventsRequestEntry”, “PutEventsResultEntry”",
)
def bad_event(call: Call) -> str | None:
    """An event without source, type (to 128 characters) or detail (a JSON object). (AWS refuses the entry alone.)"""
    for entry in entries(call.parameters.get("Entries")):
        for name in ("Source", "DetailType", "Detail"):
            if not entry.get(name):
                return f"Parameter {name} is not valid. Reason: {name} is a required argument."
        if len(entry["DetailType"]) > 128:
            return "Parameter DetailType is not valid. Reason: DetailType must have at most 128 characters."
        try:
            is_object = isinstance(json.loads(entry["Detail"]), dict)
        except (ValueError, RecursionError):
            is_object = False
        if not is_object:
            return "Detail is malformed."
    return None


def _event_size(entry: dict[str, Any]) -> int:
    texts = (entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or ()))
    return sum(map(size_of, texts)) + (14 if entry.get("Time") is not None else 0)
