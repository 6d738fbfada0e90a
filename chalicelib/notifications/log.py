"""The notifications table: for each transaction and holder, what became of the e-mail; and who may send it."""

import os
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from chalicelib.aws.conditional import write_apart
from chalicelib.aws.dynamo import Item, batch_get, batch_put, from_item, to_item
from chalicelib.aws.retention import KEPT, expiry
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.preferences import NOT_OF_ALERTS
from chalicelib.ledger.times import format_time, sortable
from chalicelib.notifications.email_quota import OVER_QUOTA
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.state import NotificationKey, State, StateChange

_TRIES = 5
_FOR_GOOD = "9999"  # behind every time: nobody but its digest tells what waits for it
# For which an ordinary e-mail is skipped, and no security alert.
_NOT_OF_ALERTS = (*NOT_OF_ALERTS, OVER_QUOTA)
_NO_SUBJECTS = ("none", "none")  # which nothing stands for: subjects have a "#"
Subjects = Mapping[NotificationKey, Sequence[str]]
Recorded = Callable[[Sequence[StateChange], datetime], None]


def _not_counted(_changes: Sequence[StateChange], _now: datetime) -> None:
    pass


@dataclass(slots=True)
class Claims:
    """Which notifications this invocation may send, which are settled, which another one is busy with, and which wait
    for a digest that will tell them."""

    claimed: set[NotificationKey] = field(default_factory=set)
    settled: set[NotificationKey] = field(default_factory=set)
    busy: set[NotificationKey] = field(default_factory=set)
    held: set[NotificationKey] = field(default_factory=set)


class NotificationLog:
    """Keeps a notification from being sent twice: it is claimed before SES is asked, and noted right after.

    A claim is a lease: a function that dies with it leaves a notification that can be claimed again when the
    lease is over. Only a death between SES's yes and the note lets an e-mail out twice. `recorded` gets all states that
    are recorded, with the time. The log knows the claims of its last call of `claim`: only its own are given back.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        feed: NotificationFeed,
        sleep: Callable[[float], None] = time.sleep,
        kept_days: int = KEPT.notifications,
        recorded: Recorded = _not_counted,
    ) -> None:
        self._recorded = recorded
        self._kept_days = kept_days
        self._client = client
        self._table = table
        self._feed = feed
        self._sleep = sleep
        self._claim_id = ""

    def claim(
        self,
        keys: Sequence[NotificationKey],
        now: datetime,
        until: datetime,
        again: Container[NotificationKey] = (),
        subjects: Subjects = MappingProxyType({}),
        alerts: Container[NotificationKey] = (),
    ) -> Claims:
        """Claim distinct notifications until the lease's end, each by a write of its own, side by side.

        Those in `again` can be claimed although they had failed, those in `alerts` although they were skipped for what
        holds no alert back: a batch of the stream that comes again may flag what was told as an ordinary one. One that
        another transaction told in its place can be claimed after all if neither of its two subjects is among those
        that were told (see `stand_ins`).
        """
        self._claim_id = os.urandom(8).hex()
        puts = {
            key: {"Put": self._claim(key, now, until, key in again, key in alerts, subjects.get(key) or _NO_SUBJECTS)}
            for key in keys
        }
        refused, untried = write_apart(self._client, puts, sleep=self._sleep, tries=_TRIES)
        # Untried to the last, or written with the answer lost: they come around again when the lease is over.
        claims = Claims(claimed=puts.keys() - refused.keys() - untried, busy=untried)
        notes = {key: from_item(item) for key, item in refused.items() if item}
        # DynamoDB Local, as it is packaged today, doesn't return the item.
        notes |= self.notes(refused.keys() - notes.keys())
        for key in refused:
            note = notes.get(key, {})
            if note.get("claim_id") == self._claim_id:
                claims.claimed.add(key)  # by the first try, whose answer was lost
            else:
                _why_not(claims, note).add(key)
        # Whoever settled them may have died before the feed had them.
        self._feed.append(sorted(claims.settled))
        return claims

    def record(self, changes: Iterable[StateChange], now: datetime) -> None:
        """Record the new states of claimed notifications, 25 in a call, and put those that changed into the feed.

        The state `queued` gives the claim back, or to the digest that the notification is to wait for, as long as it is
        one's own.
        """
        changes = list(changes)
        final = [change for change in changes if change.state is not State.QUEUED]
        self._give_back((change for change in changes if change.state is State.QUEUED), now)
        batch_put(self._client, self._table, (self._item(change, now) for change in final), sleep=self._sleep)
        self._recorded(changes, now)
        self._feed.append(change.key for change in final)

    def queued(self, keys: Iterable[NotificationKey]) -> set[NotificationKey]:
        """Return those of the notifications that are still to be told: claimed, put off or waiting. Read consistently,
        100 in a call."""
        return {key for key, note in self.notes(keys).items() if note["state"] == State.QUEUED}

    def notes(self, keys: Iterable[NotificationKey]) -> dict[NotificationKey, dict[str, Any]]:
        """Return what is noted of those notifications of which something is. Read consistently, 100 in a call."""
        items = (to_item(key.item_key()) for key in dict.fromkeys(keys))
        stored = batch_get(self._client, self._table, items, sleep=self._sleep)
        return {NotificationKey.of_item(values): values for values in stored}

    def _give_back(self, changes: Iterable[StateChange], now: datetime) -> None:
        """Give claims back, unless they have ended and somebody else has the notification since.

        A write whose answer was lost may have given them back: made again, it must not take another one's claim.
        """
        returns = {change.key: self._return(change, now) for change in changes}
        if write_apart(self._client, returns, sleep=self._sleep, tries=_TRIES)[1]:
            raise TemporarilyUnavailable

    def _return(self, change: StateChange, now: datetime) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": self._item(change, now),
                "ConditionExpression": "claim_id = :own",
                "ExpressionAttributeValues": to_item({":own": self._claim_id}),
            }
        }

    def _claim(
        self,
        key: NotificationKey,
        now: datetime,
        until: datetime,
        is_again: bool,
        is_alert: bool,
        subjects: Sequence[str],
    ) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": to_item(
                {
                    **key.item_key(),
                    "account": key.account or None,
                    "state": State.QUEUED.value,
                    "claimed_until": sortable(until),
                    "claim_id": self._claim_id,
                    "updated_at": format_time(now),
                    "expires_at": expiry(now, self._kept_days),
                }
            ),
            "ConditionExpression": (
                "attribute_not_exists(transaction_key) OR "
                "((#state IN (:queued, :failed) OR #reason IN (:not0, :not1, :not2, :not3)) "
                "AND (attribute_not_exists(claimed_until) OR claimed_until < :now)) OR "
                "(attribute_exists(told_for) AND NOT (contains(told_for, :about) OR contains(told_for, :exactly)))"
            ),
            "ExpressionAttributeNames": {"#state": "state", "#reason": "reason"},
            "ExpressionAttributeValues": to_item(
                {
                    **{f":not{n}": one if is_alert else "none" for n, one in enumerate(_NOT_OF_ALERTS)},
                    ":queued": State.QUEUED.value,
                    ":failed": (State.FAILED if is_again else State.QUEUED).value,
                    ":now": sortable(now),
                    ":about": subjects[0],
                    ":exactly": subjects[1],
                }
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _item(self, change: StateChange, now: datetime) -> Item:
        is_held = change.digest is not None and change.state is State.QUEUED
        return to_item(
            {
                **change.key.item_key(),
                "account": change.key.account or None,
                "state": change.state.value,
                "reason": change.reason,
                "message_id": change.message_id,
                "digest": change.digest,
                "claimed_until": _FOR_GOOD if is_held else None,
                "queued_at": format_time(change.queued_at) if change.queued_at else None,
                "updated_at": format_time(now),
                "expires_at": expiry(now, self._kept_days),
            }
        )


def _why_not(claims: Claims, note: Mapping[str, Any]) -> set[NotificationKey]:
    """Return the set in which a notification with this note belongs, which can't be claimed."""
    if note.get("state") != State.QUEUED:
        return claims.settled
    return claims.held if "digest" in note else claims.busy
