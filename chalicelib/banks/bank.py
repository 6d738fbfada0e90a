"""Banks: the tenants, and how an API key shows which bank sends a request."""

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
    """A tenant. `plan` is the name of its API Gateway usage plan. A disabled bank's keys are refused.

    The two ARNs are of secrets in Secrets Manager. A bank with a `signing_secret_arn` must sign its writes with that
    secret; the service signs the bank's webhooks with the secret of `webhook_secret_arn`.

    `sender_name` and `sender_address` are those of its e-mails, where they aren't the bank's name and the stage's
    address. `emails_per_day` is a limit of its own, where it is to be lower than the plan's.
    """

    id: str
    name: str
    default_currency: str
    plan: str
    disabled: bool = False
    signing_secret_arn: str | None = None
    webhook_secret_arn: str | None = None
    sender_name: str | None = None
    sender_address: str | None = None
    emails_per_day: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ApiKey:
    """A bank's API key as it is stored: only its SHA-256, never the key. A rotated key is valid until `expires_at`."""

    hash: str
    bank: str
    gateway_key_id: str
    expires_at: datetime | None = None


class BankStore(Protocol):
    def api_key(self, key_hash: str) -> ApiKey | None: ...
    def bank(self, bank_id: str) -> Bank | None: ...


def hash_key(key: str) -> str:
    """Return the SHA-256 of an API key, in hex. It needs no salt, because a key is 256 random bits."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def short_hash(key: str) -> str:
    """Return what names a key to people: the beginning of its hash, as `operations.banks show` prints it."""
    return hash_key(key)[:8]


class BankDirectory:
    """Finds the bank of an API key, and banks by id. Each answer is cached for a minute.

    So it takes up to a minute until a disabled bank, or a deleted key, is refused here; API Gateway refuses it at once.
    """

    def __init__(self, store: BankStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._keys = TimedCache[str, tuple[ApiKey, Bank]](CACHE_FOR, clock, CACHE_SIZE)
        self._banks = TimedCache[str, Bank | None](CACHE_FOR, clock)

    def resolve(self, key: str | None) -> Bank:
        """Return the active bank that has this key.

        Raises UnknownApiKey for a key that is missing, unknown, expired or of a disabled bank.
        """
        if not key or len(key) > 256:
            raise UnknownApiKey
        key_hash = hash_key(key)
        api_key, bank = self._keys.get(key_hash, lambda: self._look_up(key_hash))
        if api_key.expires_at is not None and api_key.expires_at <= self._clock():
            raise UnknownApiKey
        return bank

    def name_of(self, bank_id: str) -> str:
        """Return the bank's name, as people read it; the id if no bank has it."""
        bank = self.by_id(bank_id)
        return bank.name if bank else bank_id

    def by_id(self, bank_id: str) -> Bank | None:
        """Return the bank with this id, also if it is disabled; None if there is none."""
        return self._banks.get(bank_id, lambda: self._store.bank(bank_id))

    def forget(self, bank_id: str) -> None:
        """Drop the bank with this id from the cache, so that it is read again the next time."""
        self._banks.forget(bank_id)

    def _look_up(self, key_hash: str) -> tuple[ApiKey, Bank]:
        api_key = self._store.api_key(key_hash)
        if api_key is None or not hmac.compare_digest(api_key.hash, key_hash):
            raise UnknownApiKey
        bank = self._store.bank(api_key.bank)
        if bank is None or bank.disabled:
            raise UnknownApiKey
        return api_key, bank
