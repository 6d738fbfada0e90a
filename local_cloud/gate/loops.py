"""Lambda's stopping of loops: a message that has gone through functions some 16 times is not handed on.

The emulator counts calls from function to function, and lets each worker send the count along with its calls. Here
the count goes on through SQS, as on AWS: in the message's `AWSTraceHeader`.
"""

import re
from contextvars import ContextVar
from typing import Any

from local_cloud.gate.rule import Call, rule

ROUNDS = 16
COUNT_HEADER = "x-ministack-invoke-depth"
# The count that came with the request under way; None when no function sent it.
sent_with: ContextVar[int | None] = ContextVar("sent_with", default=None)
_COUNTED = re.compile(r"Lineage=gate:([0-9]+)")


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


def counted(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the system attributes of a message that is sent now, with the count of the function that sends it."""
    rounds = sent_with.get()
    return attributes if rounds is None else {"AWSTraceHeader": f"Lineage=gate:{rounds}", **attributes}


def rounds_of(event: Any) -> int:
    """Return the count of the call of a function with this event: one more than its messages have."""
    records = event.get("Records") if isinstance(event, dict) else None
    headers = [
        record.get("attributes", {}).get("AWSTraceHeader", "") for record in records or () if "attributes" in record
    ]
    return 1 + max((int(found[1]) for header in headers if (found := _COUNTED.search(header))), default=0)
