"""Where each bank's webhooks go: the URL of its settings, the secret that signs them, and whether it has had enough."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.bank_settings import SettingsDirectory
from chalicelib.banks import BankDirectory


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`secret_arn` (Secrets Manager) names what signs all that is sent to the `url`."""

    url: str
    secret_arn: str


class EndpointStore(Protocol):
    def disable_webhooks(self, bank_id: str, url: str, at: datetime) -> None: ...


class EndpointDirectory:
    """Answers where a bank's webhooks go. A change takes a minute to be obeyed everywhere."""

    def __init__(self, settings: SettingsDirectory, banks: BankDirectory, store: EndpointStore) -> None:
        self._settings = settings
        self._banks = banks
        self._store = store

    def of(self, bank_id: str) -> Endpoint | None:
        """Return the bank's endpoint; None if it has none, if that is disabled, and if the bank is.

        Raises TemporarilyUnavailable.
        """
        stored = self._settings.stored(bank_id)
        url = stored.settings.webhook_url
        if not url or stored.webhooks_disabled_at is not None:
            return None
        bank = self._banks.by_id(bank_id)
        if bank is None or bank.disabled or bank.webhook_secret_arn is None:
            return None
        return Endpoint(url, bank.webhook_secret_arn)

    def disable(self, bank_id: str, url: str, now: datetime) -> None:
        """Send the bank nothing more until it puts its settings again; nothing happens if it has another URL by now.

        Raises TemporarilyUnavailable.
        """
        self._store.disable_webhooks(bank_id, url, now)
        self._settings.forget(bank_id)
