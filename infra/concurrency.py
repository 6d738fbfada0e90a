"""How many functions may run at once in the account, what that means for a stage, and what can be reserved of it.

New accounts often have 10 concurrent executions, not 1,000. Lambda keeps 100 of them unreserved ("Configuring reserved
concurrency for a function", AWS Lambda Developer Guide).
"""

import ast
from collections.abc import Mapping
from typing import Any

from infra.package import PROJECT_DIR
from infra.stacks import StackFailed

UNRESERVED_AT_LEAST = 100
# A stream of a table on demand begins with about so many shards, each with a reader of its own.
_SHARDS = 4
_REQUESTS = 10  # at once


def limit_of(functions: Any) -> int:
    """Return how many functions may run at once in the account and region. `functions` is a Lambda client."""
    return int(functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def needed() -> int:
    """Return how many functions a busy stage runs at once: what the triggers in `app.py` allow, a reader of each shard
    of each stream, the jobs, and some requests. `StreamParallelization` multiplies the stream handler's readers."""
    kinds = [ast.unparse(call.func) for call in _triggers().values()]
    streams, jobs = kinds.count("app.on_dynamodb_record"), kinds.count("app.schedule")
    return sum(limits().values()) + streams * _SHARDS + jobs + _REQUESTS


def limits() -> dict[str, int]:
    """Return how many copies of a function its trigger allows at once, by the function's name in `app.py`."""
    return {
        function: int(ast.literal_eval(keyword.value))
        for function, call in _triggers().items()
        for keyword in call.keywords
        if keyword.arg == "maximum_concurrency"
    }


def _triggers() -> dict[str, ast.Call]:
    """Return the decorator of each function in `app.py` that is no route's, by the function's name."""
    return {
        node.name: call
        for node in ast.parse((PROJECT_DIR / "app.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith(("app.on_", "app.schedule"))
    }


def meaning(limit: int) -> str:
    """Return what the account's limit means for a stage, as a line for the operator."""
    said = f"Lambda runs at most {limit:,} functions of this account at once; a busy stage needs {needed()}."
    if limit < needed():
        return (
            f"{said} Ask AWS for more before banks use it (Service Quotas, AWS Lambda, Concurrent executions): until"
            " then, requests are refused with 429 and e-mails wait."
        )
    if limit - UNRESERVED_AT_LEAST <= 0:
        return f"{said} None can be reserved for the API or for alerts."
    return f"{said} Up to {limit - UNRESERVED_AT_LEAST:,} can be reserved: `python -m infra.release --help`."


def check_reserved(reserved: Mapping[str, int], limit: int) -> None:
    """Raise StackFailed if the account has no room for what is to be reserved, by the name of the function, or if that
    is less than the function's trigger uses: Lambda would refuse the rest, and each refused message waits."""
    of_triggers = limits()
    for name, number in reserved.items():
        least = of_triggers.get(name.replace(" ", "_"), 0)
        if 0 < number < least:
            raise StackFailed(
                f"{number} for the {name} are too few: its trigger uses {least} at once. Reserve as many."
            )
    total = sum(reserved.values())
    if total and limit - total < UNRESERVED_AT_LEAST:
        room = max(0, limit - UNRESERVED_AT_LEAST)
        wanted = " and ".join(f"{number} for the {name}" for name, number in reserved.items())
        raise StackFailed(
            f"{wanted} can't be reserved: of this account's {limit:,} concurrent executions, Lambda keeps"
            f" {UNRESERVED_AT_LEAST} unreserved. Ask AWS for more, or reserve {room} at most."
        )
