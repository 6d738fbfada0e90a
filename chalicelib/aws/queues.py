"""Messages to SQS: sent in batches within the service's limits, and again when SQS took only some of a batch."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call
from chalicelib.aws.retries import back_off
from chalicelib.errors import TemporarilyUnavailable

# JSON may hold these two characters; SQS refuses a message that holds one.
_REFUSED = str.maketrans({"\ufffe": "\\ufffe", "\uffff": "\\uffff"})
MAX_BATCH = 10
MAX_BATCH_BYTES = 256 * 1024
MAX_DELAY_S = 900
_TRIES = 4


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

        Raises TemporarilyUnavailable; some of the messages may have been sent then. Raises Unsendable, after all
        others were sent, when SQS refuses some for good.
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
                refused = [failure["Id"] for failure in failures if failure["SenderFault"]]
                unsendable += [pending[entry_id]["MessageBody"] for entry_id in refused]
                pending = {failure["Id"]: pending[failure["Id"]] for failure in failures if not failure["SenderFault"]}
                if not pending:
                    break
                self._sleep(wait_s)
            else:
                raise TemporarilyUnavailable
        if unsendable:
            raise Unsendable(unsendable)
