"""Replaces a bank's webhook secret when its staff asks; the previous one stays valid while the bank changes over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.aws.secret_store import SecretNotFound, SecretStore
from chalicelib.banks.bank import Bank
from chalicelib.banks.secret_rotation import GRACE, new_secret, stored_after
from chalicelib.banks.signatures import valid_secrets
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.refusals import NoWebhookSecret, TooManySecrets

# Each webhook has a signature for each valid secret, in one header.
MOST_SECRETS = 5


@dataclass(frozen=True, slots=True)
class Replaced:
    """A bank's new secret, and until when its previous one signs too."""

    secret: str
    previous_valid_until: datetime


class SecretReplacer:
    """Replaces the webhook secrets of all banks."""

    def __init__(self, secrets: SecretStore, log: AttemptLog, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._log = log
        self._clock = clock

    def replace(self, bank: Bank, announce: Callable[[], None]) -> Replaced:
        """Give the bank a new webhook secret; the previous one stays valid for a day. The new one signs in a minute.

        `announce` is called before the secret is replaced. Of two who replace it at once, the second is refused, so
        that no secret is handed out and lost. Raises NoWebhookSecret, TooManySecrets, TriedLately and
        TemporarilyUnavailable.
        """
        if bank.webhook_secret_arn is None:
            raise NoWebhookSecret
        now = self._clock()
        stored = self._stored(bank.webhook_secret_arn)
        valid = valid_secrets(stored, now)
        if len(valid) >= MOST_SECRETS:
            raise TooManySecrets(MOST_SECRETS, min(end for end in valid.values() if end is not None) - now)
        self._log.begin_rotation(bank.id, now)
        announce()
        # Read again: a colleague may have replaced it before the line above let this one in.
        stored, secret = self._stored(bank.webhook_secret_arn), new_secret()
        value = stored_after(secret, stored, GRACE, now)
        self._secrets.put(bank.webhook_secret_arn, value)
        return Replaced(secret, now + GRACE)

    def _stored(self, arn: str) -> str:
        try:
            return self._secrets.read(arn)
        except SecretNotFound:
            raise NoWebhookSecret from None  # its entry was deleted
