"""The deployer's policies: what CloudFormation and the commands call, no more, no less, and nothing that loses data.

What CloudFormation calls is in AWS's own schemas of resource types (their handlers' permissions), as `cfn-lint` carries
them. What the commands call is read from their code.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from cfnlint.decode import decode
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from policy_sentry.querying.arns import get_raw_arns_for_service

from chalicelib.analytics.repository import CHECKPOINT
from infra.deployer import MAX_CHARACTERS, PARTS, main, policy
from tests.aws_policies import listed
from tests.command_calls import reached
from tests.iam_data import described, fits
from tests.samples import PROJECT_DIR

INFRA = PROJECT_DIR / "infra"
# What SAM makes of the functions, their triggers and the API, and `infra.snap_start` of the API's.
MADE_BY_SAM = (
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
)
# Handlers' permissions for what the templates don't use; a pattern of actions, and the reason.
NOT_NEEDED = {
    r"(ec2|elasticfilesystem|s3files|kinesis|firehose|s3tables):.*": "no networks, file systems or other streams",
    r"kms:.*": "keys are AWS's own, which nobody needs a permission for",
    r"iam:CreateServiceLinkedRole|iam:(Put|Delete)RolePermissionsBoundary": "no replicas, no boundaries",
    r"dynamodb:(\w*Replica|Import\w*|DescribeImport|(Batch|Get|Put|Update|Delete|Write)*(Item|WriteItem)|Scan|Query)": (
        "no replicas and imports: what is stored isn't the deployer's business"
    ),
    r"dynamodb:(Enable|Disable|Update)Kinesis\w+|dynamodb:UpdateContributorInsights": "not used",
    r"dynamodb:(Put|Delete)ResourcePolicy": "tables have no policies",
    r"lambda:(Associate|Pass)\w+|lambda:GetLayerVersion": "not used",
    r"lambda:(Put|Get|Delete)ProvisionedConcurrencyConfig|codedeploy:.*": "versions start from snapshots instead",
    r"lambda:(Put|Delete)FunctionCodeSigningConfig|lambda:GetCodeSigningConfig": "not used",
    r"lambda:Put(Runtime|FunctionScaling)\w+": "not used",
    r"logs:(AssociateKmsKey|DisassociateKmsKey|CreateLogDelivery)": "not used",
    r"logs:(CreateLogStream|PutLogEvents|DescribeLogStreams)": "Lambda and API Gateway write them",
    r"logs:(Put|Delete)(DataProtection|Index|Resource)\w+|logs:Put(Bearer|LogGroupDeletion)\w+": "not used",
    r"s3:(Put|Delete|Create|Update)Bucket(Abac|Acl|Analytics|CORS|Cors|Logging|Metadata)\w*": "not used",
    r"s3:(Put|Delete)Bucket(Metrics|Notification|ObjectLock|OwnershipControls|Replication|Versioning)\w*": "not used",
    r"s3:(Put|Delete)Bucket(Website|Encryption|Lifecycle)\w*": "not used",
    r"s3:Put(Accelerate|Analytics|Intelligent|Inventory|Metrics|Replication|ObjectLock)\w+|s3:PutObjectAcl": "not used",
    r"s3:(DeleteObject|GetObject|GetObjectVersion|GetObjectMetadata|REST.PUT.OBJECT)": "of objects, `commands` has",
    r"s3:DeleteBucketTagging": "no action of IAM: `s3:PutBucketTagging` is what removing tags needs",
    r"secretsmanager:(ReplicateSecret|RemoveRegions)\w+": "no replicas",
    r"secretsmanager:GetSecretValue": "a secret's value isn't the deployer's business",
    r"events:(Put|Remove)Permission": "the bus is the account's own",
    r"sns:PutDataProtectionPolicy": "not used",
    r"(amplify|apprunner|appsync|bedrock-agentcore|elasticloadbalancing|payments):.*|cognito-idp:\w+WebACL\w*": (
        "the web ACL is the API's only"
    ),
    r"cloudfront:updateDistribution": "the sign-in pages have a domain of Amazon's",
    r"cognito-idp:ListUserPoolClientSecrets": "the console can keep no secret, and has none",
    r"wafv2:(Get|Put)PermissionPolicy": "no rule groups of our own",
}
# What the commands call: the operation, and the actions that it needs.
BY_COMMANDS = {
    "create_change_set": {"cloudformation:CreateChangeSet"},
    "delete_change_set": {"cloudformation:DeleteChangeSet"},
    "describe_change_set": {"cloudformation:DescribeChangeSet"},
    "describe_stack_events": {"cloudformation:DescribeStackEvents"},
    "describe_stacks": {"cloudformation:DescribeStacks"},
    "execute_change_set": {"cloudformation:ExecuteChangeSet"},
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


def resources() -> dict[str, list[dict[str, Any]]]:
    """Return the templates' resources by type; those that SAM makes have no properties here."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in MADE_BY_SAM}
    data, errors = decode(str(INFRA / "data.yaml"))
    assert not errors
    app = json.loads((INFRA / "app.json").read_text())
    for resource in (*data["Resources"].values(), *app["Resources"].values()):
        if "Type" in resource:
            found.setdefault(resource["Type"], []).append(resource)
    return found


def schema_of(type_name: str) -> dict[str, Any]:
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
    return found


def permissions(type_name: str, *handlers: str) -> set[str]:
    """Return what AWS's schema says that these handlers of a resource type call."""
    found = schema_of(type_name).get("handlers", {})
    return {action for name in handlers for action in found.get(name, {}).get("permissions", ())}


def tagging(type_name: str) -> set[str]:
    """Return what AWS's schema says is called for a resource's tags. A stack's tags are put on all of its resources,
    and a resource whose tags may not be set isn't made ("UnauthorizedTaggingOperation")."""
    found = schema_of(type_name).get("tagging", {})
    return without_exceptions(found.get("permissions", ())) if found.get("taggable") else set()


def without_exceptions(found: Iterable[str]) -> set[str]:
    return {action for action in found if not any(re.fullmatch(pattern, action) for pattern in NOT_NEEDED)}


def called_by_cloudformation() -> set[str]:
    found: set[str] = set()
    for type_name, made in resources().items():
        handlers = ("create", "read", "update", "delete")
        if made and type_name not in MADE_BY_SAM and all(one.get("DeletionPolicy") == "Retain" for one in made):
            handlers = handlers[:-1]
        found |= permissions(type_name, *handlers) | tagging(type_name)
    return without_exceptions(found)


def test_the_operations_of_the_commands_are_known() -> None:
    assert reached() == BY_COMMANDS.keys()


def test_whatever_is_called_is_allowed_and_nothing_else() -> None:
    by_commands = {action for needed in BY_COMMANDS.values() for action in needed}
    needed = called_by_cloudformation() | by_commands
    assert needed - actions() == set()
    assert actions() - needed == set()


@pytest.mark.parametrize("pattern", NOT_NEEDED)
def test_each_exception_is_of_something_that_a_handler_may_call(pattern: str) -> None:
    every = {one for name in resources() for one in permissions(name, "create", "read", "update", "delete")}
    every |= {one for name in resources() for one in schema_of(name).get("tagging", {}).get("permissions", ())}
    assert any(re.fullmatch(pattern, action) for action in every)


# Where a service's actions begin with another name than its resource types.
PREFIXES = {"cognito": "cognito-idp"}


def where(action: str) -> set[str]:
    """Return the resources on which the policies allow an action."""
    return {one for found in statements() if action in listed(found["Action"]) for one in listed(found["Resource"])}


# Where tags are resources of their own: `PUT /tags/{resource_arn}` ("TagResource", Amazon API Gateway API Reference).
TAGS_APART = {"apigateway": "arn:aws:apigateway:us-east-2::/tags/*"}


@pytest.mark.parametrize("type_name", [name for name in resources() if tagging(name)])
def test_what_can_be_made_can_be_tagged(type_name: str) -> None:
    tags = tagging(type_name)
    service = type_name.split("::")[1].lower()
    makes = re.compile(rf"{PREFIXES.get(service, service)}:(Create|Put|POST)(?!RolePolicy)\w*")
    made = {
        one for action in permissions(type_name, "create") - tags if makes.fullmatch(action) for one in where(action)
    }
    assert made
    # What is made anywhere, with a condition, is tagged by its own ARN.
    places = {TAGS_APART[service]} if service in TAGS_APART else made
    assert "*" in made or any(all(one in where(action) for action in tags) for one in places)


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
        keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
        assert keys <= {key for entry in entries for key in entry["condition_keys"]}, action


# What SAM's templates need besides the stack ("Template transforms", AWS CloudFormation User Guide).
SAM = "arn:aws:cloudformation:us-east-2:aws:transform/Serverless-2016-10-31"
# Of these the schema of the resource type says that they have tags, the IAM data not yet.
TAGGED_SINCE = {"Dashboard"}
ANYWHERE = {"cloudformation:GetTemplateSummary"}  # of a template that isn't a stack's yet


def test_a_role_is_passed_to_lambda_and_api_gateway_only() -> None:
    passing = [one for one in statements() if "iam:PassRole" in listed(one["Action"])]
    assert len(passing) == 2
    for statement in passing:
        assert statement["Action"] == ["iam:PassRole"]
        assert ":role/transaction-notifier-" in statement["Resource"]
    services = {one["Condition"]["StringEquals"]["iam:PassedToService"] for one in passing}
    assert services == {"lambda.amazonaws.com", "apigateway.amazonaws.com"}


def test_the_only_row_that_can_be_written_is_that_of_the_number_of_shards() -> None:
    (statement,) = [one for one in statements() if "dynamodb:UpdateItem" in listed(one["Action"])]
    table = "arn:aws:dynamodb:us-east-2:123456789012:table/transaction-notifier-prod-data-AnalyticsTable-*"
    assert (statement["Action"], statement["Resource"]) == (["dynamodb:UpdateItem"], table)
    assert statement["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [CHECKPOINT["owner"]]}}


def test_what_holds_data_can_not_be_deleted_and_what_is_in_it_not_read() -> None:
    forbidden = re.compile(
        r"dynamodb:(DeleteTable|(?!UpdateItem)\w*Item|Query|Scan)|s3:Delete(Bucket|Object)|sqs:(DeleteQueue|ReceiveMessage)"
        r"|cognito-idp:(DeleteUserPool|Admin\w+|ListUsers\w*)"
        r"|secretsmanager:(DeleteSecret|GetSecretValue)|ses:(DeleteEmailIdentity|Send\w+)|cloudformation:DeleteStack"
    )
    assert [action for action in actions() if forbidden.fullmatch(action)] == []


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
