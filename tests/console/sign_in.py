"""A sign-in service as Cognito's is seen by a browser: authorization code with PKCE, refresh, sign-out."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

CLIENT = "console-client"
TOKEN_LIFE_S = 3600


def token(claims: dict[str, object]) -> str:
    """Return a token with these claims; nothing here checks the signature."""
    parts = [{"alg": "RS256", "kid": "k1"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


@dataclass
class SignIn:
    """Who signs in next, and what was handed out. `now` is in seconds."""

    url: str
    now: float
    member: str = "ines"
    refuses: bool = False
    # What a refresh is answered instead, while the service is away.
    away: tuple[int, dict[str, object]] | None = None
    # Whether `/staff` takes no token, as of a bank that is disabled.
    is_refused: bool = False
    codes: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    refreshed: int = 0
    ended: list[str] = field(default_factory=list)

    def config(self) -> dict[str, str]:
        """Return what `GET /console/config.json` answers."""
        return {
            "issuer": f"{self.url}/pool",
            "metadata_url": f"{self.url}/pool/.well-known/openid-configuration",
            "client_id": CLIENT,
            "login_url": f"{self.url}/oauth2/authorize",
            "logout_url": f"{self.url}/logout",
            "api_url": self.url,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the sign-in page sends the browser, for a person who signs in at once."""
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        if self.refuses:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query["code_challenge"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Answer `POST /oauth2/token`. A refresh gives no new refresh token, as Cognito's doesn't."""
        if form["grant_type"] == "refresh_token":
            if self.away:
                return self.away
            if form["refresh_token"] not in self.refresh_tokens:
                return 400, {"error": "invalid_grant"}
            self.refreshed += 1
            return 200, self._answer()
        challenge = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if challenge != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
            return 400, {"error": "invalid_grant"}
        refresh = secrets.token_urlsafe(8)
        self.refresh_tokens.add(refresh)
        return 200, {**self._answer(), "refresh_token": refresh}

    def _answer(self) -> dict[str, object]:
        claims: dict[str, object] = {
            "iss": f"{self.url}/pool",
            "aud": CLIENT,
            "sub": self.member,
            "iat": int(self.now),
            "exp": int(self.now) + TOKEN_LIFE_S,
            "jti": secrets.token_hex(4),
        }
        id_token = token(claims)
        self.tokens.add(id_token)
        return {"id_token": id_token, "access_token": token(claims), "token_type": "Bearer", "expires_in": TOKEN_LIFE_S}
