"""The demo of SES's feedback: an e-mail is delivered, another bounces, and its address then gets no further e-mail."""

import json
import time
from collections.abc import Callable, Mapping
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
    """The states of two e-mails to an address that doesn't exist, and of that address in the holder's record.

    SES's feedback about the first e-mail, and about another e-mail that was delivered, was published at `published_at`
    or a moment later. `webhooks` are those that the bank then must get: transaction ids and types.
    """

    first: str
    address: str
    second: str
    published_at: datetime
    webhooks: Mapping[str, str]

    @property
    def is_as_expected(self) -> bool:
        return (self.first, self.address, self.second) == (
            "bounced (hard: General)",
            "suppressed (hard_bounce)",
            "suppressed (hard_bounce)",
        )


def show(deployed: Deployed, api_key: str, now: datetime) -> Bounce:
    """Post for a holder whose address bounces, and again after the bounce; and once for a holder whose address works.

    Both addresses are of SES's mailbox simulator.
    """
    bank = _Bank(deployed.api_url, api_key)
    # A new label for each run: an address that has bounced stays suppressed.
    label = f"{now:%Y%m%d%H%M%S%f}"
    holder = _enrolled(bank, ACCOUNT, "nobody", f"bounce+{label}")
    _enrolled(bank, OTHER_ACCOUNT, "somebody", f"success+{label}")
    webhooks = {f"bounce-{label}-1": "notification.bounced", f"delivery-{label}": "notification.delivered"}
    _post(bank, OTHER_ACCOUNT, f"delivery-{label}", now, "sent")
    first = _post(bank, ACCOUNT, f"bounce-{label}-1", now, "sent")
    published_at = datetime.now(UTC)
    if first == "sent":
        mailbox_simulator.play(deployed.cloud)
        first = _state(bank, f"bounce-{label}-1", "bounced")
    suppressed = _suppressed(bank, holder)
    second = _post(bank, ACCOUNT, f"bounce-{label}-2", now, "suppressed")
    address = f"suppressed ({suppressed['reason']})" if suppressed else "not suppressed"
    return Bounce(first, address, second, published_at, webhooks)


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
    """Enrol a holder with an address of the mailbox simulator; return the path of the holder's record."""
    path = f"/accounts/{account}/holders/{holder}"
    bank("PUT", path, {"name": holder.title(), "email": f"{local_part}@simulator.amazonses.com", "locale": "en"})
    return path


def _post(bank: _Bank, account: str, transaction_id: str, now: datetime, state: str) -> str:
    """Post a transaction; return its notification's state when that is the awaited `state`, or the wait is over."""
    smallest = {"id": transaction_id, "account": account, "amount": "12.50", "type": "debit"}
    bank("POST", "/transactions", {**smallest, "timestamp": format_time(now)})
    return _state(bank, transaction_id, state)


def _suppressed(bank: _Bank, holder: str) -> dict[str, Any] | None:
    """Return how the address is suppressed, a moment after the bounce is known; None if the wait is over."""
    found: dict[str, Any] | None = _looked_up(lambda: bank("GET", holder).get("suppressed"), bool)
    return found


def _state(bank: _Bank, transaction_id: str, awaited: str) -> str:
    """Return the notification's state and its reason when the state is the awaited one, or the wait is over."""

    def first() -> dict[str, Any]:
        found = bank("GET", f"/transactions/{transaction_id}/notifications")["notifications"]
        return found[0] if found else {"state": "unknown"}

    one = _looked_up(first, lambda found: found["state"] == awaited)
    return f"{one['state']} ({one['reason']})" if "reason" in one else str(one["state"])


def _looked_up(look: Callable[[], Any], is_awaited: Callable[[Any], bool]) -> Any:
    """Look until what is found is what is awaited, or the wait is over; return what was found last."""
    deadline = time.monotonic() + _TAKES_AT_MOST_S
    while not is_awaited(found := look()) and time.monotonic() <= deadline:
        time.sleep(0.25)
    return found
