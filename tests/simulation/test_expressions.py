"""The simulation's expressions do what another DynamoDB engine's do."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from simulation.expressions import condition, tokens
from simulation.updates import projected, updated

KEY = {"k": {"S": "key"}}
NUMBERS = st.integers(-3, 3).map(lambda number: {"N": str(number)})
TEXTS = st.sampled_from(("", "a", "ab", "b")).map(lambda text: {"S": text})
# The other engine compares only what has one type; DynamoDB itself calls what has two different.
ITEMS = st.fixed_dictionaries({}, optional={"a": NUMBERS, "b": NUMBERS, "c": TEXTS})
CONDITIONS = (
    "attribute_not_exists(a)",
    "attribute_exists(a) AND a = :v",
    "a < :v OR b >= :v",
    "NOT (a = :v) AND attribute_not_exists(b)",
    "begins_with(c, :t)",
    "contains(c, :t)",
    "a <> :v",
    "a BETWEEN :v AND :w",
    "a IN (:v, :w)",
    "(attribute_not_exists(a) OR a <= :v) AND NOT (b = :w OR c = :t)",
)
UPDATES = (
    "SET a = :v",
    "SET a = if_not_exists(a, :v), b = :w",
    "SET a = :v REMOVE b",
    "REMOVE a, b",
    "SET a = :v ADD d :w",
    "SET d = if_not_exists(d, :v) + :w",
)
VALUE_NAMES = {"v": NUMBERS, "w": NUMBERS, "t": st.just({"S": "a"})}


@pytest.fixture
def table(dynamodb: Any) -> Any:
    dynamodb.create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def used(text: str, values: dict[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in values.items() if f":{name}" in tokens(text)}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ITEMS, st.sampled_from(CONDITIONS), st.fixed_dictionaries(VALUE_NAMES))
def test_a_condition_holds_when_it_holds_on_another_engine(
    table: Any, item: dict[str, Any], text: str, values: dict[str, Any]
) -> None:
    table.put_item(TableName="t", Item={**KEY, **item})
    given_values = used(text, values)
    arguments = {"ExpressionAttributeValues": given_values} if given_values else {}
    holds = True
    try:
        table.put_item(TableName="t", Item={**KEY, **item}, ConditionExpression=text, **arguments)
    except table.exceptions.ConditionalCheckFailedException:
        holds = False

    assert condition(text)({**KEY, **item}, {}, given_values) is holds


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(st.sampled_from(("a", "b", "d")), NUMBERS),
    st.sampled_from(UPDATES),
    st.fixed_dictionaries(VALUE_NAMES),
)
def test_an_update_makes_the_item_that_another_engine_makes(
    table: Any, item: dict[str, Any], text: str, values: dict[str, Any]
) -> None:
    table.put_item(TableName="t", Item={**KEY, **item})
    given_values = used(text, values)
    arguments = {"ExpressionAttributeValues": given_values} if given_values else {}
    made = table.update_item(TableName="t", Key=KEY, UpdateExpression=text, ReturnValues="ALL_NEW", **arguments)

    assert updated({**KEY, **item}, text, {}, given_values) == made["Attributes"]


def test_names_and_paths_lead_into_maps() -> None:
    item = {"m": {"M": {"x": {"S": "a"}}}}

    assert condition("#m.x = :a")(item, {"#m": "m"}, {":a": {"S": "a"}})
    assert updated(item, "SET #m.y = :a", {"#m": "m"}, {":a": {"S": "a"}})["m"] == {
        "M": {"x": {"S": "a"}, "y": {"S": "a"}}
    }
    assert updated(item, "REMOVE #m.x", {"#m": "m"}, {}) == {"m": {"M": {}}}
    assert item == {"m": {"M": {"x": {"S": "a"}}}}


def test_a_projection_has_the_named_attributes() -> None:
    assert projected({"a": {"S": "1"}, "b": {"S": "2"}}, "#a, c", {"#a": "a"}) == {"a": {"S": "1"}}


@pytest.mark.parametrize("text", ["a ==", "a = :v garbage", "size(", "a ? :v"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        condition(text)
