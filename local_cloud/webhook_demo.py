"""The demo of webhooks: the demo bank names its endpoint, which is the inbox's, and what it receives is waited for."""

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
from local_cloud.deploy import STAGE, Deployed
from local_cloud.server import CloudFailed
from operations.bank_registry import registry
from operations.signing import Purpose, SigningSecrets

_TAKES_AT_MOST_S = 120


@dataclass(frozen=True, slots=True)
class Heard:
    """A webhook that was received: how long after `since`, and whether its signature is valid."""

    type: str
    after_s: float
    is_signature_valid: bool


def keep_secret(deployed: Deployed, bank_id: str, folder: Path) -> bool:
    """Keep the bank's webhook secret where the inbox looks for it; return whether it is the bank's first, made now."""
    session, now = deployed.cloud.session(), datetime.now(UTC)
    store, client = registry(deployed.stage).store, session.client("secretsmanager")
    bank = store.bank(bank_id)
    if bank is None:
        raise CloudFailed(f"There is no bank {bank_id}.")
    if bank.webhook_secret_arn is None:
        secret = SigningSecrets(client, store, STAGE, Purpose.WEBHOOKS).issue(bank, timedelta(0), now)
    else:
        stored = client.get_secret_value(SecretId=bank.webhook_secret_arn)["SecretString"]
        secret = next(iter(valid_secrets(stored, now)))
    draft = folder / f"{webhook_receiver.SECRET_FILE}.tmp"
    draft.touch(mode=0o600)
    draft.write_text(secret)
    draft.replace(folder / webhook_receiver.SECRET_FILE)
    return bank.webhook_secret_arn is None


def name_endpoint(bank: Target, inbox_url: str) -> bool:
    """Have the bank's webhooks sent to the inbox, its other settings as they are; return whether that is a change."""
    settings, url = _settings(bank), f"{inbox_url.rstrip('/')}{webhook_receiver.PATH}"
    is_change = settings.get("webhook_url") != url or "webhooks_disabled_at" in settings
    if is_change:
        _settings(bank, {**settings, "webhook_url": url})
    return is_change


def wait_until_obeyed() -> None:
    """Wait until no function goes by settings that have been changed since."""
    time.sleep(CACHE_FOR.total_seconds())


def heard(
    inbox_url: str, expected: Mapping[str, str], since: datetime, timeout_s: float = _TAKES_AT_MOST_S
) -> list[Heard]:
    """Return the expected webhooks (transaction ids and types) that were received by the bank, one for each.

    Waits until all are there or `timeout_s` is over; what is missing then is left out.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = urllib3.request("GET", f"{inbox_url}{webhook_receiver.PATH[1:]}.json", timeout=30)
        # Of several the first to come counts, which is the last one here, and no other while one is signed.
        received = sorted(answer.json()["webhooks"], key=lambda one: one["is_signature_valid"])
        found = {(one["transaction"], one["type"]): _heard(one, since) for one in received}
        came = [found[pair] for pair in expected.items() if pair in found]
        if sum(one.is_signature_valid for one in came) == len(expected) or time.monotonic() > deadline:
            return came
        time.sleep(0.1)


def _heard(one: Mapping[str, Any], since: datetime) -> Heard:
    after = datetime.fromisoformat(one["received_at"]) - since
    return Heard(one["type"], after.total_seconds(), one["is_signature_valid"])


def _settings(bank: Target, replaced: Any = None) -> dict[str, Any]:
    method, body = ("GET", None) if replaced is None else ("PUT", json.dumps(replaced))
    headers = {"x-api-key": bank.api_key, "content-type": "application/json"}
    answer = urllib3.request(method, f"{bank.url}/settings", body=body, headers=headers, timeout=30)
    if answer.status != 200:
        raise CloudFailed(f"{method} /settings was answered {answer.status}.")
    found: dict[str, Any] = answer.json()
    return found
