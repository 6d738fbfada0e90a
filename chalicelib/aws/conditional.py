"""DynamoDB's conditional writes of several items: in a transaction, or each by itself at half of the write units."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from chalicelib.aws.calls import THROTTLED, call, code_behind, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, Item
from chalicelib.aws.retries import each_try
from chalicelib.errors import TemporarilyUnavailable

K = TypeVar("K")

# A condition that failed, as the reason why a transaction was cancelled.
CANCELLED_BY_CONDITION = "ConditionalCheckFailed"
# Reasons for which a transaction is cancelled although nothing is wrong with it: a later try may succeed.
_CANCELLED_IN_PASSING = frozenset(
    {"None", CANCELLED_BY_CONDITION, "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
_TRIES = 9
_FIRST_WAIT_S = 0.05
_AT_ONCE = 10
_HELD_UP = THROTTLED | {"TransactionConflictException"}
_OPERATIONS = {"Put": "put_item", "Update": "update_item"}


def was_cancelled_in_passing(error: ClientError) -> bool:
    """Return whether only conditions, contention or throttling cancelled a DynamoDB transaction.

    Any other reason is a defect: callers must raise it, and not take it for a condition that failed.
    """
    reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", ())}
    return error_code(error) == "TransactionCanceledException" and reasons <= _CANCELLED_IN_PASSING


def put_new(
    client: Any, table: str, key: str, items: Iterable[Item], *, sleep: Callable[[float], None] = time.sleep
) -> list[Item | None]:
    """Put those of at most 100 items whose key the table doesn't have yet.

    Returns, in the order of the items, None for each item that was put, and the stored item for each that wasn't.
    `key` names the table's partition key; the items' keys must be distinct. Raises TemporarilyUnavailable.
    """
    put = list(items)
    if not put:
        return []
    condition = {"ConditionExpression": f"attribute_not_exists({key})"}
    returned = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    puts = {index: {"Put": {"TableName": table, "Item": one, **condition, **returned}} for index, one in enumerate(put)}
    refused = _write_if(client, puts, sleep)
    return [refused[index]["Item"] if index in refused else None for index in puts]


def _write_if(
    client: Any, actions: Mapping[K, dict[str, Any]], sleep: Callable[[float], None]
) -> dict[K, dict[str, Any]]:
    """Write those of 1 to 100 actions, each on another item, whose condition holds: all of them or none.

    Returns the reasons, as DynamoDB says them, for which the others were refused, by their keys. Raises
    TemporarilyUnavailable if nothing could be written because others write the same items.
    """
    pending, refused = dict(actions), dict[K, dict[str, Any]]()
    for _ in each_try(_TRIES, _FIRST_WAIT_S, sleep):
        reasons = write_together(client, list(pending.values()))
        if not any(reasons):
            return refused
        found = dict(zip(list(pending), reasons, strict=True))
        refused |= {key: reason for key, reason in found.items() if reason.get("Code") == CANCELLED_BY_CONDITION}
        pending = {key: action for key, action in pending.items() if key not in refused}
        if not pending:
            return refused
    raise TemporarilyUnavailable


def write_apart(
    client: Any, actions: Mapping[K, dict[str, Any]], *, sleep: Callable[[float], None], tries: int
) -> tuple[dict[K, Item | None], set[K]]:
    """Write those of the actions, each on another item, whose condition holds: each by itself, side by side.

    That is half of a transaction's write units, and a call for each. Returns the items, as far as DynamoDB says them,
    for which the others were refused, by their keys; and the keys of those that could not be tried in so many `tries`.
    A write whose answer was lost is refused for what it has written itself: the caller must know it again. Raises
    TemporarilyUnavailable if DynamoDB can't be reached for any; one item that is throttled holds up no other. Raises
    any other error of DynamoDB's when all the others are tried.
    """
    pending, refused = dict(actions), dict[K, Item | None]()
    failed = dict[K, TemporarilyUnavailable]()
    for _ in each_try(tries, _FIRST_WAIT_S, sleep) if pending else ():
        with ThreadPoolExecutor(min(_AT_ONCE, len(pending))) as pool:
            outcomes = dict(zip(pending, pool.map(partial(_write, client), pending.values()), strict=True))
        if defect := next((one for one in outcomes.values() if isinstance(one, ClientError)), None):
            raise defect
        refused |= {key: outcome.item for key, outcome in outcomes.items() if isinstance(outcome, _Refused)}
        failed = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, TemporarilyUnavailable)}
        pending = {key: pending[key] for key in failed}
        if not pending:
            break
    # Others are at all these items, or too many at their partitions: that is no reason to give all up.
    is_held_up = all(code_behind(error) in _HELD_UP for error in failed.values())
    if len(pending) == len(actions) and not is_held_up:
        raise TemporarilyUnavailable
    return refused, set(pending)


class _Refused(NamedTuple):
    """The outcome of a write whose condition didn't hold, for this item if DynamoDB says it."""

    item: Item | None


def _write(client: Any, action: Mapping[str, dict[str, Any]]) -> _Refused | TemporarilyUnavailable | ClientError | None:
    """Return None if it is written, and otherwise why not."""
    ((kind, arguments),) = action.items()
    try:
        call(getattr(client, _OPERATIONS[kind]), **arguments)
    except ClientError as error:
        return _Refused(error.response.get("Item")) if error_code(error) == CONDITION_FAILED else error
    except TemporarilyUnavailable as error:
        return error
    return None


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
