"""E-mails that SES accepted in one call: one item for all of a bank's, beside the claims of their notifications.

Fifty notes, each in its own item, cost fifty write units, this item seven. The claims stay as they are. A claim's id,
`<call>#<number>`, says which item completes it, and under which number: nobody reads a claim without it.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.batching import grouped
from chalicelib.aws.conditional import write_apart
from chalicelib.aws.dynamo import batch_get, to_item
from chalicelib.aws.retention import KEPT, expiry
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey, State, StateChange

_TRIES = 9  # without this item, fifty e-mails go out twice
_KEY = "#sent"
_OF_A_CLAIM = ("claim_id", "claimed_until")
Notes = Mapping[NotificationKey, Mapping[str, Any]]


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
        by_bank = grouped(changes.items(), lambda pair: pair[1].key.bank)
        updates = {bank: {"Update": self._update(bank, dict(of_bank), now)} for bank, of_bank in by_bank.items()}
        if write_apart(self._client, updates, sleep=self._sleep, tries=_TRIES)[1]:
            raise TemporarilyUnavailable

    def completed(self, notes: Notes) -> dict[NotificationKey, Mapping[str, Any]]:
        """Return the notes, with `sent` in the place of each claim whose e-mail has been sent.

        The items of the claims are read consistently, 100 in a call; without a claim there is no call.
        """
        claims = {key: note["claim_id"].split("#") for key, note in notes.items() if "claim_id" in note}
        keys = dict.fromkeys((key.bank, call_id) for key, (call_id, _) in claims.items())
        items = (to_item(_item_key(*key)) for key in keys)
        found = {one["transaction_key"]: one for one in batch_get(self._client, self._table, items, sleep=self._sleep)}
        sent = {
            key: _sent(notes[key], *item[number])
            for key, (call_id, number) in claims.items()
            if number in (item := found.get(_item_key(key.bank, call_id)["transaction_key"], {}))
        }
        return {**notes, **sent}

    def _update(self, bank: str, changes: Mapping[str, StateChange], now: datetime) -> dict[str, Any]:
        notes = {
            claim_id.split("#")[1]: [
                format_time(now),
                change.message_id,
                format_time(change.queued_at) if change.queued_at else None,
            ]
            for claim_id, change in changes.items()
        }
        call_id = next(iter(changes)).split("#")[0]
        set_notes = ", ".join(f"#sent{number} = :sent{number}" for number in notes)
        return {
            "TableName": self._table,
            "Key": to_item(_item_key(bank, call_id)),
            "UpdateExpression": f"SET expires_at = :expires_at, {set_notes}",
            "ExpressionAttributeNames": {f"#sent{number}": number for number in notes},
            "ExpressionAttributeValues": to_item(
                {":expires_at": expiry(now, self._kept_days)}
                | {f":sent{number}": note for number, note in notes.items()}
            ),
        }


def _item_key(bank: str, call_id: str) -> dict[str, str]:
    return {"transaction_key": f"{bank}{_KEY}#{call_id}", "holder": _KEY}  # a transaction's key has one '#'


def _sent(claim: Mapping[str, Any], at: str, message_id: str, queued_at: str | None) -> dict[str, Any]:
    note = {name: value for name, value in claim.items() if name not in _OF_A_CLAIM}
    note |= {"state": State.SENT.value, "message_id": message_id, "updated_at": at}
    return note | ({"queued_at": queued_at} if queued_at else {})
