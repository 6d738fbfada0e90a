"""Signed requests, in the Standard Webhooks form (github.com/standard-webhooks/standard-webhooks)."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.errors import InvalidSignature
from chalicelib.secret_store import SecretStore

# A signature that doesn't fit may have been made with a secret that is newer than the one remembered. How soon
# the secret is read again bounds what forged requests can cost.
_REREAD_AFTER = timedelta(seconds=10)


class Signatures:
    def __init__(self, secrets: SecretStore, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._clock = clock

    def verify(self, secret_arn: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return if one of the bank's secrets made one of the request's signatures, at most 300 s from now.

        Raises InvalidSignature, TemporarilyUnavailable.
        """
        if self._fits(self._secrets.get(secret_arn), body, headers):
            return
        if not self._fits(self._secrets.get(secret_arn, _REREAD_AFTER), body, headers):
            raise InvalidSignature

    def _fits(self, stored: str, body: bytes, headers: Mapping[str, str]) -> bool:
        now = self._clock()
        return any(_is_signed(secret, body, headers) for secret in valid_secrets(stored, now))


def valid_secrets(stored: str, now: datetime) -> list[str]:
    """Return the secrets (`whsec_…`) in a stored value that are valid now: the current one, then rotated ones."""
    return [
        entry["secret"]
        for entry in json.loads(stored)["secrets"]
        if entry.get("expires_at") is None or datetime.fromisoformat(entry["expires_at"]) > now
    ]


def _is_signed(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a header or body that is no text of its form
        return False
    return True
