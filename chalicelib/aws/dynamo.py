"""DynamoDB's wire form: items to plain values and back, and batches that send again what DynamoDB left unprocessed."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call, error_code
from chalicelib.aws.retries import back_off
from chalicelib.errors import TemporarilyUnavailable

K = TypeVar("K")
Item = dict[str, Any]

# DynamoDB's numbers: what they can't hold exactly is refused.
_NUMBER = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow]).create_decimal
CONDITION_FAILED = "ConditionalCheckFailedException"
CANCELLED_BY_CONDITION = "ConditionalCheckFailed"  # the same, as the reason why a transaction was cancelled
# Reasons for which a transaction is cancelled although nothing is wrong with it: a later try may succeed.
_CANCELLED_IN_PASSING = frozenset(
    {"None", CANCELLED_BY_CONDITION, "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
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


def was_cancelled_in_passing(error: ClientError) -> bool:
    """Return whether only conditions, contention or throttling cancelled a DynamoDB transaction.

    Any other reason is a defect: callers must raise it, and not take it for a condition that failed.
    """
    reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", ())}
    return error_code(error) == "TransactionCanceledException" and reasons <= _CANCELLED_IN_PASSING


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
        for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
            answer = call(client.batch_get_item, RequestItems=pending)
            yield from map(from_item, answer["Responses"].get(table, ()))
            pending = answer.get("UnprocessedKeys")
            if not pending:
                break
            sleep(wait_s)
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


def put_new(
    client: Any, table: str, key: str, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep
) -> list[Item | None]:
    """Put those of at most 100 items whose key the table doesn't have yet.

    Returns, in the order of the items, None for each item that was put, and the stored item for each that wasn't.
    `key` names the table's partition key; the items' keys must be distinct. Raises TemporarilyUnavailable.
    """
    put = list(items)
    condition = {"ConditionExpression": f"attribute_not_exists({key})"}
    returned = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    puts = {index: {"Put": {"TableName": table, "Item": one, **condition, **returned}} for index, one in enumerate(put)}
    refused, contended = write_if(client, puts, sleep=sleep, tries=_TRIES)
    if contended:
        raise TemporarilyUnavailable
    return [refused[index]["Item"] if index in refused else None for index in puts]


def write_if(
    client: Any, actions: Mapping[K, dict[str, Any]], *, sleep: Callable[[float], None], tries: int
) -> tuple[dict[K, dict[str, Any]], set[K]]:
    """Write those of at most 100 actions, each on another item, whose condition holds: all of them or none.

    Returns the reasons, as DynamoDB says them, for which the others were refused, by their keys; and, if nothing was
    written in so many `tries` because others write the same items, the keys of all that are left.
    """
    pending, refused = dict(actions), dict[K, dict[str, Any]]()
    if not pending:
        return refused, set()
    for wait_s in back_off(tries, _FIRST_WAIT_S):
        reasons = write_together(client, list(pending.values()))
        if not any(reasons):
            return refused, set()
        found = dict(zip(list(pending), reasons, strict=True))
        refused |= {key: reason for key, reason in found.items() if reason.get("Code") == CANCELLED_BY_CONDITION}
        pending = {key: action for key, action in pending.items() if key not in refused}
        if not pending:
            return refused, set()
        sleep(wait_s)
    return refused, set(pending)


def _write_part(client: Any, table: str, requests: list[dict[str, Any]], sleep: Callable[[float], None]) -> bool:
    pending: dict[str, Any] | None = {table: requests}
    for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
        with contextlib.suppress(TemporarilyUnavailable):
            pending = call(client.batch_write_item, RequestItems=pending).get("UnprocessedItems")
        if not pending:
            return True
        sleep(wait_s)
    return False


def write_together(client: Any, actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write all of at most 100 actions, each on another item, or none of them.

    Return for each action the reason for which it kept the others from being written, as DynamoDB says it; all reasons
    are empty if all are written.
    """
    try:
        call(client.transact_write_items, TransactItems=list(actions))
    except ClientError as error:
        if not was_cancelled_in_passing(error):
            raise
        return list(error.response["CancellationReasons"])
    return [{}] * len(actions)
