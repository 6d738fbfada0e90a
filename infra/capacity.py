"""The capacity of a steady stage's tables: which numbers it may be, and how tables with auto scaling are changed.

CloudFormation's documentation has said for years that an update of a table which auto scaling changes "will always
result in an update failure and then an update rollback failure", and advised to take the scaling away before
("AWS::DynamoDB::Table", AWS CloudFormation User Guide, 2018). It says so no more, and doesn't say that it was mended.
So such an update is made in two: the first takes the scaling away, and changes nothing else.
"""

from collections.abc import Callable, Mapping
from typing import Any

from infra.stacks import StackFailed, deploy, exists, parameters

STEADY = "SteadyTransactions"
SCALING = "TableScaling"
_TABLE = "AWS::DynamoDB::Table"


class _TablesAreScaled(StackFailed):
    """A table would be changed while auto scaling may change it."""


def is_steady(current: Mapping[str, str]) -> bool:
    """Whether the tables of a data stack with these parameters have capacity; those of an earlier release have none."""
    return current.get(STEADY, "0") != "0"


def refuse_capacity(stage: str, is_new: bool, wanted: Mapping[str, str]) -> None:
    """Raise StackFailed if the stage can't have the wanted capacity.

    What a template's number is equal to, CloudFormation compares as text: 00 isn't 0. A local cloud has no auto
    scaling. And a creation that fails leaves its tables, whose capacity would be billed without an end.
    """
    number = wanted.get(STEADY, "0")
    if not number.isdecimal() or number != str(int(number)):
        raise StackFailed(f"{STEADY}={number} can't be used: give a whole number, like {STEADY}=2000, or 0.")
    if number != "0" and stage == "local":
        raise StackFailed(f"the local cloud has no auto scaling: leave {STEADY} out.")
    if number != "0" and is_new:
        raise StackFailed(f"stage {stage} is new: make it without {STEADY}, and run this again with it.")


def deploy_tables(
    cloudformation: Any,
    name: str,
    template: Mapping[str, str],
    given: Mapping[str, str],
    report: Callable[[str], None],
    poll_s: float,
    check: Callable[[list[dict[str, Any]]], None],
) -> dict[str, str]:
    """Create or update the data stack as `stacks.deploy` does, in two updates if tables change that are scaled.

    `check` is called with the changes that are wanted, before any is made.
    """
    given = {**given, SCALING: "true"}
    current = parameters(cloudformation, name) if exists(cloudformation, name) else {}
    is_scaled = is_steady(current) and current[SCALING] == "true"

    def first(changes: list[dict[str, Any]]) -> None:
        check(changes)
        if is_scaled and any(one.get("ResourceChange", {}).get("ResourceType") == _TABLE for one in changes):
            raise _TablesAreScaled

    try:
        return deploy(cloudformation, name, template, given, report, poll_s, first)
    except _TablesAreScaled:
        report("The tables' auto scaling is taken away first, so that they can be changed.")
        present = {"TemplateBody": cloudformation.get_template(StackName=name)["TemplateBody"]}
        deploy(cloudformation, name, present, {SCALING: "false"}, report, poll_s)
        return deploy(cloudformation, name, template, given, report, poll_s, check)
