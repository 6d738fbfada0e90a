"""ID tokens of the staff's user pool: verified here, whatever API Gateway's authorizer has verified before.

`chalice local` runs no authorizer, and an authorizer takes any client of the pool. So the app checks all by itself.
Import this module only where a token is verified: it loads PyJWT and `cryptography`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options

from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.staff.keys import PoolKeys
from chalicelib.staff.member import StaffMember, with_included
from chalicelib.staff.pool import StaffPool
from chalicelib.staff.refusals import NotSignedIn

# How far the clocks of Cognito and of a function may be apart.
LEEWAY = timedelta(seconds=30)
BANK_CLAIM, GROUPS_CLAIM = "custom:bank", "cognito:groups"
_ID = "id"  # as `token_use` says
_MAX_LENGTH = 8_192
_REQUIRED = ["iss", "aud", "sub", "exp", "iat", "token_use"]
# The times are checked with the clock that is handed in, not with the system's.
_CHECKS: Options = {
    "require": _REQUIRED,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "strict_aud": True,
}


class StaffTokens:
    """Reads ID tokens of the user pool."""

    def __init__(self, pool: StaffPool, keys: PoolKeys, banks: BankDirectory, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._keys = keys
        self._banks = banks
        self._clock = clock

    def member(self, token: str) -> StaffMember:
        """Return the member of staff who is signed in with this ID token.

        Raises NotSignedIn for anything but a valid ID token, made for the console, of a member of an active bank; and
        TemporarilyUnavailable if the pool's keys can't be had.
        """
        claims = self._claims(token)
        if claims["token_use"] != _ID:
            raise NotSignedIn
        self._check_times(claims)
        return StaffMember(
            subject=claims["sub"],
            name=_text(claims, "name") or _text(claims, "cognito:username"),
            email=_text(claims, "email"),
            bank=self._bank(claims.get(BANK_CLAIM)),
            groups=with_included(_texts(claims.get(GROUPS_CLAIM))),
        )

    def _claims(self, token: str) -> Mapping[str, Any]:
        if len(token) > _MAX_LENGTH:
            raise NotSignedIn
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            if not isinstance(key_id, str):
                raise NotSignedIn
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._keys.get(key_id),
                algorithms=["RS256"],
                issuer=self._pool.issuer,
                audience=self._pool.client_id,
                options=_CHECKS,
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise NotSignedIn from None
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock().timestamp()
        leeway = LEEWAY.total_seconds()
        begins = [claims["iat"], *([claims["nbf"]] if "nbf" in claims else [])]
        if not all(_is_number(one) for one in (claims["exp"], *begins)):
            raise NotSignedIn
        if not (claims["exp"] + leeway > now and all(one - leeway <= now for one in begins)):
            raise NotSignedIn

    def _bank(self, bank_id: Any) -> Bank:
        bank = self._banks.by_id(bank_id) if isinstance(bank_id, str) and bank_id else None
        if bank is None or bank.disabled:
            raise NotSignedIn
        return bank


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
