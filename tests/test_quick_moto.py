"""moto, made faster, answers as it did."""

from typing import Any

import pytest
from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS
from moto.dynamodb import dynamodb_backends

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


def test_an_item_comes_back_as_moto_writes_it(
    dynamodb: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = answers_of(dynamodb)
    assert answers == [ITEM, [ITEM], {"items": [ITEM]}, [{"Item": ITEM}], ITEM]
    dynamodb.delete_table(TableName="items")
    monkeypatch.delitem(SERVICE_SPECIFIC_SERIALIZERS, "dynamodb")
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
