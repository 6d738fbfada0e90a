"""Dead letters: what a function can't process is set aside by itself, whole, with its reason."""

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.calls import error_code
from chalicelib.aws.queues import Queue, Unsendable, message
from chalicelib.aws.telemetry import count, logger
from chalicelib.errors import TemporarilyUnavailable

# By these AWS refuses what is in a request. All other codes speak of the function: its rights, its tables, its quota.
_REFUSED_VALUES = frozenset({"ValidationException", "ItemCollectionSizeLimitExceededException"})


class Letter(NamedTuple):
    """What could not be processed. `reason` is a code or an exception's name, never a part of the payload."""

    payload: Any
    reason: str


def is_fault_of_value(error: Exception) -> bool:
    """Whether the value that was processed is to blame: not when AWS can't be reached, or refuses the function."""
    if isinstance(error, ClientError):
        return error_code(error) in _REFUSED_VALUES
    return not isinstance(error, TemporarilyUnavailable | BotoCoreError)


class DeadLetters:
    """The dead-letter queue of one function, its `source`."""

    def __init__(self, queue: Queue, source: str) -> None:
        self._queue = queue
        self._source = source

    def put(self, letters: Sequence[Letter]) -> None:
        """Put the letters into the queue; raises TemporarilyUnavailable with some maybe put."""
        if not letters:
            return
        self._queue.send(
            message({"source": self._source, "reason": reason, "payload": payload}) for payload, reason in letters
        )
        for _, reason in letters:
            logger.error("dead_lettered", extra={"source": self._source, "reason": reason})
        count("DeadLettered", len(letters))

    def send(self, queue: Queue, bodies: Iterable[str], delay_s: Callable[[], int] = lambda: 0) -> None:
        """Send messages to another queue; those that SQS refuses for good become dead letters.

        Raises TemporarilyUnavailable with some maybe not sent.
        """
        try:
            queue.send(bodies, delay_s)
        except Unsendable as error:
            self.put([Letter(body, "refused_by_queue") for body in error.bodies])


class SetAside:
    """Sets a value aside if the block that processes it fails, whatever it fails with; the others go on.

        letters: list[Letter] = []
        for body in bodies:
            with SetAside(letters, body, "malformed_event"):
                events.append(read_event(body))

    Adds a letter with the payload and the reason `malformed_event: <exception's name>`. Raises what is no fault of the
    value: see `is_fault_of_value`.
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
