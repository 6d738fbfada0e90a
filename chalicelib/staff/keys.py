"""The public keys with which a user pool signs its tokens: fetched, kept, and fetched again when the pool changes them.

The pool publishes them as a JSON Web Key Set (RFC 7517). PyJWT and `cryptography` are loaded with this module: import
it only where a token is verified.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import certifi
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chalicelib.aws.telemetry import count, logger
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.staff.refusals import NotSignedIn

# Older keys are fetched again, so that a key which the pool has withdrawn is trusted no longer than this.
KEEP_FOR = timedelta(hours=1)
# At most one fetch in so long a time, whatever tokens come: a token with a made-up key id costs no request.
FETCH_AT_MOST_EVERY = timedelta(seconds=30)
LEAST_BITS = 2048
_TIMEOUT_S = 3.0
_MAX_BYTES = 65_536


class PoolKeys:
    """A user pool's public keys by their id. `fetch` returns the published key set."""

    def __init__(self, fetch: Callable[[], bytes], clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at: datetime | None = None  # when the kept keys were fetched
        self._tried_at: datetime | None = None

    def get(self, key_id: str) -> RSAPublicKey:
        """Return the key with this id.

        Raises NotSignedIn if the pool has no such key, and TemporarilyUnavailable if it can't be asked. While it can't
        be asked, the kept keys are used, however old they are.
        """
        now = self._clock()
        if key_id not in self._keys or self._fetched_at is None or now - self._fetched_at >= KEEP_FOR:
            self._renew(now)
        if key_id in self._keys:
            return self._keys[key_id]
        if self._fetched_at is None or self._fetched_at != self._tried_at:
            raise TemporarilyUnavailable(int(FETCH_AT_MOST_EVERY.total_seconds()))  # it may be a new key
        raise NotSignedIn

    def _renew(self, now: datetime) -> None:
        if self._tried_at is not None and now - self._tried_at < FETCH_AT_MOST_EVERY:
            return
        self._tried_at = now
        try:
            self._keys = read_keys(self._fetch())
        except (OSError, HTTPException, ValueError) as error:
            logger.error("staff_keys_unavailable", extra={"error": type(error).__name__})
            count("StaffKeysUnavailable")
        else:
            self._fetched_at = now


def read_keys(published: bytes) -> dict[str, RSAPublicKey]:
    """Return the usable keys of a key set by their id: RSA keys for signatures, of at least 2048 bits.

    Raises ValueError if it is no key set, or has no usable key.
    """
    document = json.loads(published)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no key set")
    found = {one["kid"]: key for one in listed if (key := _usable(one)) is not None}
    if not found:
        raise ValueError("no usable key")
    return found


def _usable(listed: Any) -> RSAPublicKey | None:
    if not isinstance(listed, dict) or not isinstance(listed.get("kid"), str):
        return None
    if listed.get("kty") != "RSA" or listed.get("use", "sig") != "sig" or listed.get("alg", "RS256") != "RS256":
        return None
    try:
        key = jwt.PyJWK.from_dict(listed, algorithm="RS256").key
    except jwt.PyJWTError:
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= LEAST_BITS else None


def fetch(url: str) -> bytes:
    """Return what is published at `url`.

    Raises OSError, http.client's HTTPException or ValueError if it can't be had whole. Redirects aren't followed.
    """
    parts = urlsplit(url)
    connection: HTTPConnection
    if parts.scheme == "https":
        import ssl

        context = ssl.create_default_context(cafile=certifi.where())
        connection = HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S, context=context)
    else:
        connection = HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        content = answer.read(_MAX_BYTES + 1)
    finally:
        connection.close()
    if answer.status != 200 or len(content) > _MAX_BYTES:
        raise ValueError(f"answered {answer.status} with {len(content)} bytes")
    return content
