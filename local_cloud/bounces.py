"""The demo of a bounce: an e-mail that can't be delivered, and none to that address afterwards."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import urllib3

from chalicelib.transactions import format_time
from local_cloud import mailbox_simulator
from local_cloud.deploy import Deployed
from local_cloud.server import CloudFailed

ACCOUNT = "BOUNCES"
HOLDER = "nobody"
_TAKES_AT_MOST_S = 60


@dataclass(frozen=True, slots=True)
class Bounce:
    """What became of two e-mails to an address that doesn't exist, and what the holder's record says of it."""

    first: str
    address: str
    second: str

    @property
    def is_as_expected(self) -> bool:
        return (self.first, self.address, self.second) == (
            "bounced (hard: General)",
            "suppressed (hard_bounce)",
            "suppressed (hard_bounce)",
        )


def show(deployed: Deployed, api_key: str, now: datetime) -> Bounce:
    """Post twice for a holder whose address bounces at SES's mailbox simulator, the second time when it has."""
    bank = _Bank(deployed.api_url, api_key)
    # Another label each time: an address that has bounced stays suppressed.
    label = f"{now:%Y%m%d%H%M%S%f}"
    holder = f"/accounts/{ACCOUNT}/holders/{HOLDER}"
    bank("PUT", holder, {"name": "Nobody", "email": f"bounce+{label}@simulator.amazonses.com", "locale": "en"})
    first = _told_of(bank, f"bounce-{label}-1", now, "sent")
    if first == "sent":
        mailbox_simulator.play(deployed.cloud)
        first = _state(bank, f"bounce-{label}-1", "bounced")
    suppressed = bank("GET", holder).get("suppressed")
    second = _told_of(bank, f"bounce-{label}-2", now, "suppressed")
    return Bounce(first, f"suppressed ({suppressed['reason']})" if suppressed else "not suppressed", second)


class _Bank:
    def __init__(self, api_url: str, api_key: str) -> None:
        self._api_url = api_url
        self._headers = {"x-api-key": api_key, "content-type": "application/json"}

    def __call__(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body)
        answer = urllib3.request(method, self._api_url + path, body=content, headers=self._headers, timeout=30)
        if answer.status >= 400:
            raise CloudFailed(f"{method} {path} was answered {answer.status}.")
        found: dict[str, Any] = answer.json()
        return found


def _told_of(bank: _Bank, transaction_id: str, now: datetime, state: str) -> str:
    smallest = {"id": transaction_id, "account": ACCOUNT, "amount": "12.50", "type": "debit"}
    bank("POST", "/transactions", {**smallest, "timestamp": format_time(now)})
    return _state(bank, transaction_id, state)


def _state(bank: _Bank, transaction_id: str, awaited: str) -> str:
    """Return the notification's state, and its reason, once it is the awaited one or that takes too long."""
    deadline = time.monotonic() + _TAKES_AT_MOST_S
    while True:
        found = bank("GET", f"/transactions/{transaction_id}/notifications")["notifications"]
        state = found[0]["state"] if found else "unknown"
        if state == awaited or time.monotonic() > deadline:
            return f"{state} ({found[0]['reason']})" if found and "reason" in found[0] else state
        time.sleep(0.25)
