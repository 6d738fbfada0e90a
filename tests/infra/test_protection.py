"""Protection of the data stack: which changes are refused, and what CloudFormation itself is told to refuse."""

import json
from typing import Any

import pytest
from cfnlint.decode import decode

from infra.protection import HOLDS_DATA, allow_replacements, protect, refuse_losses
from infra.stacks import StackFailed
from tests.samples import PROJECT_DIR

TABLE, QUEUE, ALARM = "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm"


def change(name: str, type_: str, action: str = "Modify", replacement: str | None = None, *causes: str) -> Any:
    """Return a change as `DescribeChangeSet` gives it."""
    details = [
        {"Target": {"Attribute": "Properties", "Name": cause, "RequiresRecreation": "Always"}} for cause in causes
    ]
    harmless = {"Target": {"Attribute": "Properties", "Name": "Harmless", "RequiresRecreation": "Never"}}
    found = {"LogicalResourceId": name, "ResourceType": type_, "Action": action, "Details": [*details, harmless]}
    return {"Type": "Resource", "ResourceChange": found | ({"Replacement": replacement} if replacement else {})}


@pytest.mark.parametrize(
    "harmless",
    [
        change("T", TABLE, "Add"),
        change("T", TABLE, "Modify", "False"),
        change("A", ALARM, "Modify", "True", "AlarmName"),
        change("A", ALARM, "Remove"),
        {"Type": "Hook"},
    ],
)
def test_a_change_that_loses_no_data_is_allowed(harmless: Any) -> None:
    refuse_losses([harmless])


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (
            change("T", TABLE, "Modify", "True", "KeySchema", "TableName"),
            "T would be replaced by an empty one, because KeySchema, TableName changes. Nothing was changed.",
        ),
        (change("T", TABLE, "Modify", "Conditional", "KeySchema"), "T could be replaced by an empty one, because"),
        (change("Q", QUEUE, "Modify", "True"), "Q would be replaced by an empty one, because a property changes."),
        (change("Q", QUEUE, "Remove"), "Q would be removed. Nothing was changed."),
    ],
)
def test_a_change_that_loses_data_is_refused_with_the_reason_and_what_to_do(loss: Any, says: str) -> None:
    with pytest.raises(StackFailed) as refused:
        refuse_losses([change("A", ALARM, "Add"), loss])
    assert says in str(refused.value)
    assert "--allow-replacement" in str(refused.value)


def test_every_loss_is_named() -> None:
    with pytest.raises(StackFailed, match=r"^T would be removed; Q would be removed\."):
        refuse_losses([change("T", TABLE, "Remove"), change("Q", QUEUE, "Remove")])


def test_a_resource_that_may_be_replaced_is_named_and_no_other_may() -> None:
    losses = [change("T", TABLE, "Modify", "True", "KeySchema"), change("Q", QUEUE, "Remove")]
    refuse_losses(losses, ["T", "Q"])
    with pytest.raises(StackFailed, match=r"^Q would be removed\."):
        refuse_losses(losses, ["T"])


def test_what_is_protected_also_stays_when_the_stack_is_deleted() -> None:
    resources, _ = decode(str(PROJECT_DIR / "infra" / "data.yaml"))
    protected = {name: one for name, one in resources["Resources"].items() if one["Type"] in HOLDS_DATA}
    assert len(protected) > 20
    for name, resource in protected.items():
        is_kept = resource.get("DeletionPolicy") == "Retain" and resource.get("UpdateReplacePolicy") == "Retain"
        # Topics without banks' subscribers may go with their stack.
        assert is_kept or name in ("AlarmsTopic", "MailFeedbackTopic"), name


class FakeProtection:
    def __init__(self) -> None:
        self.is_protected_from_deletion = False
        self.policy: dict[str, Any] = {}

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> None:  # noqa: N803
        self.is_protected_from_deletion = EnableTerminationProtection

    def set_stack_policy(self, StackName: str, StackPolicyBody: str) -> None:  # noqa: N803
        self.policy = json.loads(StackPolicyBody)

    def allows(self, action: str, type_: str) -> bool:
        """Decide as CloudFormation does: what nothing allows is denied, and a denial wins."""
        effects = {
            statement["Effect"]
            for statement in self.policy["Statement"]
            if {action, "Update:*"} & set(_listed(statement["Action"]))
            and type_ in statement.get("Condition", {}).get("StringEquals", {}).get("ResourceType", [type_])
        }
        return effects == {"Allow"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_a_protected_stack_is_not_deleted_and_loses_no_table_by_other_means_either() -> None:
    cloudformation = FakeProtection()
    protect(cloudformation, "stack")
    assert cloudformation.is_protected_from_deletion
    assert cloudformation.allows("Update:Modify", TABLE)
    assert not cloudformation.allows("Update:Replace", TABLE)
    assert not cloudformation.allows("Update:Delete", QUEUE)
    assert cloudformation.allows("Update:Replace", ALARM)

    allow_replacements(cloudformation, "stack")
    assert cloudformation.allows("Update:Replace", TABLE)
