"""What is told in the place of an authorization that comes later, for each of its holders.

A payment can come before the authorization that it settles. Its e-mail then stands for that of the authorization, whose
notification is noted as `skipped` before anything is sent, with the authorizations for which this holds (`told_for`,
see `purchase.stands_for`): the authorization itself may turn out to be of another account. Where the authorization's
notification is there already, it is told by itself, and nothing stands for it.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.aws.conditional import write_apart
from chalicelib.aws.dynamo import to_item
from chalicelib.aws.retention import KEPT, expiry
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey, State

_TRIES = 5


class Standing(Enum):
    """What became of a request to stand for an authorization."""

    STANDS = "it is told in the authorization's place"
    IS_TOLD = "the authorization has come and is told by itself"
    BUSY = "others are at it"


@dataclass(frozen=True, slots=True)
class StandIn:
    """A payment or a release that is told before its authorization; `told_for` is not empty."""

    authorization: NotificationKey
    told_for: frozenset[str]
    is_release: bool = False


class StandIns:
    def __init__(
        self,
        client: Any,
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        kept_days: int = KEPT.notifications,
    ) -> None:
        self._kept_days = kept_days
        self._client = client
        self._table = table
        self._sleep = sleep

    def ask(self, stand_ins: Sequence[StandIn], now: datetime) -> list[Standing]:
        """Return how each stands. The same again has the same answer; several may stand for one authorization.

        A write for each authorization, side by side.
        """
        by_key: dict[NotificationKey, list[StandIn]] = {}
        for stand_in in stand_ins:
            by_key.setdefault(stand_in.authorization, []).append(stand_in)
        standings = dict.fromkeys(by_key, Standing.STANDS)
        updates = {key: self._update(key, asked, now) for key, asked in by_key.items()}
        told, untried = write_apart(self._client, updates, sleep=self._sleep, tries=_TRIES)
        standings |= dict.fromkeys(told, Standing.IS_TOLD) | dict.fromkeys(untried, Standing.BUSY)
        return [standings[stand_in.authorization] for stand_in in stand_ins]

    def _update(self, key: NotificationKey, stand_ins: Iterable[StandIn], now: datetime) -> dict[str, Any]:
        stand_ins = list(stand_ins)
        are_releases = all(one.is_release for one in stand_ins)
        values = {
            ":skipped": State.SKIPPED.value,
            ":reason": "told_as_reversal" if are_releases else "told_as_settlement",
            ":now": format_time(now),
            ":expires_at": expiry(now, self._kept_days),
            ":told_for": frozenset().union(*(one.told_for for one in stand_ins)),
            ":account": key.account,
        }
        # A payment stands for the authorization more surely than a release does.
        reason = "if_not_exists(#reason, :reason)" if are_releases else ":reason"
        return {
            "Update": {
                "TableName": self._table,
                "Key": to_item(key.item_key()),
                "UpdateExpression": (
                    f"SET #state = :skipped, #reason = {reason}, updated_at = :now,"
                    " expires_at = :expires_at, account = :account ADD told_for :told_for"
                ),
                "ConditionExpression": "attribute_not_exists(transaction_key) OR attribute_exists(told_for)",
                "ExpressionAttributeNames": {"#state": "state", "#reason": "reason"},
                "ExpressionAttributeValues": to_item(values),
            }
        }
