"""The Cognito user pool of the banks' staff: its issuer, its keys, and the pages at which people sign in and out. Pure.

"Using the ID token", "Verifying JSON web tokens" and "User pool endpoints", Amazon Cognito Developer Guide.
"""

import dataclasses
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True, slots=True)
class StaffPool:
    """A user pool by its id, the console's app client, and the prefix of the domain of its sign-in pages.

    `url` is where an emulated Cognito answers; empty for Amazon's own. The issuer doesn't follow it: the emulator's
    tokens name Amazon's.
    """

    id: str
    client_id: str
    domain: str
    url: str = ""

    @property
    def region(self) -> str:
        return self.id.partition("_")[0]

    @property
    def issuer(self) -> str:
        """The `iss` of the pool's tokens."""
        return f"https://cognito-idp.{self.region}.amazonaws.com/{self.id}"

    @property
    def keys_url(self) -> str:
        """Where the keys are published that the tokens are signed with (JWKS)."""
        return f"{self._pool_url}/.well-known/jwks.json"

    @property
    def metadata_url(self) -> str:
        """Where the pool's OpenID configuration is published."""
        return f"{self._pool_url}/.well-known/openid-configuration"

    @property
    def login_url(self) -> str:
        """Where a sign-in begins: the authorization endpoint."""
        return f"{self._pages_url}/oauth2/authorize"

    @property
    def logout_url(self) -> str:
        """Where a session of the sign-in pages ends."""
        return f"{self._pages_url}/logout"

    @property
    def sign_in_origin(self) -> str:
        """The origin of the pages at which people sign in, and where a browser gets its tokens."""
        parts = urlsplit(self._pages_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def _pool_url(self) -> str:
        return f"{self.url}/{self.id}" if self.url else self.issuer

    @property
    def _pages_url(self) -> str:
        return self.url or f"https://{self.domain}.auth.{self.region}.amazoncognito.com"


def read_pool(setting: str, url: str = "") -> StaffPool:
    """Return the pool that the setting `staff_pool` names: its id, the client's id and the domain, divided by `/`."""
    pool_id, client_id, domain = setting.split("/")
    return StaffPool(pool_id, client_id, domain, url.rstrip("/"))
