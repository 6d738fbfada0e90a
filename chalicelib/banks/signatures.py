"""Signatures of banks' requests, in the Standard Webhooks form (github.com/standard-webhooks/standard-webhooks)."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.aws.secret_store import SecretStore
from chalicelib.banks.signed_ids_repository import SignedIds
from chalicelib.errors import InvalidSignature

# A signature may be made with a newer secret than the cached one, so the secret is read again before a request is
# refused; but not more often than this, because a forged request would cost a read each time.
_REREAD_AFTER = timedelta(seconds=10)
# An id that is bound to its route: the beginning of the hash of the method and the path, then anything.
_BOUND = re.compile(r"route_([0-9a-f]{32})_.+")
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")  # 32 bytes


class Signatures:
    """Checks that a bank signed a request."""

    def __init__(self, secrets: SecretStore, ids: SignedIds, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._ids = ids
        self._clock = clock

    def verify(self, secret_arn: str, body: bytes, headers: Mapping[str, str], method: str, path: str) -> None:
        """Check that one of the request's signatures was made with one of the bank's valid secrets, and for this route.

        `headers` have lower-case names. The signed time must be at most 300 s before or after now, and an id that is
        bound to a route must be bound to this one (`is_for`). Raises InvalidSignature, TemporarilyUnavailable.
        """
        if not is_for(headers.get("webhook-id", ""), method, path):
            raise InvalidSignature
        if self._fits(self._secrets.get(secret_arn), body, headers):
            return
        if not self._fits(self._secrets.get(secret_arn, _REREAD_AFTER), body, headers):
            raise InvalidSignature

    def take_once(self, bank: str, headers: Mapping[str, str]) -> None:
        """Remember a verified request by its id; raises InvalidSignature if it was remembered before."""
        if not self._ids.is_first(bank, headers["webhook-id"], self._clock()):
            raise InvalidSignature

    def _fits(self, stored: str, body: bytes, headers: Mapping[str, str]) -> bool:
        now = self._clock()
        return any(_is_signed(secret, body, headers) for secret in valid_secrets(stored, now))


def bound_id(method: str, path: str, unique: str) -> str:
    """Return an id that is good for one route only; `path` is what follows the API's URL, without the query."""
    return f"route_{_digest(method, path)}_{unique}"


def is_for(message_id: str, method: str, path: str) -> bool:
    """Return whether the id is bound to this route, or to none. `path` may have a base path before the API's own."""
    bound = _BOUND.fullmatch(message_id)
    if bound is None:
        return True
    inner = f"/{path.lstrip('/').partition('/')[2]}"
    return bound[1] in (_digest(method, path), _digest(method, inner))


def _digest(method: str, path: str) -> str:
    return hashlib.sha256(f"{method} {path}".encode(errors="surrogatepass")).hexdigest()[:32]


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
    sent = {name: headers[name] for name in ("webhook-id", "webhook-timestamp") if name in headers}
    try:
        Webhook(secret).verify(body, {**sent, "webhook-signature": " ".join(signatures)}, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a header or the body isn't text of the right form
        return False
    return True
