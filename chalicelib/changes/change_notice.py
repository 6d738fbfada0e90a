"""Notices of changes: what asks the mailers to tell a holder of a change. Each travels in a queue message of its own.

Unlike other messages they carry a name and an address: that from before a change of address is stored nowhere else.
"""

import dataclasses
import json
from datetime import datetime
from typing import Any

from chalicelib.aws.queues import GroupedBody, message
from chalicelib.holders.change import HolderChange, from_json
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey, State, StateChange

_KEY = "holder_change"


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeNotice:
    """A change that the holder is to be told of.

    `attempt` counts how often it was put off, since `put_off_since`; no mailer has had time for it since `left_since`.
    `again` is set on a dead letter that is sent
    through again: a notification that had failed is then tried once more.
    """

    told: HolderChange
    attempt: int = 0
    put_off_since: datetime | None = None
    again: bool = False
    left_since: datetime | None = None

    @property
    def key(self) -> NotificationKey:
        told = self.told
        return NotificationKey(told.bank, told.id, told.holder.notified_as, told.account)

    def change(self, state: State, reason: str | None = None, message_id: str | None = None) -> StateChange:
        """Return the notification's new state. It has been queued since the change."""
        return StateChange(self.key, state, reason, message_id, self.told.at, kind="change")


def to_payload(notice: ChangeNotice) -> dict[str, Any]:
    """Return the notice as JSON values."""
    content: dict[str, Any] = notice.told.to_json()
    if notice.attempt:
        content["attempt"] = notice.attempt
    if notice.put_off_since is not None:
        content["put_off_since"] = format_time(notice.put_off_since)
    if notice.left_since is not None:
        content["left_since"] = format_time(notice.left_since)
    if notice.again:
        content["again"] = True
    return {_KEY: content}


def pack(notice: ChangeNotice) -> str:
    """Return the notice as the body of a message."""
    return GroupedBody.of(message(to_payload(notice)), notice.told.bank)


def is_change(body: str) -> bool:
    """Return whether a message's body is about a change of a holder, readable or not."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and _KEY in content


def unpack(body: str) -> ChangeNotice:
    """Return the notice in a message's body; raises KeyError, TypeError or ValueError if it is malformed."""
    content = json.loads(body)[_KEY]
    since, left_since = content.get("put_off_since"), content.get("left_since")
    return ChangeNotice(
        from_json(content),
        int(content.get("attempt", 0)),
        datetime.fromisoformat(since) if since else None,
        content.get("again") is True,
        datetime.fromisoformat(left_since) if left_since else None,
    )
