"""The endpoints of each bank's webhooks: their URLs, the secret that signs them, and whether they are in use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.schemas import LOOPBACK_URL, NO_ENDPOINT, URL
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.banks.webhook_endpoints import SHORT_FORM, SHORT_FORM_TYPES, EndpointState, Status, status_of
from chalicelib.errors import TemporarilyUnavailable

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a bank's webhooks of some types go.

    `secret_arn` (Secrets Manager) is of the secret that signs them. Webhooks wait while the bank has no secret, and
    while `is_bank_disabled`. `version` is the version of the bank's settings that name this endpoint.
    """

    url: str
    secret_arn: str | None
    is_bank_disabled: bool
    version: int
    id: str = SHORT_FORM
    types: tuple[str, ...] = SHORT_FORM_TYPES
    status: Status = Status.IN_USE


class EndpointStore(Protocol):
    def put_endpoint_states(self, bank_id: str, states: Mapping[str, EndpointState], version: int) -> bool: ...


class EndpointDirectory:
    """Finds the endpoints of a bank's webhooks. Answers are cached: a change takes up to a minute to have effect."""

    def __init__(self, settings: SettingsDirectory, banks: BankDirectory, store: EndpointStore) -> None:
        self._settings = settings
        self._banks = banks
        self._store = store

    def of(self, bank_id: str) -> list[Endpoint]:
        """Return all endpoints that the bank's settings name, whatever their status. Raises TemporarilyUnavailable."""
        stored = self._settings.stored(bank_id)
        named = stored.settings.endpoints
        bank = self._banks.by_id(bank_id) if named else None
        if bank is None:
            return []
        return [
            Endpoint(
                one.url,
                bank.webhook_secret_arn,
                bank.disabled,
                stored.version,
                key,
                one.types,
                status_of(stored.states, key, one),
            )
            for key, one in named.items()
        ]

    def wanting(self, bank_id: str, type_: str) -> list[Endpoint]:
        """Return the bank's endpoints that are in use and want webhooks of this type."""
        return [one for one in self.of(bank_id) if one.status is Status.IN_USE and type_ in one.types]

    def find(self, bank_id: str, endpoint_id: str, type_: str) -> Endpoint | None:
        """Return the endpoint of a queued webhook, read again if the cache doesn't have it in use; None without one.

        What was queued for an endpoint in the short form goes to one in the long form that wants the type, after the
        bank has changed its settings to that form.
        """
        found = self._named(bank_id, endpoint_id, type_)
        if found is None or found.status is not Status.IN_USE:
            self.forget(bank_id)
            found = self._named(bank_id, endpoint_id, type_)
        return found

    def forget(self, bank_id: str) -> None:
        """Drop the bank and its settings from the cache, so that they are read again the next time."""
        self._settings.forget(bank_id)
        self._banks.forget(bank_id)

    def prove(self, bank_id: str, endpoint: Endpoint, now: datetime) -> None:
        """Record that the endpoint answered a test with 2xx: it is in use from now on.

        Does nothing if the bank names this endpoint no longer. Raises TemporarilyUnavailable.
        """
        for _ in range(_TRIES):
            self._settings.forget(bank_id)
            stored = self._settings.stored(bank_id)
            before = stored.states.get(endpoint.id)
            if before is None or before.url != endpoint.url or before.status is not Status.UNPROVED:
                return
            states = {**stored.states, endpoint.id: EndpointState(endpoint.url, Status.IN_USE, now)}
            if self._store.put_endpoint_states(bank_id, states, stored.version):
                self._settings.forget(bank_id)
                return
        raise TemporarilyUnavailable

    def disable(self, bank_id: str, endpoint: Endpoint, now: datetime) -> None:
        """Post nothing more to the endpoint until the bank stores settings again.

        Does nothing if the bank's settings have changed since `endpoint` was read. Raises TemporarilyUnavailable.
        """
        stored = self._settings.stored(bank_id)
        if stored.version == endpoint.version:
            gone = replace(stored.states[endpoint.id], status=Status.GONE, since=now)
            self._store.put_endpoint_states(bank_id, {**stored.states, endpoint.id: gone}, stored.version)
        self._settings.forget(bank_id)

    def _named(self, bank_id: str, endpoint_id: str, type_: str) -> Endpoint | None:
        endpoints = self.of(bank_id)
        exact = [one for one in endpoints if one.id == endpoint_id]
        heirs = [one for one in endpoints if type_ in one.types] if endpoint_id == SHORT_FORM else []
        return next(iter([*exact, *heirs]), None)


def webhook_url_error(url: str, has_secret: bool, is_loopback_allowed: bool) -> str | None:
    """Return why webhooks can't go to this URL, as a message for the bank; None if they can.

    `has_secret` says whether the bank has a webhook secret. Only an emulated stage allows a URL of 127.0.0.1.
    """
    if not (URL.fullmatch(url) or (is_loopback_allowed and LOOPBACK_URL.fullmatch(url))):
        return NO_ENDPOINT
    if not has_secret:
        return "The bank has no webhook secret: the service's operator has to issue it, a minute before."
    return None
