"""Banks: the tenants, and how an API key proves which one is calling."""

import dataclasses
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.aws.caching import TimedCache
from chalicelib.errors import UnknownApiKey

CACHE_FOR = timedelta(seconds=60)
CACHE_SIZE = 10_000
BANK_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")


@dataclasses.dataclass(frozen=True, slots=True)
class Bank:
    """A tenant. `plan` names its API Gateway usage plan; a disabled bank's keys are refused.

    A bank with a `signing_secret_arn` (Secrets Manager) must sign its writes. With the secret of its
    `webhook_secret_arn` we sign what we send to it.
    """

    id: str
    name: str
    default_currency: str
    plan: str
    disabled: bool = False
    signing_secret_arn: str | None = None
    webhook_secret_arn: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ApiKey:
    """A bank's API key as it is stored: never the key, only its hash; `expires_at` ends a rotated one."""

    hash: str
    bank: str
    gateway_key_id: str
    expires_at: datetime | None = None


class BankStore(Protocol):
    def api_key(self, key_hash: str) -> ApiKey | None: ...
    def bank(self, bank_id: str) -> Bank | None: ...


def hash_key(key: str) -> str:
    """Return the SHA-256 of an API key, in hex. Keys are 256 random bits, so that no salt is called for."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class BankDirectory:
    """Answers which bank an API key belongs to, remembering the answer for a minute.

    A bank or key that is disabled is therefore refused here within a minute; API Gateway refuses it at once.
    """

    def __init__(self, store: BankStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._keys = TimedCache[str, tuple[ApiKey, Bank]](CACHE_FOR, clock, CACHE_SIZE)
        self._banks = TimedCache[str, Bank | None](CACHE_FOR, clock)

    def resolve(self, key: str | None) -> Bank:
        """Return the active bank of this key; raises UnknownApiKey."""
        if not key or len(key) > 256:
            raise UnknownApiKey
        key_hash = hash_key(key)
        api_key, bank = self._keys.get(key_hash, lambda: self._look_up(key_hash))
        if api_key.expires_at is not None and api_key.expires_at <= self._clock():
            raise UnknownApiKey
        return bank

    def name_of(self, bank_id: str) -> str:
        """Return the bank's name for people; its id if it is unknown."""
        bank = self.by_id(bank_id)
        return bank.name if bank else bank_id

    def by_id(self, bank_id: str) -> Bank | None:
        """Return the bank, disabled or not; None if it is unknown."""
        return self._banks.get(bank_id, lambda: self._store.bank(bank_id))

    def forget(self, bank_id: str) -> None:
        """Ask anew for the bank with this id the next time."""
        self._banks.forget(bank_id)

    def _look_up(self, key_hash: str) -> tuple[ApiKey, Bank]:
        api_key = self._store.api_key(key_hash)
        if api_key is None or not hmac.compare_digest(api_key.hash, key_hash):
            raise UnknownApiKey
        bank = self._store.bank(api_key.bank)
        if bank is None or bank.disabled:
            raise UnknownApiKey
        return api_key, bank
