"""moto, made faster, answers as it did."""

from typing import Any

import pytest
from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS

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


def test_a_transaction_of_which_an_action_is_refused_changes_nothing_however_many_it_has(dynamodb: Any) -> None:  # noqa: F811
    answers_of(dynamodb)
    for number in range(2):  # the second one on a table that a transaction has changed
        before = dynamodb.scan(TableName="items")["Items"]
        puts = [{"Put": {"TableName": "items", "Item": {"id": {"S": f"{number}-{part}"}}}} for part in "ab"]
        check = {"TableName": "items", "Key": KEY, "ConditionExpression": "attribute_exists(id)"}
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[*puts, {"ConditionCheck": check}])
        assert dynamodb.scan(TableName="items")["Items"] == before
        dynamodb.transact_write_items(TransactItems=puts)
        assert len(dynamodb.scan(TableName="items")["Items"]) == len(before) + 2
