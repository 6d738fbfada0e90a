"""The table of what each function calls at AWS and what its role allows: `python -m tests.permissions_table` writes it.

docs/permissions.md has it, and a test compares.
"""

from collections.abc import Iterable

import tests.conftest  # noqa: F401 — it sets the stage's environment, before anything imports `app`
from tests.aws_calls import PROJECT_DIR, Call
from tests.aws_policies import allowed, calls_of_lambda, refused

PAGE = PROJECT_DIR / "docs" / "permissions.md"
_HEAD = """# What each function calls at AWS, and what its role allows

Made by `python -m tests.permissions_table`, from a tour of each function on an emulator (`tests/aws_tours.py`).
botocore itself reports every call, and AWS's rules say which permissions AWS checks for it (`tests/aws_calls.py` names
the sources). `tests/infra/test_calls.py` holds this page. Besides, every test of the whole run fails when a function
makes a call that its role doesn't allow. What Lambda itself calls with a role, for its trigger, its failure destination
and its logs, is derived from `app.py` and `infra/app.json`.

| | |
|---|---|
| called, but not allowed | {refused} |
| allowed, but not called | {unused} |

`${{…Arn}}` are the outputs of the data stack. A condition on `dynamodb:LeadingKeys` limits a role to rows whose
partition key begins so.
"""


def page(calls: Iterable[Call]) -> str:
    """Return the page for these calls of the functions."""
    every = {*calls, *calls_of_lambda()}
    unused = [one for one in allowed() if not any(map(one.covers, every))]
    text = _HEAD.format(refused=len(refused(every)) or "none", unused=len(unused) or "none")
    for function in sorted({one.function for one in allowed()}):
        text += f"\n## {function}\n| action | on | only if | called by |\n|---|---|---|---|\n"
        text += "".join(sorted(_rows(function, every)))
    return text


def _rows(function: str, calls: set[Call]) -> Iterable[str]:
    by_right: dict[tuple[str, str], list[str]] = {}
    for one in allowed():
        if one.function == function:
            conditions = by_right.setdefault((one.action, one.resource), [])
            conditions += [f"`{one.condition[0]}` `{one.condition[1]}`"] if one.condition else []
    for (action, resource), conditions in by_right.items():
        rights = [one for one in allowed() if one[:3] == (function, action, resource)]
        by = sorted({call.operation for call in calls if any(right.covers(call) for right in rights)})
        yield f"| `{action}` | `{resource}` | {', '.join(conditions)} | {', '.join(by)} |\n"


if __name__ == "__main__":
    from tests.aws_tours import toured

    PAGE.write_text(page(toured().calls))
