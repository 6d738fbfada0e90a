"""The demo of webhooks: the demo bank names the inbox as its endpoint, and waits there for its webhooks."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import urllib3

from bank_simulator.bank_api import Target
from chalicelib.banks.settings import CACHE_FOR
from chalicelib.banks.signatures import valid_secrets
from local_cloud import webhook_receiver
from local_cloud.deploy import Deployed
from local_cloud.server import CloudFailed
from operations.bank_registry import known_bank, registry
from operations.signing import Purpose, SigningSecrets

_TAKES_AT_MOST_S = 120


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """A webhook that the endpoint received `after_s` seconds after a moment, and whether its signature is valid."""

    type: str
    after_s: float
    is_signature_valid: bool


def keep_secret(deployed: Deployed, bank_id: str, folder: Path) -> bool:
    """Write the bank's webhook secret to the file that the inbox reads; return whether it is the bank's first secret.

    A bank without a secret gets one.
    """
    stage, now = deployed.stage, datetime.now(UTC)
    store, client = registry(stage).store, stage.session.client("secretsmanager")
    bank = known_bank(store, bank_id)
    if bank.webhook_secret_arn is None:
        secret = SigningSecrets(client, store, stage.name, Purpose.WEBHOOKS).issue(bank, timedelta(0), now)
    else:
        stored = client.get_secret_value(SecretId=bank.webhook_secret_arn)["SecretString"]
        secret = next(iter(valid_secrets(stored, now)))
    draft = folder / f"{webhook_receiver.SECRET_FILE}.tmp"
    draft.touch(mode=0o600)
    draft.write_text(secret)
    draft.replace(folder / webhook_receiver.SECRET_FILE)
    return bank.webhook_secret_arn is None


def name_endpoint(bank: Target, inbox_url: str) -> bool:
    """Name the inbox as the bank's endpoint, and have it tested; return whether that is a change.

    The other settings stay as they are.
    """
    settings, url = _settings(bank), f"{inbox_url.rstrip('/')}{webhook_receiver.PATH}"
    is_change = settings.get("webhook_url") != url or "webhooks_disabled_at" in settings
    if is_change:
        _settings(bank, {**settings, "webhook_url": url})
    return _prove(bank) or is_change


def wait_until_known() -> None:
    """Wait until every function has read settings that were changed a moment ago."""
    time.sleep(CACHE_FOR.total_seconds())


def received(
    inbox_url: str, expected: Mapping[str, str], since: datetime, timeout_s: float = _TAKES_AT_MOST_S
) -> list[ReceivedWebhook]:
    """Return the expected webhooks (transaction ids and types) that the inbox has received, each once.

    Waits until all are there or `timeout_s` is over; webhooks that are missing then are left out.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = urllib3.request("GET", f"{inbox_url}{webhook_receiver.PATH[1:]}.json", timeout=30)
        # Of several equal webhooks the last in this order is taken: the first that came, if possible a signed one.
        answered = sorted(answer.json()["webhooks"], key=lambda webhook: webhook["is_signature_valid"])
        found = {(webhook["transaction"], webhook["type"]): _received(webhook, since) for webhook in answered}
        came = [found[pair] for pair in expected.items() if pair in found]
        if sum(webhook.is_signature_valid for webhook in came) == len(expected) or time.monotonic() > deadline:
            return came
        time.sleep(0.1)


def _received(webhook: Mapping[str, Any], since: datetime) -> ReceivedWebhook:
    after = datetime.fromisoformat(webhook["received_at"]) - since
    return ReceivedWebhook(webhook["type"], after.total_seconds(), webhook["is_signature_valid"])


def _prove(bank: Target) -> bool:
    """Have the bank's endpoints tested unless all are in use; return whether that was needed."""
    attempts = _call(bank, "GET", "/webhooks/attempts?limit=1")
    if all(endpoint["status"] == "in_use" for endpoint in attempts["endpoints"]):
        return False
    tests = _call(bank, "POST", "/webhooks/test")["tests"]
    refused = [test for test in tests if not test["accepted"]]
    if refused:
        raise CloudFailed(f"the endpoint {refused[0]['url']} answered a test with {refused[0]['answer']}.")
    return True


def _settings(bank: Target, replaced: Any = None) -> dict[str, Any]:
    return _call(bank, "GET", "/settings") if replaced is None else _call(bank, "PUT", "/settings", replaced)


def _call(bank: Target, method: str, path: str, sent: Any = None) -> dict[str, Any]:
    headers = {"x-api-key": bank.api_key, "content-type": "application/json"}
    body = None if sent is None else json.dumps(sent)
    answer = urllib3.request(method, f"{bank.url}{path}", body=body, headers=headers, timeout=30)
    if answer.status != 200:
        raise CloudFailed(f"{method} {path} was answered {answer.status}.")
    found: dict[str, Any] = answer.json()
    return found
