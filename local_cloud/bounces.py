"""The demo of what SES tells: an e-mail that is delivered, one that can't be, and none to that address afterwards."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import urllib3

from chalicelib.ledger.times import format_time
from local_cloud import mailbox_simulator
from local_cloud.deploy import Deployed
from local_cloud.server import CloudFailed

ACCOUNT = "BOUNCES"
OTHER_ACCOUNT = "DELIVERS"
_TAKES_AT_MOST_S = 60


@dataclass(frozen=True, slots=True)
class Bounce:
    """What became of two e-mails to an address that doesn't exist, and what the holder's record says of it.

    SES told of the first, and of another one that was delivered, at `told_at` or a moment later; the bank's `webhooks`
    are to say so: transaction ids and types.
    """

    first: str
    address: str
    second: str
    told_at: datetime
    webhooks: Mapping[str, str]

    @property
    def is_as_expected(self) -> bool:
        return (self.first, self.address, self.second) == (
            "bounced (hard: General)",
            "suppressed (hard_bounce)",
            "suppressed (hard_bounce)",
        )


def show(deployed: Deployed, api_key: str, now: datetime) -> Bounce:
    """Post twice for a holder whose address bounces at SES's mailbox simulator, the second time when it has; and once
    for one whose address takes all."""
    bank = _Bank(deployed.api_url, api_key)
    # Another label each time: an address that has bounced stays suppressed.
    label = f"{now:%Y%m%d%H%M%S%f}"
    holder = _enrolled(bank, ACCOUNT, "nobody", f"bounce+{label}")
    _enrolled(bank, OTHER_ACCOUNT, "somebody", f"success+{label}")
    webhooks = {f"bounce-{label}-1": "notification.bounced", f"delivery-{label}": "notification.delivered"}
    _told_of(bank, OTHER_ACCOUNT, f"delivery-{label}", now, "sent")
    first = _told_of(bank, ACCOUNT, f"bounce-{label}-1", now, "sent")
    told_at = datetime.now(UTC)
    if first == "sent":
        mailbox_simulator.play(deployed.cloud)
        first = _state(bank, f"bounce-{label}-1", "bounced")
    suppressed = bank("GET", holder).get("suppressed")
    second = _told_of(bank, ACCOUNT, f"bounce-{label}-2", now, "suppressed")
    address = f"suppressed ({suppressed['reason']})" if suppressed else "not suppressed"
    return Bounce(first, address, second, told_at, webhooks)


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


def _enrolled(bank: _Bank, account: str, holder: str, local_part: str) -> str:
    """Enrol a holder whose address is the mailbox simulator's; return the path of the holder's record."""
    path = f"/accounts/{account}/holders/{holder}"
    bank("PUT", path, {"name": holder.title(), "email": f"{local_part}@simulator.amazonses.com", "locale": "en"})
    return path


def _told_of(bank: _Bank, account: str, transaction_id: str, now: datetime, state: str) -> str:
    smallest = {"id": transaction_id, "account": account, "amount": "12.50", "type": "debit"}
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
