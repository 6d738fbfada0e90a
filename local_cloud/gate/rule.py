"""A rule of the gate: what AWS refuses, where AWS says so, and the check that finds it in a call."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The modules that hold the rules. Importing them fills RULES.
_MODULES = ("constraints", "mail", "queues", "topics", "functions", "tables", "names", "gateway", "loops")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an AWS API: botocore's names of the service and the operation, and the parameters that were sent.

    `caller` is the access key id. `size` is the size of the body in bytes.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    caller: str = ""
    region: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """What AWS refuses. `check` returns the message of the refusal, or None for a call that passes.

    `operations` are the operations that are checked, as `service:Operation`. `error` and `status` are AWS's answer.
    """

    code: str
    refuses: str
    operations: tuple[str, ...]
    error: str
    status: int
    source: str
    check: Callable[[Call], str | None]


class Refused(Exception):
    """A call is refused, by the rule with this code, with AWS's error code, HTTP status and message."""

    def __init__(self, code: str, error: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.error, self.status, self.message = code, error, status, message


RULES: dict[str, Rule] = {}
_by_operation: dict[str, list[Rule]] = {}


def rule(
    code: str, *operations: str, error: str, source: str, status: int = 400
) -> Callable[[Callable[[Call], str | None]], Callable[[Call], str | None]]:
    """Add the decorated check to the rules. The first line of its docstring says what is refused."""

    def add(check: Callable[[Call], str | None]) -> Callable[[Call], str | None]:
        added = Rule(code, (check.__doc__ or "").strip().splitlines()[0], operations, error, status, source, check)
        RULES[code] = added
        for operation in operations:
            _by_operation.setdefault(operation, []).append(added)
        return check

    return add


def load() -> None:
    """Import the modules that hold the rules."""
    for module in _MODULES:
        importlib.import_module(f"local_cloud.gate.{module}")


def check(call: Call) -> None:
    """Raise Refused when a rule refuses this call."""
    for candidate in _by_operation.get(f"{call.service}:{call.operation}", ()):
        if (message := candidate.check(call)) is not None:
            raise refusal(candidate.code, message)


def refusal(code: str, message: str) -> Refused:
    """Return the refusal by this rule."""
    found = RULES[code]
    return Refused(code, found.error, found.status, message)


def size_of(text: Any) -> int:
    """Return the size of a text in bytes, as UTF-8; 0 of anything else."""
    return len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0


def entries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, and nothing of what is no list."""
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            yield entry


def emulator(module: str) -> Any:
    """Return a module of the emulator. It has no types."""
    return importlib.import_module(f"ministack.{module}")
