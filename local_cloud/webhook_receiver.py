"""A bank's endpoint for webhooks, served by the inbox: it verifies each webhook and keeps it for the inbox's page.

Every program on this machine can post to it. So its input counts as hostile, and is only shown.
"""

import itertools
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
_MAX_HEADERS = 30
_MAX_SHOWN_BODY = 8 * 1024
_MAX_SHOWN = 200  # characters of a text


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook that was received, with its headers and its body. A missing text is empty; a long text is cut."""

    id: str
    type: str
    transaction: str
    holder: str
    state: str
    reason: str
    received_at: datetime
    is_signature_valid: bool
    headers: Mapping[str, str]
    body: str


class Receiver:
    """Receives webhooks for the bank whose secret is in `secret_file`. Without a file, no signature is valid."""

    def __init__(self, secret_file: Path | None) -> None:
        self._secret_file = secret_file
        self._received: deque[Received] = deque(maxlen=KEPT)
        self._at_work = threading.Lock()

    def take(self, headers: Mapping[str, str], body: bytes, now: datetime) -> int:
        """Keep the webhook and return the status of the answer: 204, or 401 when its signature isn't valid.

        The headers' names are in lower case.
        """
        is_valid = self._is_signed(headers, body)
        content = _object(body)
        data = content.get("data")
        data = data if isinstance(data, dict) else {}
        received = Received(
            id=_text(headers.get("webhook-id")),
            type=_text(content.get("type")),
            transaction=_text(data.get("transaction")),
            holder=_text(data.get("holder")),
            state=_text(data.get("state")),
            reason=_text(data.get("reason")),
            received_at=now,
            is_signature_valid=is_valid,
            headers={_text(name): _text(value) for name, value in itertools.islice(headers.items(), _MAX_HEADERS)},
            body=body[:_MAX_SHOWN_BODY].decode("utf-8", "replace"),
        )
        with self._at_work:
            self._received.append(received)
        return 204 if is_valid else 401

    def newest(self) -> list[Received]:
        """Return the last webhooks that were received, newest first."""
        with self._at_work:
            return list(self._received)[::-1]

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        try:
            # Read each time: the secret may have been issued or changed since the last webhook.
            secret = self._secret_file.read_text().strip() if self._secret_file else ""
            if not secret:
                return False
            Webhook(secret).verify(body, {name: headers.get(name, "") for name in names}, json_parse=False)
        except (OSError, WebhookVerificationError, ValueError):
            return False
        return True


def as_json(received: Iterable[Received]) -> str:
    """Return the webhooks as `{"webhooks": [...]}`, each with its fields and `received_at` in UTC."""
    found = [{**asdict(webhook), "received_at": format_time(webhook.received_at)} for webhook in received]
    return json.dumps({"webhooks": found})


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value[:_MAX_SHOWN] if isinstance(value, str) else ""
