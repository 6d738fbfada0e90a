"""The deployer's policies against the names that resources have: all of the stage's own, and none of another stage's.

CloudFormation names most resources, by stack, logical id and 12 random characters. Where that is too long, it shortens
the first two, each to half of what is left, unless the other needs less.
"""

import itertools
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra.deployer import PARTS, policy
from infra.stacks import stack_name
from tests.aws_policies import listed
from tests.iam_data import described, fits
from tests.released import Stacks
from tests.resource_schemas import HANDLERS, permissions, tagging
from tests.unneeded_actions import needed

PLACE = {"account": "123456789012", "region": "us-east-2"}
RANDOM = "AbCdEfGhIjKl"
# By type: the property that names a resource, a name's most characters, and the ARN.
NAMED = {
    "AWS::CloudWatch::Alarm": ("AlarmName", 255, "arn:aws:cloudwatch:us-east-2:123456789012:alarm:{}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255, "arn:aws:cloudwatch::123456789012:dashboard/{}"),
    "AWS::DynamoDB::Table": ("TableName", 255, "arn:aws:dynamodb:us-east-2:123456789012:table/{}"),
    "AWS::Events::EventBus": ("Name", 256, "arn:aws:events:us-east-2:123456789012:event-bus/{}"),
    "AWS::Events::Rule": ("Name", 64, "arn:aws:events:us-east-2:123456789012:rule/{}"),
    "AWS::IAM::Role": ("RoleName", 64, "arn:aws:iam::123456789012:role/{}"),
    "AWS::Lambda::Function": ("FunctionName", 64, "arn:aws:lambda:us-east-2:123456789012:function:{}"),
    "AWS::Logs::LogGroup": ("LogGroupName", 512, "arn:aws:logs:us-east-2:123456789012:log-group:{}"),
    "AWS::S3::Bucket": ("BucketName", 63, "arn:aws:s3:::{}"),
    "AWS::SNS::Topic": ("TopicName", 256, "arn:aws:sns:us-east-2:123456789012:{}"),
    "AWS::SQS::Queue": ("QueueName", 80, "arn:aws:sqs:us-east-2:123456789012:{}"),
    "AWS::WAFv2::WebACL": ("Name", 128, "arn:aws:wafv2:us-east-2:123456789012:regional/webacl/{}/1-2-3"),
}
# What the commands do with a resource of a type, besides what CloudFormation does.
BESIDES = {"AWS::IAM::Role": {"iam:PassRole"}}
# What has no name of its own, or one that says nothing of the stage: its id, its secret's or its set's.
WITHOUT = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolGroup",
    "AWS::IAM::RolePolicy",
    "AWS::KMS::Key",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SES::EmailIdentity",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::Secret",
    "AWS::WAFv2::WebACLAssociation",
}
# The statements that are for more than the stage, and why. docs/deployment.md says so too.
WIDE = {
    "AllTriggers": "the function is no condition of tagging, and is unknown to who looks whether a trigger is gone",
    "Api": "an API's id says nothing of the stage",
    "ApiOfWebAcl": "as Api",
    "ApiPolicy": "as Api",
    "ApiTags": "as Api; they also need the API's own right",
    "Capacity": "a scalable target's id says nothing of the stage, or of its table",
    "FindCapacity": "AWS knows nothing smaller",
    "FindLogs": "AWS knows nothing smaller",
    "GatewayAccount": "the region has one",
    "Identity": "a domain's name says nothing of the stage",
    "Limits": "the account's",
    "Mail": "a configuration set's name says nothing of the stage",
    "NewSecretsAndMail": "AWS knows nothing smaller",
    "NewStaff": "a user pool's id is known when it is made",
    "Plans": "a usage plan's id says nothing of the stage",
    "Queries": "AWS knows nothing smaller",
    "ReadTemplates": "a template that isn't a stack's yet",
    "RoleOfCapacity": "AWS's own role, of which the account has one",
    "RulesOfWebAcl": "AWS's own rules; what they are for is narrow",
    "Sam": "AWS's own transform",
    "Secrets": "a secret's name is of its logical id only",
    "Staff": "a user pool's id says nothing of the stage",
    "Subscriptions": "AWS knows nothing smaller",
    "TagsOfCapacity": "as Capacity",
    "WebAclOfApi": "as Api; the web ACL is the stage's",
}


def generated(stack: str, logical_id: str, longest: int) -> str:
    """Return a name as CloudFormation makes it (`IdentifierUtils` in AWS's cloudformation-cli-java-plugin)."""
    room = longest - len(RANDOM) - 2
    of_stack = min(len(stack), max(room - len(logical_id), room - room // 2))
    return f"{stack[:of_stack]}-{logical_id[: room - of_stack]}-{RANDOM}"


def given(value: Any, stage: str, stack: str) -> str:
    """Return a name that a template gives."""
    text: str = value["Fn::Sub"]
    return text.replace("${Stage}", stage).replace("${AWS::StackName}", stack)


def arns(stacks: Stacks, stage: str) -> Iterator[tuple[str, str]]:
    """Yield type and ARN of each resource of the stage that has a name."""
    for part, resources in (("data", stacks.data), ("app", stacks.app)):
        stack = stack_name(stage, part)
        for logical_id, resource in resources.items():
            if resource["Type"] not in NAMED:
                continue
            property_name, longest, arn = NAMED[resource["Type"]]
            properties = resource.get("Properties", {})
            if property_name in properties:
                name = given(properties[property_name], stage, stack)
            else:
                name = generated(stack, logical_id, longest)
            assert len(name) <= longest
            if resource["Type"] == "AWS::S3::Bucket":
                name = name.lower()
            if "EventBusName" in properties:
                assert properties["EventBusName"] == {"Fn::GetAtt": ["EventBus", "Name"]}
                name = f"{stack}/{name}"
            yield resource["Type"], arn.format(name)


def statements(stage: str) -> Iterator[dict[str, Any]]:
    for part in PARTS:
        yield from json.loads(policy(part, stage, **PLACE))["Statement"]


def is_for(statement: dict[str, Any], arn: str) -> bool:
    return any(fnmatchcase(arn, pattern) for pattern in listed(statement["Resource"]))


def test_each_type_of_resource_is_known_as_one_with_a_name_or_without(stacks: Stacks) -> None:
    assert set(stacks.types) == NAMED.keys() | WITHOUT


@pytest.mark.parametrize(
    ("stack", "logical_id", "longest", "name"),
    [
        ("stack", "Id", 64, "stack-Id"),
        ("s" * 25, "I" * 25, 64, f"{'s' * 25}-{'I' * 25}"),
        ("s" * 40, "I" * 40, 64, f"{'s' * 25}-{'I' * 25}"),
        ("s" * 40, "I" * 40, 63, f"{'s' * 25}-{'I' * 24}"),
        ("s" * 40, "I" * 10, 64, f"{'s' * 40}-{'I' * 10}"),
        ("s" * 10, "I" * 60, 64, f"{'s' * 10}-{'I' * 40}"),
    ],
)
def test_a_generated_name_is_shortened_on_both_sides(stack: str, logical_id: str, longest: int, name: str) -> None:
    assert generated(stack, logical_id, longest) == f"{name}-{RANDOM}"


@pytest.mark.parametrize("stage", ["qa", "dev", "prod", "stage", "sixteen0letters0"])
def test_what_is_called_is_allowed_on_each_resource_by_its_name(stage: str, stacks: Stacks) -> None:
    allowed = list(statements(stage))
    refused = []
    for type_name, arn in arns(stacks, stage):
        for action in needed(type_name, permissions(type_name, *HANDLERS) | tagging(type_name)) | BESIDES.get(
            type_name, set()
        ):
            of_kind = [one for one in allowed if action in listed(one["Action"])]
            # What isn't allowed anywhere, as the deletion of a table, is another test's.
            if of_kind and any(fits(arn, entry["resource_arn_format"]) for entry in described(action)):
                refused += [] if any(is_for(one, arn) for one in of_kind) else [(action, arn)]
    assert refused == []


@pytest.mark.parametrize("stage", ["qa", "prod", "sixteen0letters0"])
def test_releases_are_stored_in_the_artifacts_bucket_and_nowhere_else(stage: str, stacks: Stacks) -> None:
    storing = [one for one in statements(stage) if "s3:PutObject" in listed(one["Action"])]
    buckets = [arn for type_name, arn in arns(stacks, stage) if type_name == "AWS::S3::Bucket"]
    found = [arn for arn in buckets if any(is_for(one, f"{arn}/releases/0.zip") for one in storing)]
    assert len(buckets) == 3
    assert found == [arn for arn in buckets if "-artifactsbucket-" in arn]
    others = [f"{arn}/artifactsbucket-/releases/0.zip" for arn in buckets if arn not in found]
    assert not any(is_for(one, key) for one in storing for key in others)


@pytest.mark.parametrize("stage", ["qa", "prod", "sixteen0letters0"])
def test_auto_scaling_may_make_its_alarms_of_the_stage_s_tables_and_nothing_but_tables_is_scaled(
    stage: str, stacks: Stacks
) -> None:
    # Who registers a table needs these too; the names are auto scaling's ("Service-linked roles").
    tables = [arn.rpartition(":")[2] for type_name, arn in arns(stacks, stage) if type_name == "AWS::DynamoDB::Table"]
    assert len(tables) == 10
    names = [f"{table}{index}-AlarmHigh-1a2b" for table in tables for index in ("", "/index/by_account")]
    for action in ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"):
        allowing = [one for one in statements(stage) if action in listed(one["Action"])]
        for name in names:
            place = f"{PLACE['region']}:{PLACE['account']}"
            alarm = f"arn:aws:cloudwatch:{place}:alarm:TargetTracking-{name}"
            assert any(is_for(one, alarm) for one in allowing), (action, name)
            assert not any(is_for(one, alarm.replace(f"-{stage}-", "-other-")) for one in allowing)
    registering = [
        one for one in statements(stage) if "application-autoscaling:RegisterScalableTarget" in listed(one["Action"])
    ]
    namespace = {"application-autoscaling:service-namespace": "dynamodb"}
    assert [one["Condition"] for one in registering] == [{"StringEquals": namespace}]


def limits(statement: dict[str, Any], stage: str) -> list[str]:
    """Return by what a statement is for the stage alone: its resources, or what its conditions ask for."""
    asked = [
        text
        for operator in statement.get("Condition", {}).values()
        for one in operator.values()
        for text in listed(one)
    ]
    named = [one for one in listed(statement["Resource"]) if f"-{stage}" in one]
    return named if len(named) == len(listed(statement["Resource"])) else [one for one in asked if stage in one]


def test_a_statement_is_for_the_stage_alone_or_says_why_it_can_not_be() -> None:
    assert {one["Sid"] for one in statements("prod") if not limits(one, "prod")} == WIDE.keys()


# Stages with longer names share what CloudFormation leaves of them.
@pytest.mark.parametrize(("mine", "other"), list(itertools.permutations(["qa", "dev", "prod", "pr"], 2)))
def test_nothing_that_has_a_name_of_another_stage_can_be_touched(mine: str, other: str, stacks: Stacks) -> None:
    patterns = [(one["Sid"], pattern) for one in statements(mine) for pattern in limits(one, mine)]
    assert [
        (sid, arn) for _, arn in arns(stacks, other) for sid, pattern in patterns if fnmatchcase(arn, pattern)
    ] == []
