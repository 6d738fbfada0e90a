"""Digests: notifications of one holder of an account that come as one e-mail, so that nobody is flooded.

There are two kinds: the digest of ordinary notifications, and the one more alert that tells of several. A digest has a
place among the notifications itself: under its id it is claimed, its e-mail's state is noted, and SES's feedback comes.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from chalicelib.aws.dead_letters import Letter, SetAside
from chalicelib.holders.preferences import SECURITY_ALERT
from chalicelib.ledger.times import format_time
from chalicelib.notifications.notice import Notice, from_payload
from chalicelib.notifications.state import NotificationKey, State, StateChange


class DigestKind(StrEnum):
    """Which notifications come as one; the value is the reason of those that wait for it."""

    ORDINARY = "digest"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Digest:
    """The notifications of a holder, as `notified_as`, that were too many before `closes_at` (UTC). What comes later
    isn't in it."""

    kind: DigestKind
    bank: str
    account: str
    holder: str
    closes_at: datetime

    @property
    def id(self) -> str:
        """What stands in a transaction's place in what is noted of it; no transaction has such an id."""
        return f"{self.kind}@{self.account}@{self.closes_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


@dataclass(frozen=True, slots=True)
class DigestNotice:
    """A digest that is due. Its e-mail is one of several if it has more transactions than one e-mail can tell: `part`
    counts them from 1. `attempt`, `put_off_since`, `left_since` and `again` are as in a `Notice`."""

    digest: Digest
    part: int = 1
    attempt: int = 0
    put_off_since: datetime | None = None
    again: bool = False
    left_since: datetime | None = None

    @property
    def key(self) -> NotificationKey:
        """Under which the e-mail's state is noted."""
        id_ = self.digest.id if self.part == 1 else f"{self.digest.id}@{self.part}"
        return NotificationKey(self.digest.bank, id_, self.digest.holder, self.digest.account)

    def change(self, state: State, reason: str | None = None, message_id: str | None = None) -> StateChange:
        is_alert = self.digest.kind is DigestKind.ALERTS
        kind = SECURITY_ALERT if is_alert else "digest"
        return StateChange(self.key, state, reason, message_id, kind=kind)


@dataclass(frozen=True, slots=True)
class Entry:
    """A notification that waits for a digest."""

    digest: Digest
    notice: Notice

    @property
    def key(self) -> NotificationKey:
        return NotificationKey(self.digest.bank, self.notice.transaction.id, self.digest.holder, self.digest.account)

    def change(
        self, state: State, reason: str | None = None, message_id: str | None = None, told_in: str | None = None
    ) -> StateChange:
        return StateChange(self.key, state, reason, message_id, self.notice.transaction.recorded_at, told_in)


def to_payload(notice: DigestNotice) -> dict[str, Any]:
    """Return the notice as JSON values."""
    digest = notice.digest
    values = {"kind": digest.kind.value, "bank": digest.bank, "account": digest.account, "holder": digest.holder}
    payload: dict[str, Any] = {"digest": {**values, "closes_at": format_time(digest.closes_at)}}
    if notice.part > 1:
        payload["part"] = notice.part
    if notice.attempt:
        payload["attempt"] = notice.attempt
    if notice.put_off_since is not None:
        payload["put_off_since"] = format_time(notice.put_off_since)
    if notice.left_since is not None:
        payload["left_since"] = format_time(notice.left_since)
    if notice.again:
        payload["again"] = True
    return payload


def unpack(body: str, letters: list[Letter]) -> list[Notice | DigestNotice]:
    """Return the notices in a message body, also of digests; what can't be read is added to `letters`."""
    payloads: list[Any] = []
    with SetAside(letters, body, "malformed_message"):
        payloads = list(json.loads(body)["notices"])
    notices: list[Notice | DigestNotice] = []
    for payload in payloads:
        with SetAside(letters, payload, "malformed_notice"):
            notices.append(_digest_notice(payload) if "digest" in payload else from_payload(payload))
    return notices


def _digest_notice(payload: dict[str, Any]) -> DigestNotice:
    values, since, left_since = payload["digest"], payload.get("put_off_since"), payload.get("left_since")
    bank, account, holder = (str(values[name]) for name in ("bank", "account", "holder"))
    closes_at = datetime.fromisoformat(values["closes_at"])
    return DigestNotice(
        Digest(DigestKind(values["kind"]), bank, account, holder, closes_at),
        part=int(payload.get("part", 1)),
        attempt=int(payload.get("attempt", 0)),
        put_off_since=datetime.fromisoformat(since) if since else None,
        again=payload.get("again") is True,
        left_since=datetime.fromisoformat(left_since) if left_since else None,
    )
