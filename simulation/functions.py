"""A function's copies: each has services that outlive an invocation, and a clock that is a little wrong."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(slots=True)
class Copy:
    """One copy of a function: its services, which outlive an invocation."""

    function: str
    skew: timedelta
    services: Any
    deadline: datetime
    is_busy: bool = False


@dataclass(slots=True)
class Context:
    copy: Copy
    now: Callable[[], datetime]
    aws_request_id: str = "request"
    function_name: str = ""
    function_version: str = "1"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = ""

    def get_remaining_time_in_millis(self) -> int:
        return int((self.copy.deadline - self.now()).total_seconds() * 1000)


@dataclass(slots=True)
class Counts:
    """What happened to the functions of a run."""

    invocations: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    killed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    copies: dict[str, int] = field(default_factory=lambda: defaultdict(int))
