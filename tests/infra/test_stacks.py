"""Bringing a CloudFormation stack up to date, and saying why it failed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.stacks import StackFailed, deploy, outputs, parameters, rollback_on


class FakeCloudFormation:
    """A stack that exists, with the events of an earlier failure, and whose next update ends as it is told."""

    def __init__(self, ends_in: str, new_events: list[dict[str, Any]], change_set: str = "CREATE_COMPLETE") -> None:
        self.events = [_event("old-1", "Queue", "CREATE_FAILED", "last week's reason")]
        self._new_events = new_events
        self._ends_in = ends_in
        self._status = "UPDATE_COMPLETE"
        self._change_set = change_set
        self.created: dict[str, Any] = {}
        self.rollback: dict[str, Any] = {}
        self.deleted_change_sets = 0
        self.executed_change_sets = 0

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName == "missing":
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "missing does not exist"}}, "Describe")
        parameters = [{"ParameterKey": "Kept", "ParameterValue": "1"}, {"ParameterKey": "Gone", "ParameterValue": "1"}]
        outputs = [{"OutputKey": "Table", "OutputValue": "t"}]
        stack = {"StackId": f"arn:aws:cloudformation:eu-west-3:123456789012:stack/{StackName}/id"}
        return {"Stacks": [{**stack, "StackStatus": self._status, "Parameters": parameters, "Outputs": outputs}]}

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        found = [{"LogicalResourceId": name, "PhysicalResourceId": f"{StackName}-{name}-1"} for name in "ABC"]
        return [{"StackResourceSummaries": found[:2]}, {"StackResourceSummaries": found[2:]}]

    def get_template_summary(self, **_: Any) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": "Kept"}, {"ParameterKey": "Given"}]}

    def create_change_set(self, **arguments: Any) -> None:
        self.created = arguments

    def describe_change_set(self, NextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        answer = {"Status": self._change_set, "StatusReason": "The submitted information didn't contain changes."}
        if NextToken:
            return {**answer, "Changes": [{"ResourceChange": {"LogicalResourceId": "Second"}}]}
        return {**answer, "Changes": [{"ResourceChange": {"LogicalResourceId": "First"}}], "NextToken": "more"}

    def delete_change_set(self, **_: Any) -> None:
        self.deleted_change_sets += 1

    def execute_change_set(self, **_: Any) -> None:
        self.executed_change_sets += 1
        # As CloudFormation: what an update doesn't say is as the last one said.
        self.rollback = self.rollback | self.created.get("RollbackConfiguration", {})
        self._status = self._ends_in
        self.events += self._new_events

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        return {"StackEvents": self.events[::-1]}


def _event(event_id: str, resource: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "EventId": event_id,
        "LogicalResourceId": resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def update(cloudformation: FakeCloudFormation, told: list[str] | None = None) -> dict[str, str]:
    report = told.append if told is not None else lambda _: None
    return deploy(cloudformation, "stack", {"TemplateBody": ""}, {"Given": "2"}, report=report, poll_s=0)


def test_an_update_keeps_what_is_not_given_and_reports_only_its_own_events() -> None:
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", [_event("new-1", "Table", "UPDATE_COMPLETE")])
    told: list[str] = []
    assert update(cloudformation, told) == {"Table": "t"}
    assert told == ["Table update complete"]
    assert cloudformation.created["Parameters"] == [
        {"ParameterKey": "Given", "ParameterValue": "2"},
        {"ParameterKey": "Kept", "UsePreviousValue": True},
    ]
    assert cloudformation.created["ChangeSetType"] == "UPDATE"


def test_a_failure_is_told_by_the_resource_that_failed_now() -> None:
    events = [
        _event("new-1", "Role", "CREATE_FAILED", "Resource creation cancelled"),
        _event("new-2", "Function", "UPDATE_FAILED", "no such role"),
    ]
    with pytest.raises(StackFailed, match=r"UPDATE_ROLLBACK_COMPLETE\. Function: no such role"):
        update(FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE", events))


def test_nothing_happens_when_nothing_changed() -> None:
    cloudformation = FakeCloudFormation("UPDATE_FAILED", [], change_set="FAILED")
    assert update(cloudformation) == {"Table": "t"}
    assert cloudformation.deleted_change_sets == 1


def test_a_change_set_that_is_refused_is_deleted_and_changes_nothing() -> None:
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", [])
    seen: list[str] = []

    def refuse(changes: list[dict[str, Any]]) -> None:
        seen.extend(change["ResourceChange"]["LogicalResourceId"] for change in changes)
        raise StackFailed("not this")

    with pytest.raises(StackFailed, match="not this"):
        deploy(cloudformation, "stack", {"TemplateBody": ""}, {}, poll_s=0, check=refuse)
    assert seen == ["First", "Second"]  # of all pages
    assert (cloudformation.executed_change_sets, cloudformation.deleted_change_sets) == (0, 1)


def test_the_named_alarms_that_the_stack_has_roll_its_update_back() -> None:
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", [])
    rollback = rollback_on(cloudformation, "stack", ("A", "C", "D"), 5)
    arn = "arn:aws:cloudwatch:eu-west-3:123456789012:alarm:stack"
    assert rollback == {
        "RollbackTriggers": [
            {"Arn": f"{arn}-A-1", "Type": "AWS::CloudWatch::Alarm"},
            {"Arn": f"{arn}-C-1", "Type": "AWS::CloudWatch::Alarm"},
        ],
        "MonitoringTimeInMinutes": 5,
    }
    deploy(cloudformation, "stack", {"TemplateBody": ""}, {}, poll_s=0, rollback=rollback)
    assert cloudformation.created["RollbackConfiguration"] == rollback


def test_the_first_release_has_no_alarm_yet_that_could_roll_it_back() -> None:
    assert rollback_on(FakeCloudFormation("CREATE_COMPLETE", []), "missing", ("A",), 5) == {}


@pytest.mark.parametrize("minutes", [(0,), (5,), (5, 0), (0, 5), (5, 0, 0), (5, 3, 0, 180)])
def test_each_update_is_watched_as_it_says_whatever_the_one_before_it_said(minutes: tuple[int, ...]) -> None:
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", [])
    for watched in minutes:
        rollback = rollback_on(cloudformation, "stack", ("A", "C"), watched)
        deploy(cloudformation, "stack", {"TemplateBody": ""}, {}, poll_s=0, rollback=rollback)
        alarms = [trigger["Arn"].rpartition(":")[2] for trigger in cloudformation.rollback["RollbackTriggers"]]
        assert alarms == (["stack-A-1", "stack-C-1"] if watched else [])
        assert cloudformation.rollback["MonitoringTimeInMinutes"] == watched


def test_a_stack_is_read_and_one_that_is_not_there_is_named() -> None:
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", [])
    assert outputs(cloudformation, "stack") == {"Table": "t"}
    assert parameters(cloudformation, "stack") == {"Kept": "1", "Gone": "1"}
    for read in (outputs, parameters):
        with pytest.raises(StackFailed, match="There is no stack missing"):
            read(cloudformation, "missing")
