"""Webhooks: what a bank's own systems are told of its notifications, when, and for how long it is tried.

In the form of Standard Webhooks (github.com/standard-webhooks/standard-webhooks). Pure: time comes in.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.queues import message
from chalicelib.banks.bank import BANK_ID
from chalicelib.ledger.keys import transaction_key
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey, State

# Of other states the feed tells. A rejected e-mail was never sent: to the bank, it has failed.
TYPE_OF = {
    State.DELIVERED: "notification.delivered",
    State.BOUNCED: "notification.bounced",
    State.REJECTED: "notification.failed",
    State.FAILED: "notification.failed",
}
TYPES = tuple(sorted(set(TYPE_OF.values())))
# Each wait is three times as long as all the time before it: 5 s, 15 s, 1 min, 4 min, 16 min, an hour, four.
_FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=6)
TRIED_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A message to a bank's endpoint. `body` is what is signed and sent, the same at each try.

    `first_at` is when it was first tried, or to be; `not_before` when it is to be tried next; one to be sent `again` is
    sent at once, although it has been delivered, or waits.
    """

    id: str
    key: NotificationKey
    type: str
    body: str
    first_at: datetime
    not_before: datetime | None = None
    again: bool = False

    @property
    def bank(self) -> str:
        return self.key.bank

    def is_given_up(self, now: datetime) -> bool:
        return now - self.first_at >= TRIED_FOR

    def next_try(
        self, now: datetime, jitter: float, at_least: timedelta = timedelta(0), at_most: timedelta = LONGEST_WAIT
    ) -> "Webhook":
        """Return it as it is to be tried next; `jitter`, from 0 to 1, makes the wait up to a quarter longer.

        `at_least` is how long the endpoint asks to be left alone.
        """
        wait = min(max(_FIRST_WAIT, 3 * (now - self.first_at), at_least), at_most)
        return replace(self, not_before=now + wait * (1 + jitter / 4), again=False)


def webhook_of(key: NotificationKey, notification: Mapping[str, Any], now: datetime) -> Webhook | None:
    """Return what is to be sent of a notification as the API answers it, None if its state is not to be told so.

    The same state makes the same message, with the same id, however often it is made.
    """
    event = TYPE_OF.get(State(notification["state"]))
    if event is None:
        return None
    at = _decided_at(notification)
    digest = hashlib.sha256(
        "\n".join((transaction_key(key.bank, key.transaction), key.holder, event, at)).encode()
    ).digest()
    told = {name: notification[name] for name in ("holder", "state", "reason", "message_id") if name in notification}
    body = {"type": event, "timestamp": at, "data": {"transaction": key.transaction, **told}}
    webhook_id = f"msg_{base64.urlsafe_b64encode(digest[:18]).decode()}"
    return Webhook(webhook_id, key, event, json.dumps(body, ensure_ascii=False), now)


def pack(webhook: Webhook) -> str:
    """Return the queue's message."""
    content = {
        "id": webhook.id,
        "bank": webhook.bank,
        "transaction": webhook.key.transaction,
        "holder": webhook.key.holder,
        "type": webhook.type,
        "body": webhook.body,
        "first_at": format_time(webhook.first_at),
    }
    if webhook.not_before is not None:
        content["not_before"] = format_time(webhook.not_before)
    return message({**content, "again": True} if webhook.again else content)


def unpack(text: str) -> Webhook:
    """Return what a message holds; raises ValueError, KeyError, TypeError or RecursionError for what `pack` can't have
    made."""
    content = json.loads(text)
    bank, not_before = content["bank"], content.get("not_before")
    first_at, not_before = _moment(content["first_at"]), _moment(not_before) if not_before else None
    texts = [content[name] for name in ("id", "transaction", "holder", "type", "body")]
    if not (all(isinstance(one, str) for one in texts) and BANK_ID.fullmatch(bank) and content["type"] in TYPES):
        raise ValueError("no webhook")
    return Webhook(
        id=content["id"],
        key=NotificationKey(bank, content["transaction"], content["holder"]),
        type=content["type"],
        body=content["body"],
        first_at=first_at,
        not_before=not_before,
        again=content.get("again", False) is True,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment


def _decided_at(notification: Mapping[str, Any]) -> str:
    """Return when the notification came to be in its state."""
    decided = (notification["state"], notification.get("reason"))
    found = [one["at"] for one in notification["history"] if (one["state"], one.get("reason")) == decided]
    return str(found[0] if found else notification["updated_at"])
