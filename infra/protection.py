"""Protection of a stack whose resources hold data: no update replaces or removes one of them unasked.

CloudFormation replaces a resource when a property changes that can't change in place: the new table is empty, and the
old one is left behind. So each change set is read before it is executed. A stack policy refuses the same for whoever
updates the stack by other means, and termination protection keeps the stack from being deleted.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from infra.stacks import StackFailed

# A topic holds who has confirmed a subscription, an identity the keys that a bank's DNS names.
HOLDS_DATA = (
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SES::EmailIdentity",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)

# With a stack policy, only what it allows may be updated; a denial wins over what is allowed.
_ALLOW_ALL: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
_KEEP_DATA: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["Update:Replace", "Update:Delete"],
    "Resource": "*",
    "Condition": {"StringEquals": {"ResourceType": list(HOLDS_DATA)}},
}


def refuse_losses(changes: Iterable[Mapping[str, Any]], replaceable: Collection[str] = ()) -> None:
    """Raise StackFailed if the change set's changes lose a resource that holds data, except the `replaceable` ones.

    `changes` are as `DescribeChangeSet` gives them. Where CloudFormation can't say before whether it replaces a
    resource (`Conditional`), as for the key of a table, the change counts as a loss.
    """
    losses = []
    for change in (change["ResourceChange"] for change in changes if "ResourceChange" in change):
        name = change["LogicalResourceId"]
        if change["ResourceType"] not in HOLDS_DATA or name in replaceable:
            continue
        if change["Action"] == "Remove":
            losses.append(f"{name} would be removed")
        elif change.get("Replacement") in ("True", "Conditional"):
            may = "would" if change["Replacement"] == "True" else "could"
            losses.append(f"{name} {may} be replaced by an empty one, because {_causes(change)} changes")
    if losses:
        raise StackFailed(
            f"{'; '.join(losses)}. Nothing was changed. Keep the resource as it is and add another one beside it; or,"
            " if its data may be left behind, run this again with `--allow-replacement` and its name."
        )


def protect(cloudformation: Any, name: str) -> None:
    """Keep the stack from being deleted, and its resources that hold data from being replaced or deleted."""
    cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    cloudformation.set_stack_policy(StackName=name, StackPolicyBody=json.dumps({"Statement": [_ALLOW_ALL, _KEEP_DATA]}))


def allow_replacements(cloudformation: Any, name: str) -> None:
    """Let the next update replace resources that hold data; `protect` ends that."""
    cloudformation.set_stack_policy(StackName=name, StackPolicyBody=json.dumps({"Statement": [_ALLOW_ALL]}))


def _causes(change: Mapping[str, Any]) -> str:
    targets = [detail.get("Target", {}) for detail in change.get("Details", ())]
    names = {target["Name"] for target in targets if target.get("RequiresRecreation") != "Never" and "Name" in target}
    return ", ".join(sorted(names)) or "a property"
