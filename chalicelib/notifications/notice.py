"""Notices: what the stream handler asks the mailer for, and the recipients that the mailer makes of them.

A notice says that the holders of a transaction's account are to be notified. Several travel in one queue message.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.batching import batches, grouped
from chalicelib.aws.queues import GroupedBody, message
from chalicelib.holders.holder import Holder
from chalicelib.holders.preferences import SECURITY_ALERT
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction, from_json, to_json
from chalicelib.mail.story import kind_of
from chalicelib.notifications.state import NotificationKey, State, StateChange

# Ten messages of ten fill one SendMessageBatch and one invocation of the mailer.
TRANSACTIONS_A_MESSAGE = 10
Evidence = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """A transaction of which `holders` are to be notified, as they are `notified_as`; None means all holders of its
    account at that time.

    `attempt` counts how often it was put off, since `put_off_since`; no mailer has had time for it since `left_since`.
    Until `counted_until` its e-mail is among those that were counted for its holder (see `allowances`). `again` is set
    on a dead letter that is sent through again: a notification that had failed is then tried once more. `flags` holds
    the evidence of each flag; a notice with flags is a security alert. `waited` is set after a wait that has nothing to
    do with SES, like quiet hours.
    """

    transaction: Transaction
    holders: tuple[str, ...] | None = None
    attempt: int = 0
    put_off_since: datetime | None = None
    again: bool = False
    flags: Mapping[str, Evidence] = dataclasses.field(default_factory=dict)
    counted_until: datetime | None = None
    left_since: datetime | None = None
    waited: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Recipient:
    """A notice and one of the holders whom it is for."""

    notice: Notice
    holder: Holder
    key: NotificationKey = dataclasses.field(init=False, compare=False, repr=False)  # asked for in each step

    def __post_init__(self) -> None:
        transaction = self.notice.transaction
        key = NotificationKey(transaction.bank, transaction.id, self.holder.notified_as, transaction.account)
        object.__setattr__(self, "key", key)

    @property
    def put_off_since(self) -> datetime | None:
        return self.notice.put_off_since

    @property
    def alone(self) -> Notice:
        """The notice for this holder only."""
        return dataclasses.replace(self.notice, holders=(self.key.holder,))

    def change(self, state: State, reason: str | None = None, message_id: str | None = None) -> StateChange:
        """Return the notification's new state. It has been queued since the transaction was recorded."""
        notice = self.notice
        recorded_at = notice.transaction.recorded_at
        kind = SECURITY_ALERT if notice.flags else kind_of(notice.transaction)
        since = None if notice.waited or notice.again else recorded_at
        return StateChange(self.key, state, reason, message_id, recorded_at, kind=kind, since=since)


def to_payload(notice: Notice) -> dict[str, Any]:
    """Return the notice as JSON values, without what no e-mail shows."""
    transaction = to_json(dataclasses.replace(notice.transaction, metadata=None))
    payload: dict[str, Any] = {"bank": notice.transaction.bank, "transaction": transaction}
    if notice.holders is not None:
        payload["holders"] = list(notice.holders)
    if notice.attempt:
        payload["attempt"] = notice.attempt
    if notice.put_off_since is not None:
        payload["put_off_since"] = format_time(notice.put_off_since)
    if notice.again:
        payload["again"] = True
    if notice.flags:
        payload["flags"] = notice.flags
    if notice.counted_until is not None:
        payload["counted_until"] = format_time(notice.counted_until)
    if notice.left_since is not None:
        payload["left_since"] = format_time(notice.left_since)
    if notice.waited:
        payload["waited"] = True
    return payload


def pack(payloads: Iterable[dict[str, Any]]) -> Iterable[str]:
    """Return message bodies that carry the notices' payloads, several of one bank in each."""
    for bank, of_bank in grouped(payloads, _bank_of).items():
        for part in batches(of_bank, TRANSACTIONS_A_MESSAGE):
            yield GroupedBody.of(message({"notices": part}), bank)


def _bank_of(payload: dict[str, Any]) -> str:
    """Return the bank of a notice, or of a digest's notice; nothing for a payload that can't be read."""
    digest = payload.get("digest")
    return str((digest if isinstance(digest, dict) else payload).get("bank", ""))


def from_payload(payload: dict[str, Any]) -> Notice:
    """Return the notice in a payload; raises any exception for one that can't be read."""
    since, counted_until, left_since = map(payload.get, ("put_off_since", "counted_until", "left_since"))
    return Notice(
        transaction=from_json(payload["transaction"], payload["bank"]),
        holders=tuple(payload["holders"]) if "holders" in payload else None,
        attempt=int(payload.get("attempt", 0)),
        put_off_since=datetime.fromisoformat(since) if since else None,
        again=payload.get("again") is True,
        flags=dict(payload.get("flags", ())),
        counted_until=datetime.fromisoformat(counted_until) if counted_until else None,
        left_since=datetime.fromisoformat(left_since) if left_since else None,
        waited=payload.get("waited") is True,
    )
