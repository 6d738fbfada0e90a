"""Makes random queries of the emulator's DynamoDB, each as the emulator answers it and as `partitions` has it answered.

.venv-cloud/bin/python -m tests.local_cloud.both_queries SEED COUNT

Prints as JSON how many queries there were, how many of them read less than their partition, and those whose two answers
differ. The tables are written to between the queries.
"""

import importlib
import json
import random
import sys
from typing import Any

from local_cloud import partitions

_KEYS = ("pk", "sk", "group", "rank")
_FORMS = {
    "pk": ("sk", ""),
    "#group": ("#rank", "by_group"),
}
_RANGES = ("", " AND {} BETWEEN :a AND :b", " AND begins_with({}, :a)", " AND {} < :a", " AND {} <= :a", " AND {} > :a")
_UNUSUAL = (" AND {} >= :a", " AND :a <= {}", " AND ({} > :a)", " AND {} = :a")


def main(seed: int, count: int) -> None:
    chance = random.Random(seed)
    dynamodb: Any = importlib.import_module("ministack.services.dynamodb")
    table = {
        "TableName": "items",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in _KEYS],
        "KeySchema": _schema("pk", "sk"),
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            {"IndexName": "by_group", "KeySchema": _schema("group", "rank"), "Projection": {"ProjectionType": "ALL"}}
        ],
    }
    assert dynamodb._create_table(table)[0] == 200
    whole = dynamodb._query
    partitions.stand(dynamodb)
    looked_at: list[Any] = []
    evaluate = dynamodb._evaluate_condition
    dynamodb._evaluate_condition = lambda *given, **named: looked_at.append(given) or evaluate(*given, **named)
    before: dict[str, Any] | None = None  # a query that had more to answer
    differ, narrower = [], 0
    for _ in range(count):
        for _ in range(chance.randrange(3)):
            _write(chance, dynamodb)
        request = before if before and chance.random() < 0.6 else _request(chance)
        answers = []
        for query in (whole, dynamodb._query):
            looked_at.clear()
            answers.append((query(dict(request)), len(looked_at)))
        (expected, all_items), (found, fewer) = answers
        narrower += fewer < all_items
        if (expected[0], json.loads(expected[2])) != (found[0], json.loads(found[2])):
            differ.append([request, json.loads(expected[2]), json.loads(found[2])])
        last = json.loads(found[2]).get("LastEvaluatedKey")
        before = {**request, "ExclusiveStartKey": last} if last else None
    print(json.dumps({"queries": count, "narrower": narrower, "differ": differ[:3]}))


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _text(chance: random.Random) -> str:
    return "".join(chance.choice("ab#é😀") for _ in range(chance.randint(1, 3)))


def _write(chance: random.Random, dynamodb: Any) -> None:
    key = {"pk": {"S": chance.choice("xy")}, "sk": {"S": _text(chance)}}
    kind = chance.random()
    if kind < 0.2:
        status = dynamodb._delete_item({"TableName": "items", "Key": key})[0]
    elif kind < 0.4:
        change = {
            "ExpressionAttributeNames": {"#rank": "rank"},
            "ExpressionAttributeValues": {":r": {"S": _text(chance)}},
        }
        status = dynamodb._update_item(
            {"TableName": "items", "Key": key, "UpdateExpression": "SET #rank = :r", **change}
        )[0]
    else:
        indexed = {"group": {"S": chance.choice("gh")}, "rank": {"S": _text(chance)}} if chance.random() < 0.8 else {}
        status = dynamodb._put_item({"TableName": "items", "Item": {**key, **indexed}})[0]
    assert status == 200


def _request(chance: random.Random) -> dict[str, Any]:
    partition = chance.choice(list(_FORMS))
    sort, index = _FORMS[partition]
    form = chance.choice(_RANGES if chance.random() < 0.9 else _UNUSUAL).format(sort)
    values = {":p": {"S": chance.choice("gh" if index else "xy")}}
    values |= {name: {"S": _text(chance)} for name in (":a", ":b") if name in form}
    request = {
        "TableName": "items",
        "KeyConditionExpression": f"{partition} = :p{form}",
        "ExpressionAttributeValues": values,
        "ScanIndexForward": chance.random() < 0.5,
        **({"IndexName": index} if index else {}),
        **({"Limit": chance.randint(1, 5)} if chance.random() < 0.7 else {}),
    }
    if aliases := {name: name[1:] for name in ("#group", "#rank") if name in request["KeyConditionExpression"]}:
        request["ExpressionAttributeNames"] = aliases
    return request


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
