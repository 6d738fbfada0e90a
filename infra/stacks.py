"""CloudFormation stacks: create or update one, read its outputs, and say in one line why it failed."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra.failures import CommandFailed

PROJECT = "transaction-notifier"
DEFAULT_REGION = "us-east-2"
POLL_S = 2.0


class StackFailed(CommandFailed):
    """A stack can't be created, updated or read. The message says which resource is the cause, and why."""


def stack_name(stage: str, part: str) -> str:
    """Return the name of a stage's stack; `part` is "data" or "app"."""
    return f"{PROJECT}-{stage}-{part}"


def deploy(
    cloudformation: Any,
    name: str,
    template: Mapping[str, str],
    parameters: Mapping[str, str],
    report: Callable[[str], None] = lambda _: None,
    poll_s: float = POLL_S,
    check: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    rollback: Mapping[str, Any] | None = None,
    imports: Sequence[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """Create or update a stack through a change set and return its outputs.

    `template` is a TemplateBody or TemplateURL argument. A parameter that isn't given keeps its value or takes its
    default. `report` is called with a line for each resource that is done. Nothing happens when nothing changed.
    `check` is called with the changes before they are made; nothing is changed when it raises. `rollback` says which
    alarms roll an update back, as `rollback_on` makes it. `imports` are existing resources that the template adds, and
    which the stack is to take over; nothing else may change then. Raises StackFailed.
    """
    existing = _describe(cloudformation, name)
    given: list[dict[str, Any]] = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    if existing is not None:
        if existing["StackStatus"] in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"):
            raise StackFailed(
                f"{name} is in {existing['StackStatus']} because its creation failed: delete it, then run this again."
            )
        wanted = {
            parameter["ParameterKey"]
            for parameter in cloudformation.get_template_summary(**template).get("Parameters", ())
        }
        kept = {parameter["ParameterKey"] for parameter in existing.get("Parameters", ())} & wanted - set(parameters)
        given += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]
    change_set = f"change-{time.time_ns()}"
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType=("IMPORT" if imports else "UPDATE") if existing else "CREATE",
        Parameters=given,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": "project", "Value": PROJECT}],
        **({"RollbackConfiguration": rollback} if rollback else {}),
        **({"ResourcesToImport": imports} if imports else {}),
        **template,
    )
    try:
        changes = _changes(cloudformation, name, change_set, poll_s)
        check(changes or [])
    except StackFailed:
        cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
        raise
    if changes is None:
        cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
        return outputs(cloudformation, name)
    before = {event["EventId"] for event in _events(cloudformation, name)}
    cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
    _wait(cloudformation, name, before, report, poll_s)
    return outputs(cloudformation, name)


def _changes(cloudformation: Any, name: str, change_set: str, poll_s: float) -> list[dict[str, Any]] | None:
    """Return the changes of resources in the change set, once it is made; None if nothing at all has changed.

    A change of outputs alone changes no resource. Raises StackFailed.
    """
    changes: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    while True:
        described = cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set, **page)
        match described["Status"]:
            case "CREATE_COMPLETE":
                changes += described.get("Changes", ())
                if "NextToken" not in described:
                    return changes
                page = {"NextToken": described["NextToken"]}
            case "FAILED":
                reason = described.get("StatusReason", "")
                if "didn't contain changes" in reason or "No updates" in reason:
                    return None
                raise StackFailed(f"{name}: {reason}")
            case _:
                time.sleep(poll_s / 10)


def rollback_on(cloudformation: Any, name: str, alarms: Collection[str], minutes: int) -> dict[str, Any]:
    """Return what makes CloudFormation roll an update back when an alarm goes off in it, or `minutes` after it.

    `alarms` are at most five logical names of the stack's alarms; those that the stack doesn't have yet are left out.
    With 0 minutes no alarm does.
    """
    stack = _describe(cloudformation, name)
    if stack is None:
        return {}
    if not minutes:
        # Said, not left out: CloudFormation keeps the triggers of the last update until it is given others
        # ("RollbackConfiguration", AWS CloudFormation API Reference).
        return {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}
    _, partition, _, region, account, _ = stack["StackId"].split(":", 5)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    names = [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["LogicalResourceId"] in alarms
    ]
    triggers = [
        {"Arn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{alarm}", "Type": "AWS::CloudWatch::Alarm"}
        for alarm in sorted(names)
    ]
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": minutes}


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """Return a stack's outputs by key; raises StackFailed when there is no such stack."""
    stack = _existing(cloudformation, name)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def parameters(cloudformation: Any, name: str) -> dict[str, str]:
    """Return a stack's parameters by key; raises StackFailed when there is no such stack."""
    stack = _existing(cloudformation, name)
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", ())}


def exists(cloudformation: Any, name: str) -> bool:
    """Return whether there is a stack of this name, in any state but deleted."""
    return _describe(cloudformation, name) is not None


def _existing(cloudformation: Any, name: str) -> dict[str, Any]:
    stack = _describe(cloudformation, name)
    if stack is None:
        raise StackFailed(f"There is no stack {name}.")
    return stack


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _wait(cloudformation: Any, name: str, before: set[str], report: Callable[[str], None], poll_s: float) -> None:
    seen: set[str] = set()
    while True:
        stack = _describe(cloudformation, name)
        events = [event for event in _events(cloudformation, name) if event["EventId"] not in before]
        for event in events:
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                if event["ResourceStatus"].endswith("_COMPLETE"):
                    report(f"{event['LogicalResourceId']} {event['ResourceStatus'].lower().replace('_', ' ')}")
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        if not status.endswith("_IN_PROGRESS"):
            if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
                return
            failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
            why = next(
                (
                    f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
                    for event in failed
                    if "cancelled" not in event.get("ResourceStatusReason", "")
                ),
                "see its events",
            )
            raise StackFailed(f"{name} ended in {status}. {why}")
        time.sleep(poll_s)


def _events(cloudformation: Any, name: str) -> list[dict[str, Any]]:
    """Return the stack's newest page of events, oldest first."""
    events: list[dict[str, Any]] = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return events[::-1]
