"""What the local cloud does to calls on demand, as AWS does on a bad day: off, unless a command switches it on.

A trouble befalls calls that functions make, by service, operation and function. Each call draws by the seed, the
function, the operation and how many of these the function has made: so one seed gives each n-th call the same fate,
though calls of different functions meet in an order that the machine decides.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local_cloud.gate.meter import short_name
from local_cloud.gate.rule import Call, Refused, emulator

KINDS = ("throttled", "delayed", "dropped", "lost", "twice", "killed_before", "killed_after", "refused")
# What each service says when it takes no more. Source: each service's API reference, "Common errors".
_THROTTLES = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "sqs": ("ThrottlingException", 400),
    "sesv2": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
}
_THROTTLE = ("ThrottlingException", 400)
_DOWN = ("ServiceUnavailable", 503)
_DELAYS_S = (0.1, 1.5)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble, and which calls it befalls: an empty text means all.

    `function` is a function's short name (`mailer`). `containing` is a text in the request's body. `chance` is from 0
    to 1, `from_s` and `until_s` are seconds since the faults were switched on; it happens `most` times. `error` is what
    a refusal says.

    throttled, dropped and refused calls are not made; a lost one is made, and its caller hears nothing; one that comes
    twice is made two times, as a message that SQS delivers again; killed_before and killed_after end the processes of
    the function, and its call is not made, or is.
    """

    kind: str
    service: str = ""
    operation: str = ""
    function: str = ""
    containing: str = ""
    chance: float = 1.0
    from_s: float = 0.0
    until_s: float = float("inf")
    most: float = float("inf")
    error: str = "BadRequestException"

    def may_befall(self, function: str, call: Call, body: bytes, at_s: float) -> bool:
        """Whether it is about this call, after so many seconds."""
        wanted = ((self.service, call.service), (self.operation, call.operation), (self.function, function))
        is_meant = all(want in ("", found) for want, found in wanted) and self.from_s <= at_s < self.until_s
        return is_meant and (not self.containing or self.containing.encode() in body)


class Faults:
    """The troubles that are switched on, and how often each has befallen whom."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._troubles: Sequence[Trouble] = ()
        self._seed = 0
        self._since = 0.0
        self._numbers: Counter[tuple[str, str, str]] = Counter()
        self._happened: Counter[str] = Counter()
        self._times: Counter[int] = Counter()  # by the trouble's place

    @property
    def is_on(self) -> bool:
        return bool(self._troubles)

    def switch(self, seed: int, troubles: Sequence[Trouble]) -> None:
        """Let these troubles happen from now on; none switches them off. What has happened is counted on."""
        with self._lock:
            if troubles:
                self._happened.clear()
                self._numbers.clear()
            self._times.clear()
            self._seed, self._since, self._troubles = seed, time.monotonic(), tuple(troubles)

    def happened(self) -> dict[str, int]:
        """Return how often each trouble happened since the faults were switched on, as `kind service function`."""
        with self._lock:
            return dict(self._happened)

    def befalls(self, function: str, call: Call, body: bytes) -> tuple[Trouble, random.Random] | None:
        """Return the trouble that befalls this call, and the chance by which it goes on; None for most calls."""
        with self._lock:
            name = (function, call.service, call.operation)
            self._numbers[name] += 1
            number, at_s = self._numbers[name], time.monotonic() - self._since
            chance = random.Random(f"{self._seed} {' '.join(name)} {number}")
            for place, trouble in enumerate(self._troubles):
                if self._times[place] >= trouble.most or not trouble.may_befall(function, call, body, at_s):
                    continue
                if chance.random() < trouble.chance:
                    self._times[place] += 1
                    self._happened[f"{trouble.kind} {call.service} {function}"] += 1
                    return trouble, chance
        return None


def parsed(found: Any) -> tuple[int, list[Trouble]]:
    """Return the seed and the troubles of a JSON object `{"seed", "troubles"}`. Raises ValueError for another thing."""
    try:
        troubles = [Trouble(**one) for one in found["troubles"]]
        seed = int(found["seed"])
    except (TypeError, KeyError) as error:
        raise ValueError(f"not understood: {error}") from None
    for one in troubles:
        if one.kind not in KINDS:
            raise ValueError(f"no kind of trouble: {one.kind}")
    return seed, troubles


def refusal(trouble: Trouble, call: Call) -> Refused:
    """Return how a call is answered that is throttled, dropped or refused."""
    if trouble.kind == "throttled":
        error, status = _THROTTLES.get(call.service, _THROTTLE)
    elif trouble.kind == "refused":
        error, status = trouble.error, 400
    else:
        error, status = _DOWN
    return Refused(f"fault.{trouble.kind}", error, status, "by the faults of the local cloud")


def delay_s(chance: random.Random) -> float:
    """Return for how long a delayed call waits."""
    return chance.uniform(*_DELAYS_S)


def kill(function: str) -> int:
    """End the processes of a function, as Lambda may at any time; return how many there were."""
    runtime = emulator("core.lambda_runtime")
    killed = 0
    with runtime._lock:
        found = [worker for workers in runtime._workers.values() for worker in workers]
    for worker in found:
        process = worker._proc
        if short_name(worker.func_name) == function and process is not None and process.poll() is None:
            process.kill()
            killed += 1
    return killed
