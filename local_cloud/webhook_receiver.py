"""A bank's endpoint for webhooks, served by the inbox: verifies what comes, and keeps it to be looked at.

Anybody on this machine can post to it: what comes is hostile until its signature is verified, and is only ever shown.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.ledger.times import format_time

PATH = "/webhooks"
SECRET_FILE = "webhook-secret"  # noqa: S105 - a name
MAX_BODY = 64 * 1024
KEPT = 1000
_MAX_SHOWN = 200  # characters of a text


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook that came. A text is empty where it has none, and cut where it would be too long to be shown."""

    id: str
    type: str
    transaction: str
    holder: str
    state: str
    reason: str
    received_at: datetime
    is_signature_valid: bool


class Receiver:
    """Takes webhooks as the bank would whose secret is in `secret_file`; without one, no signature is valid."""

    def __init__(self, secret_file: Path | None) -> None:
        self._secret_file = secret_file
        self._received: deque[Received] = deque(maxlen=KEPT)
        self._at_work = threading.Lock()

    def take(self, headers: Mapping[str, str], body: bytes, now: datetime) -> int:
        """Keep the webhook and return the status of the answer: 204, or 401 when its signature isn't valid.

        The headers' names are in lower case.
        """
        is_valid = self._is_signed(headers, body)
        told = _object(body)
        data = told.get("data")
        data = data if isinstance(data, dict) else {}
        received = Received(
            id=_text(headers.get("webhook-id")),
            type=_text(told.get("type")),
            transaction=_text(data.get("transaction")),
            holder=_text(data.get("holder")),
            state=_text(data.get("state")),
            reason=_text(data.get("reason")),
            received_at=now,
            is_signature_valid=is_valid,
        )
        with self._at_work:
            self._received.append(received)
        return 204 if is_valid else 401

    def newest(self) -> list[Received]:
        """Return the last webhooks that came, newest first."""
        with self._at_work:
            return list(self._received)[::-1]

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        try:
            # Read each time: the secret may have been issued, or changed, since the last webhook.
            secret = self._secret_file.read_text().strip() if self._secret_file else ""
            if not secret:
                return False
            Webhook(secret).verify(body, {name: headers.get(name, "") for name in names}, json_parse=False)
        except (OSError, WebhookVerificationError, ValueError):
            return False
        return True


def as_json(received: Iterable[Received]) -> str:
    """Return the webhooks as `{"webhooks": [...]}`, each with its fields and `received_at` in UTC."""
    return json.dumps({"webhooks": [{**asdict(one), "received_at": format_time(one.received_at)} for one in received]})


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value[:_MAX_SHOWN] if isinstance(value, str) else ""
