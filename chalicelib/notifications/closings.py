"""What closed an authorization, for each of its holders: the first settlement or reversal that came to be told.

It is one item beside the notifications. Who finds another one there knows that the authorization is over, and is told
as what it is by itself. A closing that comes before its authorization is told in its place: with it, whole or not at
all, goes the note that the authorization's own notification is `skipped`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import Item, from_item, to_item, was_cancelled_in_passing
from chalicelib.aws.retries import back_off
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey, State

_MAX_ACTIONS = 100
_TRIES = 5
_CONDITION_FAILED = "ConditionalCheckFailed"
Put = dict[str, Any]


class How(StrEnum):
    """How a closing came to be told: by an e-mail of its own, or by its authorization's."""

    BY_ITSELF = "told"
    AS_AUTHORIZATION = "told_as_authorization"


class Other(Enum):
    """What became of a closing that did not close."""

    CLOSED_BEFORE = "another one has closed the authorization"
    IS_TOLD = "the authorization has come and is told by itself"
    BUSY = "others are at it"


@dataclass(frozen=True, slots=True)
class Closing:
    """A transaction that is to close an authorization for one holder.

    `told_for` is not empty when the authorization isn't there yet: the subjects (see `purchases`) for which telling
    this transaction tells it, too, and `reason` what is noted of it.
    """

    authorization: NotificationKey
    closed_by: str
    how: How
    told_for: frozenset[str] = frozenset()
    reason: str = ""


class Closings:
    def __init__(self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def close(self, closings: Sequence[Closing], now: datetime) -> list[How | Other]:
        """Return how each closing stands now: how it is to be told, whoever decided that, or why it closed nothing.

        One call for a hundred items, unless some are taken. The same closing again has the same answer.
        """
        standings: list[How | Other] = [Other.BUSY] * len(closings)
        pending = [(index, self._puts(closing, now)) for index, closing in enumerate(closings)]
        for wait_s in back_off(_TRIES, first_s=0.05):
            left = []
            for part in _parts(pending):
                for (index, puts), reasons in zip(part, self._put([puts for _, puts in part]), strict=True):
                    closing = closings[index]
                    if not reasons:
                        standings[index] = closing.how
                    elif any(reason.get("Code") == _CONDITION_FAILED for reason in reasons):
                        standings[index] = _standing(closing, reasons)
                    else:
                        left.append((index, puts))  # held back by the others, or contended, or throttled
            pending = left
            if not pending:
                break
            self._sleep(wait_s)
        return standings

    def _put(self, groups: Sequence[Sequence[Put]]) -> list[list[dict[str, Any]]]:
        """Put all groups' items or none; return for each group why it was not put, nothing if it was."""
        try:
            call(self._client.transact_write_items, TransactItems=[{"Put": put} for group in groups for put in group])
        except ClientError as error:
            if not was_cancelled_in_passing(error):
                raise
            reasons = iter(error.response["CancellationReasons"])
            return [[next(reasons) for _ in group] for group in groups]
        return [[] for _ in groups]

    def _puts(self, closing: Closing, now: datetime) -> list[Put]:
        key = closing.authorization
        mark = {
            **replace(key, transaction=f"{key.transaction}#closing").item_key(),
            "closed_by": closing.closed_by,
            "how": closing.how.value,
            "updated_at": format_time(now),
        }
        puts = [
            self._conditional(mark, "closed_by = :by AND how = :how", {":by": closing.closed_by, ":how": mark["how"]})
        ]
        if closing.told_for:
            note = {
                **key.item_key(),
                "state": State.SKIPPED.value,
                "reason": closing.reason,
                "closed_by": closing.closed_by,
                "told_for": set(closing.told_for),
                "updated_at": format_time(now),
            }
            puts.append(self._conditional(note, "closed_by = :by", {":by": closing.closed_by}))
        return puts

    def _conditional(self, values: dict[str, Any], is_ours: str, compared: dict[str, str]) -> Put:
        return {
            "TableName": self._table,
            "Item": to_item(values),
            "ConditionExpression": f"attribute_not_exists(transaction_key) OR ({is_ours})",
            "ExpressionAttributeValues": to_item(compared),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _standing(closing: Closing, reasons: Sequence[dict[str, Any]]) -> How | Other:
    mark, *note = [_old(reason) for reason in reasons]
    if mark:
        return How(mark["how"]) if mark["closed_by"] == closing.closed_by else Other.CLOSED_BEFORE
    return Other.CLOSED_BEFORE if "closed_by" in note[0] else Other.IS_TOLD


def _old(reason: dict[str, Any]) -> dict[str, Any]:
    item: Item = reason.get("Item") or {} if reason.get("Code") == _CONDITION_FAILED else {}
    return from_item(item)


def _parts(groups: Sequence[tuple[int, list[Put]]]) -> Iterator[list[tuple[int, list[Put]]]]:
    """Yield the groups in parts that fit a DynamoDB transaction, which takes no item twice."""
    left = list(groups)
    while left:
        part, taken, others = [], set[tuple[str, str]](), []
        for index, puts in left:
            keys = {(put["Item"]["transaction_key"]["S"], put["Item"]["holder"]["S"]) for put in puts}
            if keys & taken or len(taken) + len(keys) > _MAX_ACTIONS:
                others.append((index, puts))
            else:
                part.append((index, puts))
                taken |= keys
        yield part
        left = others
