"""A first, simple version of `POST /transactions` with Powertools for AWS Lambda: routing, a log line and a metric.

It checks the fields by hand, with the rules of `bench/naive.py`.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ServiceError
from aws_lambda_powertools.metrics import MetricUnit

app = APIGatewayRestResolver()
logger = Logger(service="naive", utc=True)
metrics = Metrics(service="naive", namespace="Naive")
table = boto3.resource("dynamodb").Table("transactions")
_REQUIRED = ("id", "account", "amount", "type", "timestamp")
_TEXTS = {"currency": 3, "status": 10, "authorization_id": 64, "description": 280, "card_last4": 4}


@app.post("/transactions")
def post_transaction() -> Response[Any]:
    body = json.loads(app.current_event.body or "", parse_float=Decimal, parse_int=Decimal)
    _check(body)
    try:
        table.put_item(Item=body, ConditionExpression="attribute_not_exists(id)")
    except table.meta.client.exceptions.ConditionalCheckFailedException as error:
        raise ServiceError(409, f"transaction {body['id']} exists") from error
    metrics.add_metric("TransactionsCreated", MetricUnit.Count, 1)
    logger.info("recorded", extra={"transaction": body["id"]})
    return Response(201, "application/json", json.dumps(body, default=str))


def _check(body: Any) -> None:
    if not isinstance(body, dict) or any(name not in body for name in _REQUIRED):
        raise BadRequestError(f"the body must be a JSON object with {', '.join(_REQUIRED)}")
    if not isinstance(body["amount"], Decimal) or body["amount"] <= 0:
        raise BadRequestError("amount must be over 0")
    if body["type"] not in ("credit", "debit"):
        raise BadRequestError("type must be credit or debit")
    for name, length in _TEXTS.items():
        if not isinstance(body.get(name, ""), str) or len(body.get(name, "")) > length:
            raise BadRequestError(f"{name} must be a text of at most {length} characters")
    try:
        timestamp = datetime.fromisoformat(body["timestamp"])
    except (TypeError, ValueError) as error:
        raise BadRequestError("timestamp must be a time") from error
    if timestamp.tzinfo is None or timestamp > datetime.now(UTC) + timedelta(minutes=5):
        raise BadRequestError("timestamp must have an offset and not be in the future")


@metrics.log_metrics
def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
