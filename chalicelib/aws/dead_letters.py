"""Dead letters: a value that a function can't process goes to a dead-letter queue, whole, with the reason.

The other values of the same batch are processed as usual.
"""

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.calls import error_code
from chalicelib.aws.queues import Queue, Unsendable, message
from chalicelib.aws.telemetry import count, logger
from chalicelib.errors import TemporarilyUnavailable

# AWS answers with these codes when a value in the request is wrong. Other codes concern the function itself: its
# permissions, its tables, its quota.
_REFUSED_VALUES = frozenset({"ValidationException", "ItemCollectionSizeLimitExceededException"})


class Letter(NamedTuple):
    """A value that couldn't be processed (`payload`, JSON values), and why.

    `reason` is a code or an exception's name. It is logged, so it never holds a part of the payload.
    """

    payload: Any
    reason: str


def is_fault_of_value(error: Exception) -> bool:
    """Return whether the processed value caused the error; False if AWS couldn't be reached or refused the function."""
    if isinstance(error, ClientError):
        return error_code(error) in _REFUSED_VALUES
    return not isinstance(error, TemporarilyUnavailable | BotoCoreError)


class DeadLetters:
    """The dead-letter queue of one function, whose name is `source`."""

    def __init__(self, queue: Queue, source: str) -> None:
        self._queue = queue
        self._source = source

    def put(self, letters: Sequence[Letter]) -> None:
        """Send the letters to the dead-letter queue, and log and count each.

        Raises TemporarilyUnavailable; some of the letters may have been sent then.
        """
        if not letters:
            return
        self._queue.send(
            message({"source": self._source, "reason": reason, "payload": payload}) for payload, reason in letters
        )
        for _, reason in letters:
            logger.error("dead_lettered", extra={"source": self._source, "reason": reason})
        count("DeadLettered", len(letters))

    def send(self, queue: Queue, bodies: Iterable[str], delay_s: Callable[[], int] = lambda: 0) -> None:
        """Send messages to another `queue`; a message that SQS refuses for good becomes a dead letter.

        `delay_s` gives each message's delay in seconds, at most 900. Raises TemporarilyUnavailable; some of the
        messages may have been sent then.
        """
        try:
            queue.send(bodies, delay_s)
        except Unsendable as error:
            self.put([Letter(body, "refused_by_queue") for body in error.bodies])


class SetAside:
    """A `with` block that processes one value: when the block raises, the value becomes a letter.

        letters: list[Letter] = []
        for body in bodies:
            with SetAside(letters, body, "malformed_event"):
                events.append(read_event(body))

    The letter is added to `letters`, with the value as its payload, and as its reason `malformed_event: ` with the
    exception's name. The exception ends there, so that the loop goes on; but an exception that the value didn't cause
    (see `is_fault_of_value`) is raised.
    """

    __slots__ = ("_letters", "_payload", "_reason")

    def __init__(self, letters: list[Letter], payload: Any, reason: str) -> None:
        self._letters = letters
        self._payload = payload
        self._reason = reason

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or not is_fault_of_value(error):
            return False
        self._letters.append(Letter(self._payload, f"{self._reason}: {type(error).__name__}"))
        return True
