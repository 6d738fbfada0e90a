"""The least that can be done: the posted JSON is put into a table by a default client, and is not checked at all."""

import json
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.types import TypeSerializer

client = boto3.client("dynamodb")
_serialize = TypeSerializer().serialize


def handle(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    body = json.loads(event["body"], parse_float=Decimal)
    try:
        client.put_item(
            TableName="transactions",
            Item={name: _serialize(value) for name, value in body.items()},
            ConditionExpression="attribute_not_exists(id)",
        )
    except client.exceptions.ConditionalCheckFailedException:
        return {"statusCode": 409, "body": "{}"}
    return {"statusCode": 201, "body": json.dumps(body, default=str)}
