"""DynamoDB's wire form: items to plain values and back, and batches that send again what DynamoDB left unprocessed."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call, error_code
from chalicelib.aws.retries import each_try
from chalicelib.errors import TemporarilyUnavailable

Item = dict[str, Any]

# DynamoDB's numbers: what they can't hold exactly is refused.
_NUMBER = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow]).create_decimal
CONDITION_FAILED = "ConditionalCheckFailedException"
_TRIES = 9
_FIRST_WAIT_S = 0.05


def to_item(values: dict[str, Any]) -> Item:
    """Return DynamoDB's form of plain values. A value that is None is left out; a float raises TypeError."""
    return {name: _wire_form(value) for name, value in values.items() if value is not None}


def _wire_form(value: Any) -> dict[str, Any]:
    # Written out for the types of the service's items: boto3's serializer tries each type in turn, and takes as long to
    # load as all of the app's own modules.
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is dict:
        return {"M": {name: _wire_form(member) for name, member in value.items()}}
    if kind is int or (kind is Decimal and value.is_finite()):
        return {"N": str(_NUMBER(value))}
    if kind is bool:
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if kind is list:
        return {"L": [_wire_form(member) for member in value]}
    from boto3.dynamodb.types import TypeSerializer

    form: dict[str, Any] = TypeSerializer().serialize(value)
    return form


def from_item(item: Item) -> dict[str, Any]:
    """Return plain values from DynamoDB's form; numbers are Decimal."""
    return {name: _plain(value) for name, value in item.items()}


def _plain(form: dict[str, Any]) -> Any:
    ((kind, value),) = form.items()
    if kind in ("S", "BOOL"):
        return value
    if kind == "N":
        return _NUMBER(value)
    if kind == "M":
        return {name: _plain(member) for name, member in value.items()}
    if kind == "L":
        return [_plain(member) for member in value]
    if kind == "NULL":
        return None
    from boto3.dynamodb.types import TypeDeserializer

    return TypeDeserializer().deserialize(form)


def call_if(operation: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any] | None:
    """Call a client's operation if its `ConditionExpression` holds; return its answer, None if it didn't hold.

    Raises what `call` raises.
    """
    try:
        return call(operation, **arguments)
    except ClientError as error:
        if error_code(error) != CONDITION_FAILED:
            raise
        return None


def queried(client: Any, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Yield the plain values of all items that a query finds; each page is read when the last one is used up.

    `arguments` are those of the client's `query`. Raises TemporarilyUnavailable.
    """
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
    """Yield the plain values of those items that exist, in any order, reading 100 in a call.

    The keys must be distinct. Raises TemporarilyUnavailable, also after some items were yielded.
    """
    for part in batches(keys, 100):
        pending: dict[str, Any] | None = {table: {"Keys": part, "ConsistentRead": is_consistent}}
        for _ in each_try(_TRIES, _FIRST_WAIT_S, sleep):
            answer = call(client.batch_get_item, RequestItems=pending)
            yield from map(from_item, answer["Responses"].get(table, ()))
            pending = answer.get("UnprocessedKeys")
            if not pending:
                break
        else:
            raise TemporarilyUnavailable


def batch_put(client: Any, table: str, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Put the items, 25 in a call, each in place of the item that has its key.

    Tries every item, also after others failed; then raises TemporarilyUnavailable if some weren't put.
    """
    _batch_write(client, table, ({"PutRequest": {"Item": item}} for item in items), sleep)


def batch_delete(client: Any, table: str, keys: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Delete the items with these keys, 25 in a call. A key without an item is no error.

    Tries every key, also after others failed; then raises TemporarilyUnavailable if some weren't deleted.
    """
    _batch_write(client, table, ({"DeleteRequest": {"Key": key}} for key in keys), sleep)


def _batch_write(client: Any, table: str, requests: Iterable[dict[str, Any]], sleep: Callable[[float], None]) -> None:
    are_written = [_write_part(client, table, part, sleep) for part in batches(requests, 25)]
    if not all(are_written):
        raise TemporarilyUnavailable


def _write_part(client: Any, table: str, requests: list[dict[str, Any]], sleep: Callable[[float], None]) -> bool:
    pending: dict[str, Any] | None = {table: requests}
    for _ in each_try(_TRIES, _FIRST_WAIT_S, sleep):
        with contextlib.suppress(TemporarilyUnavailable):
            pending = call(client.batch_write_item, RequestItems=pending).get("UnprocessedItems")
        if not pending:
            return True
    return False
