"""Webhooks: the messages to a bank's own systems about what happens, and when each is tried.

They have the form of Standard Webhooks (github.com/standard-webhooks/standard-webhooks). Pure: time comes in.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.queues import GroupedBody, message
from chalicelib.banks.bank import BANK_ID
from chalicelib.banks.webhook_endpoints import (
    ALERT_ANSWERED,
    HOLDER_CHANGED,
    SHORT_FORM,
    TRANSACTION_FLAGGED,
    WEBHOOK_TEST,
)
from chalicelib.ledger.keys import transaction_key
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey, State

# The states of a notification that make a webhook; the others are in the feed only. SES never sends an e-mail that it
# rejects, so for the bank the notification has failed.
TYPE_OF = {
    State.DELIVERED: "notification.delivered",
    State.BOUNCED: "notification.bounced",
    State.REJECTED: "notification.failed",
    State.FAILED: "notification.failed",
}
TYPES = tuple(sorted({*TYPE_OF.values(), ALERT_ANSWERED, HOLDER_CHANGED, TRANSACTION_FLAGGED, WEBHOOK_TEST}))
# Each wait is three times as long as the time since the first try: 5 s, 15 s, 1 min, 4 min, 16 min, 1 h, 4 h.
_FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=6)
TRIED_FOR = timedelta(days=3)
# A test that is not accepted within this time is not worth an operator's attention: the bank can ask for another.
TESTED_FOR = timedelta(hours=1)
# In a test's key, in place of a transaction's id: no transaction can have this id.
_TEST_ID = "webhook@test"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A message to a bank's `endpoint` (an id). `body` (JSON) is signed and posted, the same at each try.

    `first_at` is the time of the first try, and `not_before` that of the next, None for at once. A webhook with `again`
    is sent now, also if it was delivered or waits for its next try: an operator asked for it.
    """

    id: str
    key: NotificationKey
    type: str
    body: str
    first_at: datetime
    not_before: datetime | None = None
    again: bool = False
    endpoint: str = SHORT_FORM

    @property
    def bank(self) -> str:
        return self.key.bank

    def is_given_up(self, now: datetime) -> bool:
        """Return whether the webhook isn't tried again: the first try was three days ago, a test's an hour."""
        return now - self.first_at >= (TESTED_FOR if self.type == WEBHOOK_TEST else TRIED_FOR)

    def to(self, endpoint: str) -> "Webhook":
        """Return the same message to the endpoint with this id. Each endpoint's has a webhook id of its own."""
        if endpoint == self.endpoint:
            return self
        return replace(self, endpoint=endpoint, id=_message_id(self.id, endpoint))

    def next_try(
        self, now: datetime, jitter: float, at_least: timedelta = timedelta(0), at_most: timedelta = LONGEST_WAIT
    ) -> "Webhook":
        """Return the webhook with the time of its next try, after a try that failed `now`.

        `jitter`, from 0 to 1, makes the wait up to a quarter longer. `at_least` is the wait that the endpoint asks for
        (Retry-After); the wait is never longer than `at_most` and its jitter.
        """
        wait = min(max(_FIRST_WAIT, 3 * (now - self.first_at), at_least), at_most)
        return replace(self, not_before=now + wait * (1 + jitter / 4), again=False)


def webhook_of(key: NotificationKey, notification: Mapping[str, Any], now: datetime) -> Webhook | None:
    """Return the webhook about a notification; None if its state makes no webhook.

    `notification` is in the form in which the API answers it. The same state of the same notification always makes the
    same webhook, with the same id.
    """
    event = TYPE_OF.get(State(notification["state"]))
    if event is None:
        return None
    names = ("holder", "state", "reason", "message_id")
    data = {"transaction": key.transaction} | {name: notification[name] for name in names if name in notification}
    return webhook_about(key, event, _decided_at(notification), data, now)


def webhook_about(
    key: NotificationKey, event: str, at: str, data: Mapping[str, Any], now: datetime, by: str = ""
) -> Webhook:
    """Return the webhook about an event of this type, which happened `at`; the same event has the same id.

    `by` is the id of the holder who has done it, if the event is about no notification of a holder.
    """
    body = {"type": event, "timestamp": at, "data": data}
    webhook_id = _message_id(transaction_key(key.bank, key.transaction), key.holder or by, event, at)
    return Webhook(webhook_id, key, event, json.dumps(body, ensure_ascii=False), now)


def test_of(bank: str, endpoint: str, now: datetime) -> Webhook:
    """Return a test of the bank's endpoint with this id."""
    key = NotificationKey(bank, _TEST_ID, "")
    return webhook_about(key, WEBHOOK_TEST, format_time(now), {"endpoint": endpoint}, now).to(endpoint)


def pack(webhook: Webhook) -> str:
    """Return the webhook as the body of a message in the queue."""
    content = {
        "id": webhook.id,
        "bank": webhook.bank,
        "transaction": webhook.key.transaction,
        "holder": webhook.key.holder,
        "type": webhook.type,
        "body": webhook.body,
        "first_at": format_time(webhook.first_at),
    }
    if webhook.endpoint != SHORT_FORM:
        content["endpoint"] = webhook.endpoint
    if webhook.not_before is not None:
        content["not_before"] = format_time(webhook.not_before)
    return GroupedBody.of(message({**content, "again": True} if webhook.again else content), webhook.bank)


def unpack(text: str) -> Webhook:
    """Return the webhook in a message's body.

    Raises ValueError, KeyError, TypeError or RecursionError for a text that `pack` can't have made.
    """
    content = json.loads(text)
    bank, not_before = content["bank"], content.get("not_before")
    first_at, not_before = _moment(content["first_at"]), _moment(not_before) if not_before else None
    endpoint = content.get("endpoint", SHORT_FORM)
    texts = [*(content[name] for name in ("id", "transaction", "holder", "type", "body")), endpoint]
    if not (all(isinstance(text, str) for text in texts) and BANK_ID.fullmatch(bank) and content["type"] in TYPES):
        raise ValueError("no webhook")
    return Webhook(
        id=content["id"],
        key=NotificationKey(bank, content["transaction"], content["holder"]),
        type=content["type"],
        body=content["body"],
        first_at=first_at,
        not_before=not_before,
        again=content.get("again", False) is True,
        endpoint=endpoint,
    )


def _message_id(*parts: str) -> str:
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return f"msg_{base64.urlsafe_b64encode(digest[:18]).decode()}"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment


def _decided_at(notification: Mapping[str, Any]) -> str:
    """Return when the notification first had the state and the reason that it has now."""
    now = (notification["state"], notification.get("reason"))
    found = [change["at"] for change in notification["history"] if (change["state"], change.get("reason")) == now]
    return str(found[0] if found else notification["updated_at"])
