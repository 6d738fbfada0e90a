"""E-mails that SES accepted in one call: one item for all of a bank's, beside the claims of their notifications.

Fifty notes, each in its own item, cost fifty write units, this item seven. The claims stay as they are. A claim's id,
`<call>#<number>`, says which item completes it, and under which number: nobody reads a claim without it. A second item
says which of the call's e-mails were delivered, and when.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.aws.batching import grouped
from chalicelib.aws.conditional import write_apart
from chalicelib.aws.dynamo import Item, batch_get, to_item
from chalicelib.aws.retention import KEPT, expiry
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.times import format_time, sortable
from chalicelib.notifications.state import Feedback, Kind, NotificationKey, State, StateChange

_TRIES = 9  # without this item, fifty e-mails go out twice
_TRIES_OF_DELIVERIES = 5  # SQS brings them again
_CLAIM_ID = re.compile(r"[^#]+#[0-9]+")
_SENT = "#sent"
_DELIVERED = "#delivered"
_OF_A_CLAIM = ("claim_id", "claimed_until")
Note = Mapping[str, Any]
Notes = Mapping[NotificationKey, Note]
Delivery = tuple[NotificationKey, Feedback]


class _Claim(NamedTuple):
    """A claim of one of a bank's calls."""

    bank: str
    call_id: str
    number: str

    def item_key(self, mark: str) -> tuple[str, str]:
        return f"{self.bank}{_SENT}#{self.call_id}", mark  # a transaction's key has one '#'


_Items = Mapping[tuple[str, str], Mapping[str, Any]]  # by their keys


class SentTogether:
    def __init__(
        self,
        client: Any,
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        kept_days: int = KEPT.notifications,
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep
        self._kept_days = kept_days

    def put(self, changes: Mapping[str, StateChange], now: datetime) -> None:
        """Note e-mails as sent, by the ids of their notifications' claims, which are of one call.

        A write for each bank; what was noted of the call before stays. Raises TemporarilyUnavailable with the notes of
        some banks maybe written; the same again makes no difference.
        """
        claims = {_claim(change.key.bank, claim_id): change for claim_id, change in changes.items()}
        values = {claim: {claim.number: _as_stored(change, now)} for claim, change in claims.items()}
        self._add(_SENT, values, now, _TRIES)

    def put_delivered(self, deliveries: Iterable[Delivery], notes: Notes) -> set[Delivery]:
        """Note when e-mails were delivered, of those that are known to be sent in a call; return these.

        `notes` are the notes of all their notifications, as they are stored. A write for each bank and call. The same
        again, and another order, make no difference. Raises TemporarilyUnavailable with some maybe written.
        """
        claims = _claims(notes)
        sent = _sent(notes, claims, self._items(claims, _SENT))
        noted = {one for one in deliveries if one[0] in sent and sent[one[0]]["message_id"] == one[1].message_id}
        times: dict[_Claim, dict[str, Any]] = {}
        for key, told in noted:
            times.setdefault(claims[key], {})[f"{claims[key].number}#{sortable(told.at)}"] = True
        if times:
            self._add(_DELIVERED, times, max(told.at for _, told in noted), _TRIES_OF_DELIVERIES)
        return noted

    def completed(self, notes: Notes) -> dict[NotificationKey, Note]:
        """Return the notes, with `sent` in the place of each claim whose e-mail has been sent.

        The items of the claims are read consistently, 100 in a call; without a claim there is no call.
        """
        claims = _claims(notes)
        return {**notes, **_sent(notes, claims, self._items(claims, _SENT))}

    def completed_and_delivered(
        self, notes: Notes
    ) -> tuple[dict[NotificationKey, Note], dict[NotificationKey, list[Feedback]]]:
        """Return the same, and what is noted here of deliveries, by each notification that was sent in a call."""
        claims = _claims(notes)
        items = self._items(claims, _SENT, _DELIVERED)
        sent = _sent(notes, claims, items)
        return {**notes, **sent}, {key: _deliveries(claims[key], note, items) for key, note in sent.items()}

    def _items(self, claims: Mapping[NotificationKey, _Claim], *marks: str) -> _Items:
        keys = dict.fromkeys(claim.item_key(mark) for claim in claims.values() for mark in marks)
        found = batch_get(self._client, self._table, map(_stored_key, keys), sleep=self._sleep)
        return {(one["transaction_key"], one["holder"]): one for one in found}

    def _add(self, mark: str, values: Mapping[_Claim, Mapping[str, Any]], now: datetime, tries: int) -> None:
        """Add the values of each claim to the item of its call, a write for each item."""
        by_item = grouped(values, lambda claim: claim.item_key(mark))
        updates = {key: {"Update": self._update(key, [values[one] for one in of], now)} for key, of in by_item.items()}
        if write_apart(self._client, updates, sleep=self._sleep, tries=tries)[1]:
            raise TemporarilyUnavailable

    def _update(self, key: tuple[str, str], values: Iterable[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
        by_name = {name: value for one in values for name, value in one.items()}
        set_values = ", ".join(f"#n{number} = :n{number}" for number in range(len(by_name)))
        return {
            "TableName": self._table,
            "Key": _stored_key(key),
            "UpdateExpression": f"SET expires_at = :expires_at, {set_values}",
            "ExpressionAttributeNames": {f"#n{number}": name for number, name in enumerate(by_name)},
            "ExpressionAttributeValues": to_item(
                {":expires_at": expiry(now, self._kept_days)}
                | {f":n{number}": value for number, value in enumerate(by_name.values())}
            ),
        }


def _claim(bank: str, claim_id: str) -> _Claim:
    return _Claim(bank, *claim_id.split("#"))


def _claims(notes: Notes) -> dict[NotificationKey, _Claim]:
    """Return the claims among the notes. What can't be read completes nothing, here as below: its reader says so."""
    ids = {key: str(note["claim_id"]) for key, note in notes.items() if "claim_id" in note}
    return {key: _claim(key.bank, claim_id) for key, claim_id in ids.items() if _CLAIM_ID.fullmatch(claim_id)}


def _stored_key(key: tuple[str, str]) -> Item:
    return to_item(dict(zip(("transaction_key", "holder"), key, strict=True)))


def _as_stored(change: StateChange, now: datetime) -> list[str | None]:
    return [format_time(now), change.message_id, format_time(change.queued_at) if change.queued_at else None]


def _sent(notes: Notes, claims: Mapping[NotificationKey, _Claim], items: _Items) -> dict[NotificationKey, Note]:
    """Return the notes of those claims whose e-mails have been sent, without what is a claim's only."""
    found: dict[NotificationKey, Any] = {
        key: items.get(claim.item_key(_SENT), {}).get(claim.number) for key, claim in claims.items()
    }
    return {key: _as_sent(notes[key], *stored) for key, stored in found.items() if _is_stored(stored)}


def _is_stored(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(one) is str for one in value[:2])


def _as_sent(claim: Note, at: str, message_id: str, queued_at: str | None) -> Note:
    note = {name: value for name, value in claim.items() if name not in _OF_A_CLAIM}
    note |= {"state": State.SENT.value, "message_id": message_id, "updated_at": at}
    return note | ({"queued_at": queued_at} if queued_at else {})


def _deliveries(claim: _Claim, sent: Note, items: _Items) -> list[Feedback]:
    found: list[Feedback] = []
    for name in items.get(claim.item_key(_DELIVERED), {}):
        number, _, at = name.partition("#")
        if number == claim.number:
            with suppress(ValueError):
                accepted_at = datetime.fromisoformat(sent["updated_at"])
                found.append(Feedback(datetime.fromisoformat(at), Kind.DELIVERY, sent["message_id"], accepted_at))
    return found
