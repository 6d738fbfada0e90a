"""A bad day: what AWS may do to a call, drawn by the seed.

Source: AWS's documents on retries (boto3, "Standard retry mode": three attempts), DynamoDB ("Error handling",
"TransactWriteItems"), Lambda and SQS (at least once). A call of SES is made once: it has no idempotency token.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from chalicelib.aws.clients import READ_TIMEOUT_S
from simulation.scheduler import Killed, Scheduler

_THROTTLES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sqs": "ThrottlingException",
    "sesv2": "TooManyRequestsException",
}
_ATTEMPTS = {"sesv2": 1}


@dataclass(frozen=True, slots=True)
class Weather:
    """How probable each fault of a call is, and of a delivery that it comes twice."""

    throttled: float = 0.0
    lost: float = 0.0
    killed: float = 0.0
    partly: float = 0.0
    twice: float = 0.0
    stale: float = 0.0
    contended: float = 0.0
    slow: float = 0.0

    @classmethod
    def drawn(cls, chance: random.Random) -> "Weather":
        """Return the weather of a run: each fault is absent in one run of three, and rare to frequent otherwise."""
        return cls(*(chance.choice((0.0, 0.01, 0.06)) * (0.2 if name == "killed" else 1) for name in cls.__slots__))


FAIR = Weather()


def refused(code: str, operation: str, **more: Any) -> ClientError:
    """Return the error that botocore raises for a refusal with this code."""
    return ClientError({"Error": {"Code": code, "Message": "by the simulation"}, **more}, operation)


class Caller:
    """Makes the calls of all functions: each may be throttled, may be lost on its way back, or may be the last one."""

    def __init__(self, scheduler: Scheduler, weather: Weather) -> None:
        self.weather = weather
        self.happened: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.down_until: dict[str, datetime] = {}  # services that can't be reached
        self._scheduler = scheduler

    def happens(self, fault: str) -> bool:
        """Return whether this fault happens now."""
        if self._scheduler.random.random() >= getattr(self.weather, fault):
            return False
        self.happened[fault] += 1
        return True

    def call(self, service: str, operation: str, apply: Callable[[], Any], in_doubt: Callable[[], None]) -> Any:
        """Make a call as botocore does; `in_doubt` is called when it was made and its caller doesn't hear of it."""
        if self._scheduler.running is None:
            return apply()
        self.calls[f"{service}.{operation}"] += 1
        chance = self._scheduler.random
        answer: Any = None
        is_applied = False
        error: Exception = ReadTimeoutError(endpoint_url=service)
        for attempt in range(_ATTEMPTS.get(service, 3)):
            self._scheduler.sleep(chance.uniform(0.001, 0.02) + attempt * chance.uniform(0.05, 0.5))
            if self.happens("killed"):
                raise Killed
            if self._scheduler.now < self.down_until.get(service, self._scheduler.now):
                self.happened["unreachable"] += 1
                error = EndpointConnectionError(endpoint_url=service)
                continue
            if self.happens("throttled"):
                error = refused(_THROTTLES.get(service, "ThrottlingException"), operation)
                continue
            # DynamoDB knows a transaction that is tried again by its token: it isn't made twice.
            if not (is_applied and operation == "transact_write_items"):
                answer = apply()
            is_applied = True
            if self.happens("killed"):
                in_doubt()
                raise Killed
            if self.happens("slow"):
                self._scheduler.sleep(chance.uniform(0.1, READ_TIMEOUT_S))
            if not self.happens("lost"):
                return answer
            in_doubt()
            self._scheduler.sleep(READ_TIMEOUT_S)  # so long the caller waits for it, and others go on
            error = ReadTimeoutError(endpoint_url=service)
        raise error
