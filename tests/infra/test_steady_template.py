"""The data stack of a steady stage: what has capacity has auto scaling, and a stage that isn't steady has neither."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from cfnlint.decode import decode
from moto import mock_aws

from operations.restore import with_literals
from operations.restored_table import literals_of
from tests.samples import PROJECT_DIR

TEMPLATE = PROJECT_DIR / "infra" / "data.yaml"
TABLE = "AWS::DynamoDB::Table"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
# Written once for each transaction, or more often.
HOT = {"TransactionsTable", "NotificationsTable", "AnalyticsTable"}
# The most bytes of a template in a call ("CloudFormation quotas"), and what is left for the next parameters.
MAX_BYTES, LEFT = 51_200, 1_000


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    found, _ = decode(str(TEMPLATE))
    return dict(found)


def rendered(template: dict[str, Any], steady: int) -> dict[str, Any]:
    """Return the resources that a stage gets whose parameter is `steady`, each named by its logical id."""
    is_steady = {"Fn::Not": [{"Fn::Equals": [{"Ref": "SteadyTransactions"}, 0]}]}
    assert template["Conditions"]["IsSteady"] == is_steady
    is_scaled = {"Fn::And": [is_steady, {"Fn::Equals": [{"Ref": "TableScaling"}, "true"]}]}
    assert template["Conditions"]["IsScaled"] == is_scaled
    resources = {
        name: one for name, one in template["Resources"].items() if steady or one.get("Condition") != "IsScaled"
    }
    found: dict[str, Any] = _filled(resources, steady)
    return found


def _filled(value: Any, steady: int) -> Any:
    if isinstance(value, list):
        return [_filled(one, steady) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("Fn::If", [""])[0] == "IsSteady":
        return _filled(value["Fn::If"][1 if steady else 2], steady)
    if value == {"Ref": "SteadyTransactions"}:
        return steady
    if isinstance(value.get("Fn::Sub"), str):
        return value["Fn::Sub"].replace("${", "").replace("}", "")
    return {name: one for name, old in value.items() if (one := _filled(old, steady)) != {"Ref": "AWS::NoValue"}}


def of_type(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == type_}


def capacities(tables: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Yield the resource id of each table and index, its kind, and the capacity that it is made with."""
    for name, properties in tables.items():
        yield f"table/{name}", "table", properties.get("ProvisionedThroughput", {})
        for index in properties.get("GlobalSecondaryIndexes", ()):
            yield f"table/{name}/index/{index['IndexName']}", "index", index.get("ProvisionedThroughput", {})


def test_a_stage_is_on_demand_unless_it_says_otherwise(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["SteadyTransactions"]
    assert (parameter["Default"], parameter["MinValue"]) == (0, 0)
    resources = rendered(template, 0)
    tables = of_type(resources, TABLE)
    assert len(tables) == 10
    assert {one["BillingMode"] for one in tables.values()} == {"PAY_PER_REQUEST"}
    assert [capacity for *_, capacity in capacities(tables) if capacity] == []
    assert of_type(resources, TARGET) | of_type(resources, POLICY) == {}
    assert "IsSteady" not in json.dumps(resources)
    assert template["Parameters"]["TableScaling"]["Default"] == "true"


def test_a_steady_stage_s_hot_tables_and_all_their_indexes_have_capacity_and_no_other_table(
    template: dict[str, Any],
) -> None:
    tables = of_type(rendered(template, 2_000), TABLE)
    assert {name for name, one in tables.items() if one["BillingMode"] == "PROVISIONED"} == HOT
    wanted = {"ReadCapacityUnits": 2_000, "WriteCapacityUnits": 2_000}
    for name, _, capacity in capacities(tables):
        assert capacity == (wanted if name.split("/")[1] in HOT else {}), name


def test_whatever_has_capacity_is_scaled_by_its_reads_and_by_its_writes(template: dict[str, Any]) -> None:
    resources = rendered(template, 2_000)
    targets, policies = of_type(resources, TARGET), of_type(resources, POLICY)
    wanted = {
        (name, f"dynamodb:{kind}:{units}")
        for name, kind, capacity in capacities(of_type(resources, TABLE))
        for units in capacity
    }
    assert len(wanted) == 12
    assert {(one["ResourceId"], one["ScalableDimension"]) for one in targets.values()} == wanted
    assert len(targets) == len(wanted)
    for name, one in targets.items():
        table, *index = one["ResourceId"].removeprefix("table/").split("/", 1)
        # As the template has it: only a reference is the table's name in the account.
        assert template["Resources"][name]["Properties"]["ResourceId"] == {
            "Fn::Sub": "/".join([f"table/${{{table}}}", *index])
        }
        assert one == {
            "ServiceNamespace": "dynamodb",
            "ResourceId": one["ResourceId"],
            "ScalableDimension": one["ScalableDimension"],
            "MinCapacity": 2_000,
            "MaxCapacity": 40_000,
        }
    assert template["Parameters"]["SteadyTransactions"]["MaxValue"] == 40_000

    assert sorted(one["ScalingTargetId"]["Ref"] for one in policies.values()) == sorted(targets)
    for one in policies.values():
        dimension = targets[one["ScalingTargetId"]["Ref"]]["ScalableDimension"]
        kind = "Read" if dimension.endswith(":ReadCapacityUnits") else "Write"
        assert one["PolicyType"] == "TargetTrackingScaling"
        assert one["TargetTrackingScalingPolicyConfiguration"] == {
            "TargetValue": 70,
            "PredefinedMetricSpecification": {"PredefinedMetricType": f"DynamoDB{kind}CapacityUtilization"},
        }


@pytest.mark.filterwarnings("ignore:.*AWS..ApplicationAutoScaling")  # which moto's CloudFormation leaves out
@pytest.mark.parametrize("steady", [0, 100])
def test_moto_makes_the_tables_and_takes_their_scaling(template: dict[str, Any], steady: int) -> None:
    types = (TABLE, TARGET, POLICY)
    resources = {name: one for name, one in template["Resources"].items() if one["Type"] in types}
    parts = {"Parameters": template["Parameters"], "Conditions": template["Conditions"], "Resources": resources}
    outputs = {name: {"Value": {"Ref": name}} for name in HOT}
    values = {"Stage": "prod", "MailFrom": "a@example.com", "SteadyTransactions": str(steady)}
    with mock_aws():
        cloudformation, dynamodb = boto3.client("cloudformation"), boto3.client("dynamodb")
        cloudformation.create_stack(
            StackName="stack",
            TemplateBody=json.dumps({**parts, "Outputs": outputs}),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        )
        (stack,) = cloudformation.describe_stacks(StackName="stack")["Stacks"]
        names = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        for name in names.values():
            table = dynamodb.describe_table(TableName=name)["Table"]
            for one in (table, *table.get("GlobalSecondaryIndexes", ())):
                capacity = one["ProvisionedThroughput"]
                assert (capacity["ReadCapacityUnits"], capacity["WriteCapacityUnits"]) == (steady, steady)

        found = rendered(template, steady)
        targets, scaling = of_type(found, TARGET), boto3.client("application-autoscaling")
        for target in targets.values():
            _, logical_id, *rest = target["ResourceId"].split("/")
            target["ResourceId"] = "/".join(["table", names[logical_id], *rest])
            scaling.register_scalable_target(**target)
        for policy in of_type(found, POLICY).values():
            target = targets[policy.pop("ScalingTargetId")["Ref"]]
            of_target = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
            scaling.put_scaling_policy(**policy, **of_target)
        made = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
        assert len({one["PolicyARN"] for one in made}) == (12 if steady else 0)


def test_the_template_fits_into_a_call_of_cloudformation() -> None:
    assert len(TEMPLATE.read_bytes()) <= MAX_BYTES - LEFT


@pytest.mark.parametrize("name", re.findall(r"^  (\w+Table):$", TEMPLATE.read_text(), re.MULTILINE))
def test_so_does_the_one_with_which_a_restored_table_is_adopted(name: str) -> None:
    # The longest stage, region and partition, and a table's name as restore makes it.
    table = f"transaction-notifier-{'s' * 16}-data-{name}-{'X' * 13}-2026-11-30T14-00-00"
    arn = f"arn:aws-us-gov:dynamodb:ap-southeast-99:123456789012:table/{table}"
    described = {"TableArn": arn, "LatestStreamArn": f"{arn}/stream/2026-11-30T14:00:00.000"}
    dynamodb = SimpleNamespace(describe_table=lambda TableName: {"Table": described})  # noqa: N803
    literals = literals_of(dynamodb, name, table)
    assert len(with_literals(TEMPLATE.read_text(), literals).encode()) <= MAX_BYTES
