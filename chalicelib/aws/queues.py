"""Messages to SQS: sent in batches within the service's limits, and again when SQS took only some of a batch.

The banks share the queues. A message says for which bank it is, as its message group, and SQS then shares a standard
queue fairly between the groups: a bank with a long backlog doesn't make the others' messages wait ("fair queues",
Amazon SQS Developer Guide). No order follows from the groups.
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call
from chalicelib.aws.retries import each_try
from chalicelib.errors import TemporarilyUnavailable

# JSON may hold these two characters; SQS refuses a message that holds one.
_REFUSED = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})
MAX_BATCH = 10
MAX_BATCH_BYTES = 256 * 1024
MAX_DELAY_S = 900
_TRIES = 4


_GROUP = re.compile(r"[!-~]{1,128}")


class GroupedBody(str):
    """A message's body, and in `group` the bank that the message is for."""

    __slots__ = ("group",)

    group: str

    @classmethod
    def of(cls, body: str, group: object) -> str:
        """Return the body with its group; without one if `group` is nothing that SQS takes for a group."""
        if not isinstance(group, str) or not _GROUP.fullmatch(group):
            return body
        grouped = cls(body)
        grouped.group = group
        return grouped

    @classmethod
    def group_of(cls, body: str) -> dict[str, str]:
        """Return the body's group as SQS's parameter, or nothing."""
        return {"MessageGroupId": body.group} if isinstance(body, cls) else {}


class Unsendable(Exception):
    """SQS refused the messages in `bodies` for good: another try would be refused too. All others were sent."""

    def __init__(self, bodies: list[str]) -> None:
        super().__init__(f"{len(bodies)} messages")
        self.bodies = bodies


def message(content: Any) -> str:
    """Return JSON values as the body of a message."""
    return json.dumps(content, ensure_ascii=False).translate(_REFUSED)


class Queue:
    def __init__(self, client: Any, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._url = url
        self._sleep = sleep

    def send(self, bodies: Iterable[str], delay_s: Callable[[], int] = lambda: 0) -> None:
        """Send the messages, ten in a call. `delay_s` is called for each and returns its delay, 0 to 900 seconds.

        A `GroupedBody` is sent with its message group.
        Raises TemporarilyUnavailable; some of the messages may have been sent then. Raises Unsendable, after all
        others were sent, when SQS refuses some for good.
        """
        unsendable: list[str] = []
        for part in batches(bodies, MAX_BATCH, MAX_BATCH_BYTES, lambda body: len(body.encode())):
            pending: dict[str, dict[str, Any]] = {
                str(index): {"Id": str(index), "MessageBody": body, "DelaySeconds": delay_s()}
                | GroupedBody.group_of(body)
                for index, body in enumerate(part)
            }
            for _ in each_try(_TRIES, 0.1, self._sleep):
                answer = call(self._client.send_message_batch, QueueUrl=self._url, Entries=list(pending.values()))
                failures = answer.get("Failed", ())
                refused = [failure["Id"] for failure in failures if failure["SenderFault"]]
                unsendable += [pending[entry_id]["MessageBody"] for entry_id in refused]
                pending = {failure["Id"]: pending[failure["Id"]] for failure in failures if not failure["SenderFault"]}
                if not pending:
                    break
            else:
                raise TemporarilyUnavailable
        if unsendable:
            raise Unsendable(unsendable)
