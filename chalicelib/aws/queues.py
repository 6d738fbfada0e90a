"""Sending to SQS: batches within the service's limits, leftovers tried again, dead letters with their reason."""

import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call
from chalicelib.aws.telemetry import count, logger
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
            for attempt in range(_TRIES):
                answer = call(self._client.send_message_batch, QueueUrl=self._url, Entries=list(pending.values()))
                failures = answer.get("Failed", ())
                unsendable += [pending[one["Id"]]["MessageBody"] for one in failures if one["SenderFault"]]
                pending = {one["Id"]: pending[one["Id"]] for one in failures if not one["SenderFault"]}
                if not pending:
                    break
                self._sleep(random.uniform(0, 0.1 * 2**attempt))
            else:
                raise TemporarilyUnavailable
        if unsendable:
            raise Unsendable(unsendable)


class DeadLetters:
    """The dead-letter queue of one function: what could not be processed, whole, with why."""

    def __init__(self, queue: Queue, source: str) -> None:
        self._queue = queue
        self._source = source

    def put(self, letters: Sequence[tuple[Any, str]]) -> None:
        """Put (payload, reason) pairs; a reason is a code or an exception's name, never what was in the payload."""
        if not letters:
            return
        self._queue.send(
            message({"source": self._source, "reason": reason, "payload": payload}) for payload, reason in letters
        )
        for _, reason in letters:
            logger.error("dead_lettered", extra={"source": self._source, "reason": reason})
        count("DeadLettered", len(letters))
