"""moto, made faster, answers as it did."""

import base64
import copy
import importlib.util
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing.ast_nodes import (
    ExpressionAttributeName,
    ExpressionAttributeValue,
    Node,
    UpdateExpressionAddAction,
    UpdateExpressionSetClause,
)
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler

from tests import quick_moto
from tests.tables import dynamodb  # noqa: F401

KEY = {"id": {"S": "a"}}
ITEM = {
    **KEY,
    "number": {"N": "1.5"},
    "bytes": {"B": b"\x00\xff"},
    "no": {"BOOL": False},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1"]},
    "several bytes": {"BS": [b"x", b"y"]},
    "list": {"L": [{"S": ""}, {"N": "2"}, {"M": {}}, {"L": []}, {"B": b""}]},
    "map": {"M": {"x": {"M": {"y": {"SS": ["q"]}}}, "e": {"L": [{"BOOL": True}]}}},
}


def answers_of(client: Any) -> list[Any]:
    """Return what each kind of call answers of an item with values of all types, in a new table."""
    client.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName="items", Item=ITEM)
    return [
        client.get_item(TableName="items", Key=KEY)["Item"],
        client.scan(TableName="items")["Items"],
        client.batch_get_item(RequestItems={"items": {"Keys": [KEY]}})["Responses"],
        client.transact_get_items(TransactItems=[{"Get": {"TableName": "items", "Key": KEY}}])["Responses"],
        client.delete_item(TableName="items", Key=KEY, ReturnValues="ALL_OLD")["Attributes"],
    ]


def values(depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    """Return values of DynamoDB's of each type, as they are written in a call."""
    numbers = st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)
    plain = st.one_of(
        st.builds(lambda text: {"S": text}, st.text()),
        st.builds(lambda number: {"N": number}, numbers),
        st.builds(lambda text: {"B": base64.b64encode(text).decode()}, st.binary()),
        st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda texts: {"SS": texts}, st.lists(st.text(), min_size=1, unique=True)),
        st.builds(lambda texts: {"NS": texts}, st.lists(numbers, min_size=1, unique=True)),
    )
    if not depth:
        return plain
    below = values(depth - 1)
    return st.one_of(
        plain,
        st.builds(lambda members: {"L": members}, st.lists(below, max_size=3)),
        st.builds(lambda members: {"M": members}, st.dictionaries(st.text(), below, max_size=3)),
    )


def motos_own() -> Any:
    """Return moto's class of a value of DynamoDB's as nobody has changed it."""
    spec = importlib.util.find_spec("moto.dynamodb.models.dynamo_type")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.DynamoType


MOTOS_OWN = motos_own()


@given(values(), values())
def test_a_value_is_as_large_as_moto_says_and_written_and_compared_as_moto_does(one: Any, other: Any) -> None:
    quick, slow = (type_(copy.deepcopy(one)) for type_ in (DynamoType, MOTOS_OWN))
    assert quick.size() == slow.size()
    assert quick.to_regular_json() == slow.to_regular_json() == copy.deepcopy(quick).to_regular_json()
    assert quick.cast_value == slow.cast_value
    assert (quick == DynamoType(other)) == (slow == MOTOS_OWN(other))


def test_what_an_update_writes_changes_no_copy_and_not_the_next_one_of_the_same_words(dynamodb: Any) -> None:  # noqa: F811
    answers_of(dynamodb)
    update = {
        "UpdateExpression": "SET #m.x = :x, n = if_not_exists(n, :zero) + :one REMOVE #g ADD #t :t",
        "ExpressionAttributeNames": {"#m": "map", "#g": "list", "#t": "texts"},
        "ReturnValues": "ALL_NEW",
    }
    after = []
    for id_, text in (("a", "p"), ("b", "q")):
        dynamodb.put_item(TableName="items", Item={**ITEM, "id": {"S": id_}})
        written = {":x": {"S": text}, ":zero": {"N": "0"}, ":one": {"N": "1"}, ":t": {"SS": [text]}}
        for _ in range(2):
            changed = dynamodb.update_item(
                TableName="items", Key={"id": {"S": id_}}, ExpressionAttributeValues=written, **update
            )
        after.append(changed["Attributes"])
    for id_, text, item in (("a", "p", after[0]), ("b", "q", after[1])):
        assert item["n"] == {"N": "2"}
        assert item["map"]["M"]["x"] == {"S": text}
        assert "list" not in item
        assert set(item["texts"]["SS"]) == {"a", "b", text}
        assert dynamodb.get_item(TableName="items", Key={"id": {"S": id_}})["Item"] == item


def nodes_of(tree: Node) -> list[Node]:
    below = [one for child in tree.children or () if isinstance(child, Node) for one in nodes_of(child)]
    return [tree, *below]


def test_the_copy_of_an_update_s_tree_is_a_tree_of_its_own_with_the_same_clauses() -> None:
    tree = UpdateExpressionParser.make("SET #m.x[2] = :x, n = if_not_exists(n, :zero) + :one REMOVE #g[1], h ADD #t :t")
    copied = copy.deepcopy(tree)
    nodes, copies = nodes_of(tree), nodes_of(copied)
    assert not {id(one) for one in nodes} & {id(one) for one in copies}
    assert [[child for child in one.children or () if not isinstance(child, Node)] for one in copies] == [
        [child for child in one.children or () if not isinstance(child, Node)] for one in nodes
    ]
    assert [type(one) for one in copies] == [type(one) for one in nodes]
    assert copied.parent is None
    assert all(child.parent is one for one in copies for child in one.children or () if isinstance(child, Node))
    # What moto's own way finds.
    assert [one.get_attribute_name_placeholder() for one in copied.find_clauses([ExpressionAttributeName])] == [
        "#m",
        "#g",
        "#t",
    ]
    assert [one.get_value_name() for one in copied.find_clauses([ExpressionAttributeValue])] == [
        ":x",
        ":zero",
        ":one",
        ":t",
    ]
    assert len(copied.find_clauses([UpdateExpressionSetClause, UpdateExpressionAddAction])) == 2


def test_an_item_comes_back_as_moto_writes_it(
    dynamodb: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = answers_of(dynamodb)
    assert answers == [ITEM, [ITEM], {"items": [ITEM]}, [{"Item": ITEM}], ITEM]
    dynamodb.delete_table(TableName="items")
    monkeypatch.setattr(DynamoHandler, "serialized", DynamoHandler.serialized.__wrapped__)
    monkeypatch.setattr(quick_moto, "_PLAIN", set())
    assert answers_of(dynamodb) == answers


@pytest.mark.parametrize("range_key", [None, "number"])
def test_a_transaction_of_which_an_action_is_refused_changes_nothing_however_many_it_has(
    dynamodb: Any,  # noqa: F811
    range_key: str | None,
) -> None:
    names = {"HASH": ("id", "S"), "RANGE": (range_key, "N")} if range_key else {"HASH": ("id", "S")}
    dynamodb.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for kind, (name, _) in names.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, type_ in names.values()],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    table = {"TableName": "items"}

    def key(id_: str) -> dict[str, Any]:
        return {"id": {"S": id_}, **({range_key: {"N": "1"}} if range_key else {})}

    def stored() -> dict[str, Any]:
        return {item["id"]["S"]: item for item in dynamodb.scan(**table)["Items"]}

    def streamed() -> int:
        (backend,) = [of["us-east-2"] for of in dynamodb_backends.values()]
        return len(backend.tables["items"].stream_shard.items)

    for one in ("changed", "deleted", "left"):
        dynamodb.put_item(**table, Item={**key(one), "map": ITEM["map"]})
    for _ in range(2):  # the second time on a table that a transaction has changed
        before, records = stored(), streamed()
        actions = [
            {"Put": {**table, "Item": key("new")}},
            {"Delete": {**table, "Key": key("deleted")}},
            {
                "Update": {
                    **table,
                    "Key": key("changed"),
                    "UpdateExpression": "SET #map.x.y = :y",
                    "ExpressionAttributeNames": {"#map": "map"},
                    "ExpressionAttributeValues": {":y": {"S": "z"}},
                }
            },
        ]
        check = {**table, "Key": key("nobody"), "ConditionExpression": "attribute_exists(id)"}
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[*actions, {"ConditionCheck": check}])
        assert (stored(), streamed()) == (before, records)
        dynamodb.transact_write_items(TransactItems=actions)
        after = stored()
        assert after.keys() == {"changed", "left", "new"}
        assert after["changed"]["map"]["M"]["x"]["M"]["y"] == {"S": "z"}
        assert after["left"] == before["left"]
        dynamodb.put_item(**table, Item={**key("deleted"), "map": ITEM["map"]})
        dynamodb.put_item(**table, Item={**key("changed"), "map": ITEM["map"]})
        dynamodb.delete_item(**table, Key=key("new"))
