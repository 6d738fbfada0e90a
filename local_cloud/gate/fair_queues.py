"""SQS's fair queues: a standard queue is received from in turns of its message groups.

A group that has many messages in flight waits for groups that have few, as on AWS (Amazon SQS Developer Guide, “Amazon
SQS fair queues”). The emulator keeps the groups, and receives in the order of arrival.
"""

from collections import Counter
from typing import Any


def in_turns(messages: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """Return a queue's messages as they are received: of each group, as many as others have had, then the next one.

    Messages without a group are a group. Within a group, the order of arrival stays.
    """
    turns: Counter[Any] = Counter(
        message.get("group_id") for message in messages if message["receive_count"] and message["visible_at"] > now
    )
    ordered = []
    for message in messages:
        group = message.get("group_id")
        ordered.append((turns[group], message))
        if message["visible_at"] <= now:
            turns[group] += 1
    return [message for _, message in sorted(ordered, key=lambda one: one[0])]
