"""Where each bank's webhooks go: the URL of its settings, the secret that signs them, and whether it has had enough."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.schemas import LOOPBACK_URL, NO_ENDPOINT, URL
from chalicelib.banks.settings import SettingsDirectory


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`secret_arn` (Secrets Manager) names what signs all that is sent to the `url`: without it, nothing is.

    Nor is while the bank itself is disabled; both wait. `version` is that of the settings which say so.
    """

    url: str
    secret_arn: str | None
    is_bank_disabled: bool
    version: int


class EndpointStore(Protocol):
    def disable_webhooks(self, bank_id: str, version: int, at: datetime) -> None: ...


class EndpointDirectory:
    """Answers where a bank's webhooks go. A change takes a minute to be obeyed everywhere."""

    def __init__(self, settings: SettingsDirectory, banks: BankDirectory, store: EndpointStore) -> None:
        self._settings = settings
        self._banks = banks
        self._store = store

    def of(self, bank_id: str) -> Endpoint | None:
        """Return the bank's endpoint; None if it has none, or that is disabled. Raises TemporarilyUnavailable."""
        stored = self._settings.stored(bank_id)
        url = stored.settings.webhook_url
        if not url or stored.webhooks_disabled_at is not None:
            return None
        bank = self._banks.by_id(bank_id)
        return None if bank is None else Endpoint(url, bank.webhook_secret_arn, bank.disabled, stored.version)

    def of_now(self, bank_id: str) -> Endpoint | None:
        """Return the bank's endpoint as it is, whatever is remembered. Raises TemporarilyUnavailable."""
        self._settings.forget(bank_id)
        self._banks.forget(bank_id)
        return self.of(bank_id)

    def disable(self, bank_id: str, endpoint: Endpoint, now: datetime) -> None:
        """Send the bank nothing more until it puts its settings; nothing happens if it has done so meanwhile.

        Raises TemporarilyUnavailable.
        """
        self._store.disable_webhooks(bank_id, endpoint.version, now)
        self._settings.forget(bank_id)


def refusal(url: str, has_secret: bool, is_loopback_allowed: bool) -> str | None:
    """Return why a bank can't have its webhooks sent to a URL, None if it can."""
    if not (URL.fullmatch(url) or (is_loopback_allowed and LOOPBACK_URL.fullmatch(url))):
        return NO_ENDPOINT
    return (
        None
        if has_secret
        else "The bank has no webhook secret: the service's operator has to issue it, a minute before."
    )
