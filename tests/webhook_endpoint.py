"""The demo bank's endpoint for webhooks, and signed messages to it."""

import contextlib
import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from local_cloud.inbox import InboxServer
from local_cloud.server import free_port, new_keys
from tests.inbox_server import Answered, InboxOverHttp, serving

SECRET, OTHER_SECRET = "whsec_b25lIHNlY3JldCBmb3IgdGhlIHRlc3Rz", "whsec_YW5vdGhlciBzZWNyZXQgZm9yIHRoZW0="
BOUNCED: dict[str, Any] = {
    "type": "notification.bounced",
    "timestamp": "2026-01-10T14:00:05Z",
    "data": {"transaction": "t-1", "holder": "awa", "state": "bounced", "reason": "hard: General"},
}


@dataclass
class Endpoint(InboxOverHttp):
    """The receiver, as who sends webhooks and who looks at them meet it."""

    port: int
    secret_file: Path

    def __post_init__(self) -> None:
        super().__init__(self.port)

    def deliver(self, body: bytes, headers: Mapping[str, str], path: str = "/webhooks") -> Answered:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers, answer.read().decode())

    def receive(self, body: Any = None, id_: str = "msg_1", secret: str = SECRET, age_s: float = 0) -> Answered:
        """Post a webhook that the secret's owner has signed; one that is no bytes as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(BOUNCED if body is None else body).encode()
        return self.deliver(content, signed(content, id_, secret, age_s))

    def received(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.get("/webhooks.json").body)["webhooks"]
        return found


def signed(content: bytes, id_: str = "msg_1", secret: str = SECRET, age_s: float = 0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    signature = Webhook(secret).sign(id_, at, content.decode("utf-8", "replace"))
    return {"webhook-id": id_, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """The receiver; of the local cloud, it needs nothing."""
    secret_file = tmp_path / "secret"
    secret_file.write_text(f"{SECRET}\n")
    server = InboxServer(0, f"http://127.0.0.1:{free_port()}", new_keys(), secret_file)
    with serving(server):
        yield Endpoint(server.server_address[1], secret_file)
