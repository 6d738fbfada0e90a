"""Sending to SQS: batches within the service's limits, leftovers tried again."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call
from chalicelib.aws.retries import back_off
from chalicelib.errors import TemporarilyUnavailable

# What JSON may hold and SQS refuses in a message.
_REFUSED = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})
MAX_BATCH = 10
MAX_BATCH_BYTES = 256 * 1024
MAX_DELAY_S = 900
_TRIES = 4


class Unsendable(Exception):
    """Messages that SQS refuses for good, and would again; all others were sent."""

    def __init__(self, bodies: list[str]) -> None:
        super().__init__(f"{len(bodies)} messages")
        self.bodies = bodies


def message(content: Any) -> str:
    """Return a message body that holds JSON values."""
    return json.dumps(content, ensure_ascii=False).translate(_REFUSED)


class Queue:
    def __init__(self, client: Any, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._url = url
        self._sleep = sleep

    def send(self, bodies: Iterable[str], delay_s: Callable[[], int] = lambda: 0) -> None:
        """Send the messages, ten in a call, each delayed by what `delay_s` says (at most 900 s).

        Raises TemporarilyUnavailable with some maybe not sent, and Unsendable when all others are.
        """
        unsendable: list[str] = []
        for part in batches(bodies, MAX_BATCH, MAX_BATCH_BYTES, lambda body: len(body.encode())):
            pending: dict[str, dict[str, Any]] = {
                str(index): {"Id": str(index), "MessageBody": body, "DelaySeconds": delay_s()}
                for index, body in enumerate(part)
            }
            for wait_s in back_off(_TRIES, first_s=0.1):
                answer = call(self._client.send_message_batch, QueueUrl=self._url, Entries=list(pending.values()))
                failures = answer.get("Failed", ())
                unsendable += [pending[one["Id"]]["MessageBody"] for one in failures if one["SenderFault"]]
                pending = {one["Id"]: pending[one["Id"]] for one in failures if not one["SenderFault"]}
                if not pending:
                    break
                self._sleep(wait_s)
            else:
                raise TemporarilyUnavailable
        if unsendable:
            raise Unsendable(unsendable)
