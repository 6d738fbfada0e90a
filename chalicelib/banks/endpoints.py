"""The endpoint of each bank's webhooks: its URL, the secret that signs the webhooks, and whether it is in use."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.schemas import LOOPBACK_URL, NO_ENDPOINT, URL
from chalicelib.banks.settings import SettingsDirectory


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a bank's webhooks go.

    `secret_arn` (Secrets Manager) is of the secret that signs them. Webhooks wait while the bank has no secret, and
    while `is_bank_disabled`. `version` is the version of the bank's settings that name this endpoint.
    """

    url: str
    secret_arn: str | None
    is_bank_disabled: bool
    version: int


class EndpointStore(Protocol):
    def disable_webhooks(self, bank_id: str, version: int, at: datetime) -> None: ...


class EndpointDirectory:
    """Finds the endpoint of a bank's webhooks. Answers are cached: a change takes up to a minute to have effect."""

    def __init__(self, settings: SettingsDirectory, banks: BankDirectory, store: EndpointStore) -> None:
        self._settings = settings
        self._banks = banks
        self._store = store

    def of(self, bank_id: str) -> Endpoint | None:
        """Return the bank's endpoint; None if it has none, or if its webhooks are disabled.

        Raises TemporarilyUnavailable.
        """
        stored = self._settings.stored(bank_id)
        url = stored.settings.webhook_url
        if not url or stored.webhooks_disabled_at is not None:
            return None
        bank = self._banks.by_id(bank_id)
        return None if bank is None else Endpoint(url, bank.webhook_secret_arn, bank.disabled, stored.version)

    def of_uncached(self, bank_id: str) -> Endpoint | None:
        """Return the bank's endpoint like `of`, but as it is stored now. Raises TemporarilyUnavailable."""
        self._settings.forget(bank_id)
        self._banks.forget(bank_id)
        return self.of(bank_id)

    def disable(self, bank_id: str, endpoint: Endpoint, now: datetime) -> None:
        """Disable the bank's webhooks until it stores settings again.

        Does nothing if the bank has stored settings since `endpoint` was read. Raises TemporarilyUnavailable.
        """
        self._store.disable_webhooks(bank_id, endpoint.version, now)
        self._settings.forget(bank_id)


def webhook_url_error(url: str, has_secret: bool, is_loopback_allowed: bool) -> str | None:
    """Return why webhooks can't go to this URL, as a message for the bank; None if they can.

    `has_secret` says whether the bank has a webhook secret. Only an emulated stage allows a URL of 127.0.0.1.
    """
    if not (URL.fullmatch(url) or (is_loopback_allowed and LOOPBACK_URL.fullmatch(url))):
        return NO_ENDPOINT
    if not has_secret:
        return "The bank has no webhook secret: the service's operator has to issue it, a minute before."
    return None
