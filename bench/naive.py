"""A first, simple version of `POST /transactions` with Chalice, boto3 and marshmallow. The service is compared with it.

It accepts the same fields and answers simple cases correctly: 201, 400 and, for an existing id, 409. It has no banks,
replays, exact parsing, search for card numbers, decimals by currency, indexes or metrics.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
from botocore.exceptions import ClientError
from chalice import BadRequestError, Chalice, ConflictError, Response
from marshmallow import Schema, ValidationError, fields, validate

app = Chalice(app_name="naive")
table = boto3.resource("dynamodb").Table("transactions")


class MerchantSchema(Schema):
    name = fields.String(validate=validate.Length(max=140))
    mcc = fields.String(validate=validate.Length(equal=4))
    city = fields.String()
    country = fields.String(validate=validate.Length(equal=2))


class TransactionSchema(Schema):
    id = fields.String(required=True, validate=validate.Length(1, 64))
    account = fields.String(required=True, validate=validate.Length(1, 64))
    amount = fields.Decimal(required=True)
    type = fields.String(required=True, validate=validate.OneOf(["credit", "debit"]))
    timestamp = fields.AwareDateTime(required=True)
    currency = fields.String(validate=validate.Length(equal=3))
    status = fields.String(validate=validate.OneOf(["settled", "authorized", "reversed", "declined"]))
    authorization_id = fields.String(validate=validate.Length(1, 64))
    merchant = fields.Nested(MerchantSchema)
    description = fields.String(validate=validate.Length(max=280))
    balance = fields.Decimal()
    card_last4 = fields.String(validate=validate.Length(equal=4))
    metadata = fields.Dict(keys=fields.String(), values=fields.String())


@app.route("/transactions", methods=["POST"], api_key_required=True)
def post_transaction() -> Response:
    body = app.current_request.json_body
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    try:
        transaction = TransactionSchema().load(body)
    except ValidationError as error:
        raise BadRequestError(str(error.messages)) from error
    if transaction["amount"] <= 0:
        raise BadRequestError("amount must be over 0")
    if transaction["timestamp"] > datetime.now(UTC) + timedelta(minutes=5):
        raise BadRequestError("timestamp must not be in the future")
    if not transaction.get("card_last4", "0000").isdigit():
        raise BadRequestError("card_last4 must be digits")
    item = {**transaction, "timestamp": transaction["timestamp"].isoformat()}
    for name in ("amount", "balance"):
        if name in item:
            item[name] = Decimal(str(body[name]))
    try:
        table.put_item(Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise ConflictError(f"transaction {item['id']} exists") from error
        raise
    for name in ("amount", "balance"):
        if name in item:
            item[name] = str(item[name])
    return Response(item, status_code=201)
