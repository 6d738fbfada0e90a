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
from chalicelib.notifications.sent_together import SentTogether
from chalicelib.notifications.state import NotificationKey, State, StateChange

_TRIES = 5
_FOR_GOOD = "9999"  # behind every time: nobody but its digest tells what waits for it
# For which an ordinary e-mail is skipped, and no security alert.
_NOT_OF_ALERTS = (*NOT_OF_ALERTS, OVER_QUOTA)
_NO_SUBJECTS = ("none", "none")  # which nothing stands for: subjects have a "#"
_NOBODY_S = "none"  # no claim's id
Subjects = Mapping[NotificationKey, Sequence[str]]
Note = Mapping[str, Any]
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
    lease is over. Only a death between SES's yes and the note lets an e-mail out twice. Notes of several e-mails that
    SES accepted at once are in an item of their own (see `sent_together`), so a claim whose lease is over is looked
    into before it is taken. `recorded` gets all states that are recorded, with the time. The log knows the claims of
    its last call of `claim`: only its own are given back, and completed.
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
        self._together = SentTogether(client, table, sleep, kept_days)
        self._own: dict[NotificationKey, str] = {}  # the ids of its claims

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
        call_id = os.urandom(8).hex()
        self._own = {key: f"{call_id}#{number}" for number, key in enumerate(keys)}

        def put(key: NotificationKey, ended: str) -> dict[str, Any]:
            about = subjects.get(key) or _NO_SUBJECTS
            return {"Put": self._claim(key, now, until, ended, key in again, key in alerts, about)}

        claims = Claims()
        refused = self._try({key: put(key, _NOBODY_S) for key in keys}, claims)
        # Of these the leases are over, and nothing was sent.
        ended = {
            key: note["claim_id"]
            for key, note in refused.items()
            if "claim_id" in note and note["claimed_until"] < sortable(now)
        }
        refused |= self._try({key: put(key, claim_id) for key, claim_id in ended.items()}, claims)
        for key in refused.keys() - claims.claimed - claims.busy:
            _why_not(claims, refused[key]).add(key)
        self._own = {key: self._own[key] for key in claims.claimed}
        # Whoever settled them may have died before the feed had them.
        self._feed.append(sorted(claims.settled))
        return claims

    def _try(self, puts: Mapping[NotificationKey, dict[str, Any]], claims: Claims) -> dict[NotificationKey, Note]:
        """Put the claims; add what is one's own, or can't be tried, to `claims`, and return the notes of the others."""
        refused, untried = write_apart(self._client, puts, sleep=self._sleep, tries=_TRIES)
        notes: dict[NotificationKey, Note] = {key: from_item(item) for key, item in refused.items() if item}
        # DynamoDB Local, as it is packaged today, doesn't return the item.
        notes |= self._stored(refused.keys() - notes.keys())
        # By the first try, whose answer was lost.
        own = {key for key, note in notes.items() if note.get("claim_id") == self._own[key]}
        claims.claimed |= (puts.keys() - refused.keys() - untried) | own
        # They come around again when the lease is over.
        claims.busy |= untried
        completed = self._together.completed(notes)
        return {key: completed.get(key, {}) for key in refused}

    def record(self, changes: Iterable[StateChange], now: datetime) -> None:
        """Record the new states of claimed notifications, and put those that changed into the feed.

        The state `queued` gives the claim back, or to the digest that the notification is to wait for, as long as it is
        one's own. Several that are `sent` are noted in one item, others 25 in a call.
        """
        changes = list(changes)
        final = [change for change in changes if change.state is not State.QUEUED]
        self._give_back((change for change in changes if change.state is State.QUEUED), now)
        sent = {self._own[one.key]: one for one in final if one.state is State.SENT and one.key in self._own}
        together = sent if len(sent) > 1 else {}
        self._together.put(together, now)
        apart = [change for change in final if self._own.get(change.key) not in together]
        batch_put(self._client, self._table, (self._item(change, now) for change in apart), sleep=self._sleep)
        self._recorded(changes, now)
        self._feed.append(change.key for change in final)

    def queued(self, keys: Iterable[NotificationKey]) -> set[NotificationKey]:
        """Return those of the notifications that are still to be told: claimed, put off or waiting. Read consistently,
        100 in a call."""
        return {key for key, note in self.notes(keys).items() if note["state"] == State.QUEUED}

    def notes(self, keys: Iterable[NotificationKey]) -> dict[NotificationKey, Note]:
        """Return what is noted of those notifications of which something is. Read consistently, 100 in a call."""
        return self._together.completed(self._stored(dict.fromkeys(keys)))

    def _stored(self, keys: Iterable[NotificationKey]) -> dict[NotificationKey, Note]:
        items = (to_item(key.item_key()) for key in keys)
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
                "ExpressionAttributeValues": to_item({":own": self._own.get(change.key, _NOBODY_S)}),
            }
        }

    def _claim(
        self,
        key: NotificationKey,
        now: datetime,
        until: datetime,
        ended: str,
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
                    "claim_id": self._own[key],
                    "updated_at": format_time(now),
                    "expires_at": expiry(now, self._kept_days),
                }
            ),
            "ConditionExpression": (
                "attribute_not_exists(transaction_key) OR "
                "((#state IN (:queued, :failed) OR #reason IN (:not0, :not1, :not2, :not3)) "
                "AND (attribute_not_exists(claimed_until) OR claim_id = :ended)) OR "
                "(attribute_exists(told_for) AND NOT (contains(told_for, :about) OR contains(told_for, :exactly)))"
            ),
            "ExpressionAttributeNames": {"#state": "state", "#reason": "reason"},
            "ExpressionAttributeValues": to_item(
                {
                    **{f":not{n}": one if is_alert else "none" for n, one in enumerate(_NOT_OF_ALERTS)},
                    ":queued": State.QUEUED.value,
                    ":failed": (State.FAILED if is_again else State.QUEUED).value,
                    ":ended": ended,
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


def _why_not(claims: Claims, note: Note) -> set[NotificationKey]:
    """Return the set in which a notification with this note belongs, which can't be claimed."""
    if note.get("state") != State.QUEUED:
        return claims.settled
    return claims.held if "digest" in note else claims.busy
