"""The tokens in holders' links: encrypted, so that they show nothing of the holder to who reads the link.

XChaCha20-Poly1305 of libsodium: its nonces are long enough to be random, however many links one key makes. The purpose
is authenticated with the content, so a token of one purpose is none of another. Tokens of earlier releases, which are
only signed, are read until they are too old.
"""

import base64
import binascii
import functools
import hmac
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

_NONCE = 24  # bytes: crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_LONGEST = 1_000  # characters, of any token: a longer one is not decoded
# A link may be made by a function whose clock is ahead of the one that reads it.
_CLOCKS_DIFFER_BY_S = 300
# Neither a bank's id nor an IDENTIFIER has it.
_SEPARATOR = "/"


class InvalidToken(Exception):
    """The token was not made with these keys for this purpose, was changed, or is too old."""


def seal(fields: Sequence[str], purpose: str, key: str, now: datetime) -> str:
    """Return a token that holds the fields, none of which has a slash."""
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt  # only who makes or reads a link loads it

    content = _SEPARATOR.join((f"{_seconds(now):x}", *fields)).encode()
    nonce = os.urandom(_NONCE)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(content, purpose.encode(), nonce, _sealing_key(key))
    return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def open_sealed(token: str, purpose: str, keys: Iterable[str], good_for: timedelta, now: datetime) -> list[str]:
    """Return the fields in a token for this purpose, made with any of the keys. Raises InvalidToken."""
    if "." in token:
        return _read_signed(token, purpose, keys, good_for, now)
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
    from nacl.exceptions import CryptoError

    if len(token) > _LONGEST:
        raise InvalidToken
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise InvalidToken from None
    for key in keys:
        try:
            content = crypto_aead_xchacha20poly1305_ietf_decrypt(
                sealed[_NONCE:], purpose.encode(), sealed[:_NONCE], _sealing_key(key)
            )
        except (CryptoError, ValueError, TypeError):
            continue
        issued, *fields = content.decode().split(_SEPARATOR)
        if not -_CLOCKS_DIFFER_BY_S <= _seconds(now) - int(issued, 16) <= good_for.total_seconds():
            raise InvalidToken
        return fields
    raise InvalidToken


@functools.lru_cache(maxsize=8)
def _sealing_key(key: str) -> bytes:
    """Return the 32 bytes to encrypt with: not those with which earlier releases sign."""
    return hmac.digest(key.encode(), b"holder-link sealed", "sha256")


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())


def _read_signed(token: str, purpose: str, keys: Iterable[str], good_for: timedelta, now: datetime) -> list[str]:
    serializer = URLSafeTimedSerializer(
        [*keys], salt=f"holder-link.{purpose}", signer=_Signer, signer_kwargs={"clock": lambda: now}
    )
    try:
        fields = serializer.loads(token, max_age=int(good_for.total_seconds()))
    except BadData:
        raise InvalidToken from None
    if not (isinstance(fields, list) and all(isinstance(field, str) for field in fields)):
        raise InvalidToken
    return fields


class _Signer(TimestampSigner):
    """itsdangerous's signer, with the time from `clock` instead of the machine's."""

    def __init__(self, *args: Any, clock: Callable[[], datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock = clock

    def get_timestamp(self) -> int:
        return _seconds(self._clock())
