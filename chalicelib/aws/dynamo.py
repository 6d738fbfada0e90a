"""DynamoDB's wire form: items to plain values and back, batches with their leftovers, refusals translated."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call, error_code
from chalicelib.aws.retries import back_off
from chalicelib.errors import TemporarilyUnavailable

Item = dict[str, Any]

_SERIALIZE = TypeSerializer().serialize
_DESERIALIZE = TypeDeserializer().deserialize
_CANCELLED_IN_PASSING = frozenset(
    {"None", "ConditionalCheckFailed", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
CONDITION_FAILED = "ConditionalCheckFailedException"
_TRIES = 9
_FIRST_WAIT_S = 0.05


def to_item(values: dict[str, Any]) -> Item:
    """Return DynamoDB's form of plain values; None is left out."""
    return {name: _wire_form(value) for name, value in values.items() if value is not None}


def _wire_form(value: Any) -> dict[str, Any]:
    # Most values are strings, or objects of strings; boto3's serializer tries several other types first.
    if type(value) is str:
        return {"S": value}
    if type(value) is dict:
        return {"M": {name: _wire_form(one) for name, one in value.items()}}
    form: dict[str, Any] = _SERIALIZE(value)
    return form


def from_item(item: Item) -> dict[str, Any]:
    """Return plain values from DynamoDB's form; numbers are Decimal."""
    return {name: _DESERIALIZE(value) for name, value in item.items()}


def was_cancelled_in_passing(error: ClientError) -> bool:
    """Whether a DynamoDB transaction was cancelled by conditions, contention or throttling, and nothing else.

    Any other reason is a defect, and must not look like somebody else being faster.
    """
    reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", ())}
    return error_code(error) == "TransactionCanceledException" and reasons <= _CANCELLED_IN_PASSING


def queried(client: Any, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Yield the plain values of all items that a query finds, a page at a time."""
    while True:
        answer = call(client.query, **arguments)
        yield from map(from_item, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def batch_get(
    client: Any,
    table: str,
    keys: Iterable[Item],
    *,
    is_consistent: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Yield the plain values of the items that exist, in any order; keys must be distinct."""
    for part in batches(keys, 100):
        pending: dict[str, Any] = {table: {"Keys": part, "ConsistentRead": is_consistent}}
        for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
            answer = call(client.batch_get_item, RequestItems=pending)
            yield from map(from_item, answer["Responses"].get(table, ()))
            pending = answer.get("UnprocessedKeys") or {}
            if not pending:
                break
            sleep(wait_s)
        else:
            raise TemporarilyUnavailable


def batch_put(client: Any, table: str, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Put the items, overwriting what has their keys.

    Every item is tried, whatever became of the others; then raises TemporarilyUnavailable if some were not put.
    """
    _batch_write(client, table, ({"PutRequest": {"Item": item}} for item in items), sleep)


def batch_delete(client: Any, table: str, keys: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Delete the items that have these keys; what is true of `batch_put` is true of it."""
    _batch_write(client, table, ({"DeleteRequest": {"Key": key}} for key in keys), sleep)


def _batch_write(client: Any, table: str, requests: Iterable[dict[str, Any]], sleep: Callable[[float], None]) -> None:
    are_written = [_write_part(client, table, part, sleep) for part in batches(requests, 25)]
    if not all(are_written):
        raise TemporarilyUnavailable


def put_new(
    client: Any, table: str, key: str, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep
) -> list[Item | None]:
    """Put those of at most 100 items whose key isn't there yet; return for each what was there instead, if anything.

    `key` names the table's partition key; the items' keys must be distinct.
    """
    put = list(items)
    there: list[Item | None] = [None] * len(put)
    pending = list(range(len(put)))
    for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
        if not pending:
            return there
        condition = {"ConditionExpression": f"attribute_not_exists({key})"}
        returned = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        puts = [{"Put": {"TableName": table, "Item": put[index], **condition, **returned}} for index in pending]
        try:
            call(client.transact_write_items, TransactItems=puts)
        except ClientError as error:
            if not was_cancelled_in_passing(error):
                raise
            reasons = error.response["CancellationReasons"]
            for index, reason in zip(list(pending), reasons, strict=True):
                if reason.get("Code") == "ConditionalCheckFailed":
                    there[index] = reason["Item"]
                    pending.remove(index)
            sleep(wait_s)
        else:
            return there
    raise TemporarilyUnavailable


def _write_part(client: Any, table: str, requests: list[dict[str, Any]], sleep: Callable[[float], None]) -> bool:
    pending: dict[str, Any] = {table: requests}
    for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
        with contextlib.suppress(TemporarilyUnavailable):
            pending = call(client.batch_write_item, RequestItems=pending).get("UnprocessedItems") or {}
        if not pending:
            return True
        sleep(wait_s)
    return False
