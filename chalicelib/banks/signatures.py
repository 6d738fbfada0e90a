"""Signed requests, in the Standard Webhooks form (github.com/standard-webhooks/standard-webhooks)."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.aws.secret_store import SecretStore
from chalicelib.errors import InvalidSignature

# A signature that doesn't fit may have been made with a secret that is newer than the one remembered. How soon
# the secret is read again bounds what forged requests can cost.
_REREAD_AFTER = timedelta(seconds=10)
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")  # 32 bytes


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


def valid_secrets(stored: str, now: datetime) -> dict[str, datetime | None]:
    """Return the secrets (`whsec_…`) in a stored value that are valid now, with their ends: the current one first."""
    ends = {
        entry["secret"]: datetime.fromisoformat(entry["expires_at"]) if entry.get("expires_at") else None
        for entry in json.loads(stored)["secrets"]
    }
    return {secret: end for secret, end in ends.items() if end is None or end > now}


def _is_signed(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    # The library gives up at the first entry that is not of the form, and never looks at the next one.
    signatures = [one for one in headers.get("webhook-signature", "").split(" ") if _SIGNATURE.fullmatch(one)]
    sent = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp")}
    try:
        Webhook(secret).verify(body, {**sent, "webhook-signature": " ".join(signatures)}, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a header or body that is no text of its form
        return False
    return True
