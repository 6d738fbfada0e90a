"""The receiver that docs/webhooks.md gives to banks."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import pytest
from standardwebhooks import Webhook as Signer

from infra.package import PROJECT_DIR
from tests.webhook_desk import NEW, OLD

BODY = json.dumps(
    {"type": "notification.delivered", "timestamp": "2026-01-10T14:00:03Z", "data": {"transaction": "t1"}}
)
SOURCE = re.search(r"```python\n(.*?)```", (PROJECT_DIR / "docs" / "webhooks.md").read_text(), re.DOTALL)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Any:
    assert SOURCE is not None
    monkeypatch.setenv("WEBHOOK_SECRET", NEW)
    namespace: dict[str, Any] = {"__name__": "receiver"}
    exec(SOURCE[1], namespace)
    app = namespace["app"]
    assert isinstance(app, flask.Flask)
    return app.test_client()


def headers(*secrets: str, age: timedelta = timedelta(0), message_id: str = "msg_1") -> dict[str, str]:
    at = datetime.now(UTC) - age
    signatures = [Signer(secret).sign(message_id, at, BODY) for secret in secrets]
    stamp = str(int(at.timestamp()))
    signed = {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}
    return {**signed, "content-type": "application/json"}


@pytest.mark.parametrize("secrets", [(NEW,), (OLD, NEW), (NEW, OLD)], ids=len)
def test_it_takes_what_is_signed_with_its_secret(
    receiver: Any, secrets: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert receiver.post("/notifications", data=BODY, headers=headers(*secrets)).status_code == 204
    assert capsys.readouterr().out == "msg_1 notification.delivered t1\n"


def test_it_takes_nothing_else(receiver: Any) -> None:
    good = headers(NEW)
    refused = [
        (BODY, headers(OLD)),
        (BODY, headers(NEW, age=timedelta(minutes=6))),
        (BODY.replace("t1", "t2"), good),
        (BODY, {**good, "webhook-id": "msg_2"}),
        (BODY, {name: value for name, value in good.items() if name != "webhook-signature"}),
    ]
    for body, sent in refused:
        assert receiver.post("/notifications", data=body, headers=sent).status_code == 401
