"""Lambda's stopping of loops: a message that has gone through functions some 16 times is not handed on.

The emulator counts calls from function to function, and lets each worker send the count along with its calls. Here
the count goes on through SQS: a message has the count of the call that sent it.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from local_cloud.gate.rule import Call, rule

ROUNDS = 16
COUNT_HEADER = "x-ministack-invoke-depth"
_KEPT = 100_000
_counts: OrderedDict[str, int] = OrderedDict()  # by message id, of messages that a function has sent


@rule(
    "lambda.loop",
    error="RecursiveInvocationException",
    source="AWS Lambda Developer Guide, “Use Lambda recursive loop detection to prevent infinite loops”",
)
def in_a_loop(call: Call) -> str | None:
    """The 17th round of a message from function to queue to function, without `RecursiveLoop: Allow`."""
    if call.parameters["rounds"] <= ROUNDS or call.parameters["recursive_loop"] == "Allow":
        return None
    return (
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources."
    )


def sent(message_ids: Iterable[str], rounds: int) -> None:
    """Note the count of a function's call with which these messages were sent."""
    for message_id in message_ids:
        _counts[message_id] = rounds
    while len(_counts) > _KEPT:
        _counts.popitem(last=False)


def rounds_of(event: Any) -> int:
    """Return the count of the call of a function with this event: one more than its messages have."""
    records = event.get("Records") if isinstance(event, dict) else None
    ids = [record.get("messageId", "") for record in records or () if isinstance(record, dict)]
    return 1 + max((_counts.get(message_id, 0) for message_id in ids), default=0)
