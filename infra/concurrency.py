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
# Beside the triggers' limits: one copy of each stream's reader and of each job, and a few requests at once.
_OTHERS = 20


def limit_of(functions: Any) -> int:
    """Return how many functions may run at once in the account and region. `functions` is a Lambda client."""
    return int(functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def needed() -> int:
    """Return how many functions a busy stage runs at once: what the triggers in `app.py` allow, and the API's."""
    calls = [node for node in ast.walk(ast.parse((PROJECT_DIR / "app.py").read_text())) if isinstance(node, ast.Call)]
    limits = [
        keyword.value.value
        for call in calls
        for keyword in call.keywords
        if keyword.arg == "maximum_concurrency" and isinstance(keyword.value, ast.Constant)
    ]
    return sum(int(str(limit)) for limit in limits) + _OTHERS


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
    """Raise StackFailed if the account has no room for what is to be reserved, by the name of the function."""
    total = sum(reserved.values())
    if total and limit - total < UNRESERVED_AT_LEAST:
        room = max(0, limit - UNRESERVED_AT_LEAST)
        wanted = " and ".join(f"{number} for the {name}" for name, number in reserved.items())
        raise StackFailed(
            f"{wanted} can't be reserved: of this account's {limit:,} concurrent executions, Lambda keeps"
            f" {UNRESERVED_AT_LEAST} unreserved. Ask AWS for more, or reserve {room} at most."
        )
