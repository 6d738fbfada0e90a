"""The rotation of a bank's secret: a new secret, and the earlier ones until they end. Pure but for chance."""

import base64
import json
import secrets
from datetime import datetime, timedelta

from chalicelib.banks.signatures import valid_secrets

# How long the previous secret stays valid unless an operator says otherwise.
GRACE = timedelta(hours=24)
# 256 bits, the size of HMAC-SHA256's hash.
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret, in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def first_stored(secret: str) -> str:
    """Return the value in Secrets Manager of a bank's only secret."""
    return _stored(secret, {})


def stored_after(secret: str, stored: str, grace: timedelta, now: datetime) -> str:
    """Return the value in Secrets Manager after `secret` has replaced the current one, which ends after `grace`.

    A secret that an earlier rotation replaced keeps its earlier end.
    """
    before = valid_secrets(stored, now) if grace else {}
    return _stored(secret, {known: min(end or now + grace, now + grace) for known, end in before.items()})


def _stored(current: str, ends: dict[str, datetime]) -> str:
    expiring = [{"secret": secret, "expires_at": end.isoformat()} for secret, end in ends.items()]
    return json.dumps({"secrets": [{"secret": current}, *expiring]})
