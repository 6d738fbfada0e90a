"""What the local cloud's functions logged: the lines of each one's log group, as CloudWatch Logs has them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

GROUPS = "/aws/lambda/transaction-notifier-"
API = "api_handler"  # as it is in `app.py`: its log group has no name of its own


class LogLine(NamedTuple):
    """A line, and the function that wrote it, by its name in `app.py`."""

    function: str
    text: str


def log_lines(logs: Any, stage: str) -> Iterator[LogLine]:
    """Yield all lines of a stage's functions, function by function, oldest first, with a client of CloudWatch Logs."""
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{GROUPS}{stage}"):
        for group in page["logGroups"]:
            function = group["logGroupName"].removeprefix(f"{GROUPS}{stage}").removeprefix("-") or API
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for found in events:
                yield from (LogLine(function, event["message"].rstrip("\n")) for event in found["events"])
