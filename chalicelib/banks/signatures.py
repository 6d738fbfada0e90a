"""Signatures of banks' requests, in the Standard Webhooks form (github.com/standard-webhooks/standard-webhooks)."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.aws.secret_store import SecretStore
from chalicelib.errors import InvalidSignature

# A signature may be made with a newer secret than the cached one, so the secret is read again before a request is
# refused; but not more often than this, because a forged request would cost a read each time.
_REREAD_AFTER = timedelta(seconds=10)
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")  # 32 bytes


class Signatures:
    """Checks that a bank signed a request."""

    def __init__(self, secrets: SecretStore, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._clock = clock

    def verify(self, secret_arn: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Check that one of the request's signatures was made with one of the bank's valid secrets.

        `headers` have lower-case names. The signed time must be at most 300 s before or after now. Raises
        InvalidSignature, TemporarilyUnavailable.
        """
        if self._fits(self._secrets.get(secret_arn), body, headers):
            return
        if not self._fits(self._secrets.get(secret_arn, _REREAD_AFTER), body, headers):
            raise InvalidSignature

    def _fits(self, stored: str, body: bytes, headers: Mapping[str, str]) -> bool:
        now = self._clock()
        return any(_is_signed(secret, body, headers) for secret in valid_secrets(stored, now))


def valid_secrets(stored: str, now: datetime) -> dict[str, datetime | None]:
    """Return the secrets (`whsec_…`) that are valid now, the current secret first, with the time when each expires.

    `stored` is the value in Secrets Manager: JSON like `{"secrets": [{"secret": …, "expires_at": …}]}`. A secret
    without an end has None.
    """
    ends = {
        entry["secret"]: datetime.fromisoformat(entry["expires_at"]) if entry.get("expires_at") else None
        for entry in json.loads(stored)["secrets"]
    }
    return {secret: end for secret, end in ends.items() if end is None or end > now}


def _is_signed(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    # The library stops at the first malformed signature, so only well-formed signatures are given to it.
    signatures = filter(_SIGNATURE.fullmatch, headers.get("webhook-signature", "").split(" "))
    sent = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp")}
    try:
        Webhook(secret).verify(body, {**sent, "webhook-signature": " ".join(signatures)}, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a header or the body isn't text of the right form
        return False
    return True
