"""Loops that are meant: functions that put messages back into the queue that triggers them.

Lambda counts how often a message goes from a function through SQS, SNS or S3 to the same function, and drops it after
about 16 rounds ("Use Lambda recursive loop detection to prevent infinite loops", AWS Lambda Developer Guide). The app
template allows the loop for each function that waits in this way. `chalice deploy` can't set that, so `infra.gateway`
does it from the same template.
"""

import json
from typing import Any

from infra.package import PROJECT_DIR
from infra.stacks import PROJECT


def looping_functions() -> list[str]:
    """Return the names, without project and stage, of the functions that the app template allows to loop."""
    resources = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
    prefix = f"{PROJECT}-${{Stage}}-"
    return sorted(
        resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix(prefix)
        for resource in resources.values()
        if resource.get("Properties", {}).get("RecursiveLoop") == "Allow"
    )


def allow_loops(functions: Any, stage: str) -> list[str]:
    """Let the stage's functions loop as the app template says; return their names. `functions` is a Lambda client."""
    names = [f"{PROJECT}-{stage}-{name}" for name in looping_functions()]
    for name in names:
        functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    return names
