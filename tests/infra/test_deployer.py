"""The deployer's policies: what CloudFormation and the commands call, no more, no less, and nothing that loses data.

What CloudFormation calls is in AWS's own schemas of resource types (their handlers' permissions), as `cfn-lint` carries
them. What the commands call is read from their code.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from policy_sentry.querying.arns import get_raw_arns_for_service

from chalicelib.analytics.repository import CHECKPOINT
from infra.deployer import MAX_CHARACTERS, PARTS, main, policy
from tests.aws_policies import listed
from tests.command_calls import reached
from tests.iam_data import described, fits
from tests.released import Stacks
from tests.resource_schemas import permissions, schema_of, tagging
from tests.unneeded_actions import NEVER, NO_ACTIONS, OF_OTHER_KINDS, UNUSED, exceptions, needed, places, uses

# What the commands call: the operation, and the actions that it needs.
BY_COMMANDS = {
    "create_change_set": {"cloudformation:CreateChangeSet"},
    "delete_change_set": {"cloudformation:DeleteChangeSet"},
    "describe_change_set": {"cloudformation:DescribeChangeSet"},
    "describe_stack_events": {"cloudformation:DescribeStackEvents"},
    "describe_stacks": {"cloudformation:DescribeStacks"},
    "execute_change_set": {"cloudformation:ExecuteChangeSet"},
    "get_template": {"cloudformation:GetTemplate"},
    "get_template_summary": {"cloudformation:GetTemplateSummary"},
    "list_stack_resources": {"cloudformation:ListStackResources"},
    "set_stack_policy": {"cloudformation:SetStackPolicy"},
    "update_termination_protection": {"cloudformation:UpdateTerminationProtection"},
    "get_account_settings": {"lambda:GetAccountSettings"},
    "put_function_recursion_config": {"lambda:PutFunctionRecursionConfig"},
    "get_email_identity": {"ses:GetEmailIdentity"},
    "put_object": {"s3:PutObject"},
    "get_object": {"s3:GetObject"},  # CloudFormation, with the deployer's own rights, from the artifacts bucket
    "list_objects_v2": {"s3:ListBucket"},
    "get_rest_apis": {"apigateway:GET"},
    "get_stages": {"apigateway:GET"},
    "get_usage_plans": {"apigateway:GET"},
    "create_deployment": {"apigateway:POST"},
    "put_gateway_response": {"apigateway:PUT"},
    "update_stage": {"apigateway:PATCH"},
    "update_usage_plan": {"apigateway:PATCH"},
    "update_item": {"dynamodb:UpdateItem"},  # of one row: the analytics job's checkpoint
    "describe_user_pool_client": {"cognito-idp:DescribeUserPoolClient"},
    "update_user_pool_client": {"cognito-idp:UpdateUserPoolClient"},
    # Of `operations.banks` only, which isn't the deployer's: `infra.gateway` has it, because it knows the plans.
    "create_usage_plan": set(),
    "create_usage_plan_key": set(),
    "delete_usage_plan_key": set(),
    "get_usage_plan_keys": set(),
}
FILLED = {"stage": "prod", "account": "123456789012", "region": "us-east-2"}


def statements(*parts: str) -> Iterator[dict[str, Any]]:
    for part in parts or PARTS:
        yield from json.loads(policy(part, **FILLED))["Statement"]


def actions(*parts: str) -> set[str]:
    return {action for statement in statements(*parts) for action in listed(statement["Action"])}


def called_by_cloudformation(stacks: Stacks) -> set[str]:
    found: set[str] = set()
    for type_name in stacks.types:
        handlers = ("create", "read", "update", "delete")
        if all(one.get("DeletionPolicy") == "Retain" for one in stacks.of(type_name)):
            handlers = handlers[:-1]
        found |= needed(type_name, permissions(type_name, *handlers) | tagging(type_name))
    return found


def test_the_operations_of_the_commands_are_known() -> None:
    assert reached() == BY_COMMANDS.keys()


def test_whatever_is_called_is_allowed_and_nothing_else(stacks: Stacks) -> None:
    called = called_by_cloudformation(stacks).union(*BY_COMMANDS.values())
    assert called - actions() == set()
    assert actions() - called == set()


# What is left out


def test_no_template_has_a_property_for_which_an_action_is_left_out(stacks: Stacks) -> None:
    named = [(type_name, one) for type_name, properties in UNUSED.items() for one in properties]
    assert [one for one in named if uses(stacks.resources, *one)] == []


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"VersioningConfiguration": {"Status": "Enabled"}}, "VersioningConfiguration"),
        ({"ObjectLock": {"Fn::If": ["Locks", {"Days": 1}, {"Ref": "AWS::NoValue"}]}}, "ObjectLock"),
        ({"ObjectLock": {"Fn::If": ["Locks", {"Days": 1}, {"Ref": "AWS::NoValue"}]}}, "ObjectLock/Days"),
        ({"Indexes": [{"Name": "a"}, {"Key": "b"}]}, "Indexes/Key"),
        ({"Secret": True}, "Secret=true"),
        ({"Secret": {"Ref": "Parameter"}}, "Secret=true"),
        ({"Second": 1}, "First or Second"),
        ({"First": 1}, "AWS::S3::Bucket/First"),
        ({}, "/UpdatePolicy"),
    ],
)
def test_a_property_is_found_wherever_a_template_has_it(value: dict[str, Any], path: str) -> None:
    resource = {"Type": "AWS::S3::Bucket", "Properties": value, "UpdatePolicy": {}}
    assert uses([resource], "AWS::SNS::Topic" if path.startswith("AWS::") else "AWS::S3::Bucket", path)
    assert not uses([{**resource, "Type": "AWS::SQS::Queue"}], "AWS::S3::Bucket", path)
    other = {"Type": "AWS::S3::Bucket", "Properties": {"Secret": False, "Indexes": [{"Name": "a"}]}}
    assert not uses([other], "AWS::S3::Bucket", path)


def test_each_property_for_which_an_action_is_left_out_is_one_of_aws_s_schema() -> None:
    for type_name, properties in UNUSED.items():
        for of_type, path in (place for named in properties for place in places(type_name, named)):
            known = schema_of(of_type)
            first, _, nested = path.partition("=")[0].partition("/")
            assert first in ("", *known["properties"]), (type_name, path)
            assert not first or not nested or f'"{nested}"' in json.dumps(known["definitions"]), (type_name, path)


def test_what_is_left_out_for_other_kinds_of_resources_is_not_for_those_that_the_templates_name(stacks: Stacks) -> None:
    for type_name, (named, kind, _) in OF_OTHER_KINDS.items():
        assert stacks.of(type_name)
        assert all(kind in json.dumps(one["Properties"][named]) for one in stacks.of(type_name))


def test_each_exception_is_of_something_that_a_handler_may_call(stacks: Stacks) -> None:
    for type_name in UNUSED.keys() | OF_OTHER_KINDS.keys() | NEVER.keys():
        assert type_name in stacks.types
        every = permissions(type_name, "create", "read", "update", "delete") | tagging(type_name)
        for pattern in exceptions(type_name):
            assert any(re.fullmatch(pattern, action) for action in every), (type_name, pattern)


@pytest.mark.parametrize("action", sorted(NO_ACTIONS))
def test_what_is_no_action_of_iam_s_is_in_aws_s_schemas_only(action: str, stacks: Stacks) -> None:
    assert described(action) == []
    handlers = ("create", "read", "update", "delete")
    assert any(action in permissions(name, *handlers) | tagging(name) for name in stacks.types)


# Tags


# Where a service's actions begin with another name than its resource types.
PREFIXES = {"applicationautoscaling": "application-autoscaling", "cognito": "cognito-idp"}


def where(action: str) -> set[str]:
    """Return the resources on which the policies allow an action."""
    return {one for found in statements() if action in listed(found["Action"]) for one in listed(found["Resource"])}


# Where tags are resources of their own: `PUT /tags/{resource_arn}` ("TagResource", Amazon API Gateway API Reference).
TAGS_APART = {"apigateway": "arn:aws:apigateway:us-east-2::/tags/*"}


def test_what_can_be_made_can_be_tagged(stacks: Stacks) -> None:
    for type_name in stacks.types:
        tags = needed(type_name, tagging(type_name))
        if not tags:
            continue
        service = type_name.split("::")[1].lower()
        makes = re.compile(rf"{PREFIXES.get(service, service)}:(Create|Put|POST|Register)(?!RolePolicy)\w*")
        creating = permissions(type_name, "create") - tags
        made = {one for action in creating if makes.fullmatch(action) for one in where(action)}
        assert made, type_name
        # What is made anywhere, with a condition, is tagged by its own ARN.
        places_of_tags = {TAGS_APART[service]} if service in TAGS_APART else made
        assert "*" in made or any(all(one in where(action) for action in tags) for one in places_of_tags), type_name


@pytest.mark.parametrize("statement", list(statements()), ids=lambda one: one["Sid"])
def test_each_action_exists_for_such_a_resource_and_condition(statement: dict[str, Any]) -> None:
    for action in listed(statement["Action"]):
        entries = described(action)
        assert entries, action
        formats = [entry["resource_arn_format"] for entry in entries]
        if action.startswith("apigateway:"):
            # The data has the resources of the older API and of the newer one, but the older one's actions only there.
            formats = get_raw_arns_for_service("apigateway")
        for resource in listed(statement["Resource"]):
            if resource == "*":
                # Nothing smaller is known before, or AWS knows nothing smaller.
                assert set(formats) == {"*"} or action in ANYWHERE, (action, formats)
        given = listed(statement["Resource"])
        if statement["Sid"] in TAGGED_SINCE and re.search("Tag|Untag", action):
            continue
        assert given == [SAM] or any(fits(one, found) for one in given for found in formats), (action, formats)
        keys = {re.sub(r"^(aws:\w+Tag)/.+", r"\1/${TagKey}", key) for key in conditions(statement)}
        assert keys - EVERYWHERE <= {key for entry in entries for key in entry["condition_keys"]}, action


# What SAM's templates need besides the stack ("Template transforms", AWS CloudFormation User Guide).
SAM = "arn:aws:cloudformation:us-east-2:aws:transform/Serverless-2016-10-31"
# Of these the schema of the resource type says that they have tags, the IAM data not yet.
TAGGED_SINCE = {"Dashboard"}
ANYWHERE = {"cloudformation:GetTemplateSummary"}  # of a template that isn't a stack's yet
# Condition keys of every action ("AWS global condition context keys", IAM User Guide).
EVERYWHERE = {"aws:CalledVia"}


def conditions(statement: dict[str, Any]) -> dict[str, Any]:
    """Return the condition keys of a statement, and what each is compared with."""
    return {key: value for operator in statement.get("Condition", {}).values() for key, value in operator.items()}


def test_a_role_is_passed_to_lambda_and_api_gateway_only() -> None:
    passing = [one for one in statements() if "iam:PassRole" in listed(one["Action"])]
    assert len(passing) == 2
    for statement in passing:
        assert statement["Action"] == ["iam:PassRole"]
        assert ":role/transaction-notifier-" in statement["Resource"]
    services = {one["Condition"]["StringEquals"]["iam:PassedToService"] for one in passing}
    assert services == {"lambda.amazonaws.com", "apigateway.amazonaws.com"}


def test_the_only_role_of_a_service_that_can_be_made_is_the_one_of_tables_auto_scaling() -> None:
    (statement,) = [one for one in statements() if "iam:CreateServiceLinkedRole" in listed(one["Action"])]
    service = "dynamodb.application-autoscaling.amazonaws.com"
    assert statement["Resource"] == f"arn:aws:iam::123456789012:role/aws-service-role/{service}/*"
    assert conditions(statement) == {"iam:AWSServiceName": service}


def test_what_holds_data_can_not_be_deleted_and_what_is_in_it_not_read() -> None:
    forbidden = re.compile(
        r"dynamodb:(DeleteTable|(?!UpdateItem)\w*Item|Query|Scan)|s3:Delete(Bucket|Object)"
        r"|sqs:(DeleteQueue|ReceiveMessage)|cognito-idp:(DeleteUserPool|Admin\w+|ListUsers\w*)"
        r"|secretsmanager:(DeleteSecret|GetSecretValue)|ses:(DeleteEmailIdentity|Send\w+)|cloudformation:DeleteStack"
        r"|kms:(ScheduleKeyDeletion|DisableKey|CreateGrant|\w*Decrypt\w*|\w*Encrypt\w*|GenerateDataKey\w*)"
    )
    assert [action for action in actions() if forbidden.fullmatch(action)] == []


def test_the_only_row_that_can_be_written_is_that_of_the_number_of_shards() -> None:
    (statement,) = [one for one in statements() if "dynamodb:UpdateItem" in listed(one["Action"])]
    table = "arn:aws:dynamodb:us-east-2:123456789012:table/transaction-notifier-prod-data-AnalyticsTable-*"
    assert (statement["Action"], statement["Resource"]) == (["dynamodb:UpdateItem"], table)
    assert conditions(statement) == {"dynamodb:LeadingKeys": [CHECKPOINT["owner"]]}


def test_only_keys_of_the_stage_can_be_changed(stacks: Stacks) -> None:
    tag = {"Key": "transaction-notifier-stage", "Value": {"Ref": "Stage"}}
    assert [one["Properties"]["Tags"] for one in stacks.of("AWS::KMS::Key")] == [[tag]]
    of_keys = [one for one in statements() if any(action.startswith("kms:") for action in listed(one["Action"]))]
    assert len(of_keys) == 3
    for statement in of_keys:
        (key,) = [one for one in conditions(statement) if re.fullmatch(r"aws:\w+Tag/.+", one)]
        assert key.endswith(f"/{tag['Key']}")
        assert conditions(statement)[key] == "prod"
        # AWS takes up to five minutes to go by a new key's tags ("Use tags to control access to KMS keys", AWS KMS
        # Developer Guide), and asks at once whether its maker may set its policy. Until then, only CloudFormation may.
        if "StringEqualsIfExists" in statement["Condition"]:
            assert conditions(statement)["aws:CalledVia"] == ["cloudformation.amazonaws.com"]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_fits_into_a_managed_policy_with_long_names_too(part: str) -> None:
    text = policy(part, "a" * 16, "123456789012", "ap-southeast-2", "aws-us-gov")
    assert len(re.sub(r"\s", "", text)) <= MAX_CHARACTERS
    assert "$" not in text


def test_the_command_prints_a_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "prod", "--account", "123456789012", "--region", "us-east-2", "app"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(policy("app", **FILLED))


def test_the_command_refuses_what_is_no_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "prod", "--account", "prod", "app"]) == 1
    assert "12 digits" in capsys.readouterr().err
