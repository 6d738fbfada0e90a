"""Signed-in staff for tests of the routes under `/staff`: ID tokens signed with keys of the tests' own.

Every `bench` (tests/app_bench.py) trusts them, because its user pool's keys are served from here. So a test writes:

    from tests.app_bench import Bench, problem
    from tests.staff_world import signed_in

    def test_an_analyst_claims_a_case(bench: Bench) -> None:
        analyst = signed_in(bench, "analyst")                     # of the bank "eazycard"
        assert analyst.post("/staff/next-case").status_code == 200
        viewer = signed_in(bench, "viewer")
        problem(viewer.post("/staff/next-case"), 403, "group_required")
        stranger = signed_in(bench, "admin", bank="other-bank")
        problem(stranger.get("/staff/cases/t1"), 404, "case_not_found")

`id_token` makes a token alone, with any claim changed; `None` as a claim's value leaves it out.
"""

import functools
import json
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from chalice.test import HTTPResponse

    from tests.app_bench import Bench

POOL_ID, CLIENT_ID, DOMAIN = "us-east-2_TestPool", "client-of-the-console", "tn-test"
STAFF_POOL = f"{POOL_ID}/{CLIENT_ID}/{DOMAIN}"
ISSUER = f"https://cognito-idp.us-east-2.amazonaws.com/{POOL_ID}"
KEY_ID = "key-1"
LIFETIME = timedelta(minutes=15)


def signing_key(key_id: str = KEY_ID, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the private key of this name; made once for each process, because that takes a while."""
    return _made(key_id, bits)


@functools.cache
def _made(_key_id: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(key_id: str = KEY_ID, bits: int = 2048, **changes: Any) -> dict[str, Any]:
    """Return the public key of this name as a user pool publishes it."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key(key_id, bits).public_key(), as_dict=True)
    return {**public, "kid": key_id, "use": "sig", "alg": "RS256", **changes}


def key_set(*keys: dict[str, Any]) -> bytes:
    """Return a published key set: of the one key that signs unless another is asked for."""
    return json.dumps({"keys": list(keys) or [jwk()]}).encode()


def claims(
    now: datetime, bank: str = "eazycard", groups: Iterable[str] = ("viewer",), **changes: Any
) -> dict[str, Any]:
    """Return the claims of an ID token that was issued at `now`, as Cognito makes them."""
    listed = list(groups)
    made: dict[str, Any] = {
        "sub": "5a1c2f0e-0000-4000-8000-00000000000a",
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "token_use": "id",
        "auth_time": int(now.timestamp()),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": "b7a3c1d2-0000-4000-8000-000000000001",
        "origin_jti": "b7a3c1d2-0000-4000-8000-000000000002",
        "cognito:username": "5a1c2f0e-0000-4000-8000-00000000000a",
        "cognito:groups": listed or None,
        "custom:bank": bank,
        "name": "Awa Ndiaye",
        "email": "awa@bank.example",
        "email_verified": True,
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def id_token(now: datetime, bank: str = "eazycard", groups: Iterable[str] = ("viewer",), **changes: Any) -> str:
    """Return a signed ID token; `changes` are claims by name."""
    return signed(claims(now, bank, groups, **changes))


def signed(content: dict[str, Any], key_id: str = KEY_ID, **headers: Any) -> str:
    """Return a token with these claims, signed with the key of this name."""
    return jwt.encode(content, signing_key(key_id), algorithm="RS256", headers={"kid": key_id, **headers})


class Desk:
    """A member of a bank's staff who is signed in at a bench. The token is always fresh."""

    def __init__(self, bench: "Bench", bank: str, groups: Iterable[str], **changes: Any) -> None:
        self._bench, self._bank, self._groups, self._changes = bench, bank, tuple(groups), changes

    @property
    def token(self) -> str:
        return id_token(self._bench.now, self._bank, self._groups, **self._changes)

    def request(self, method: str, path: str, body: Any = None, **headers: str | None) -> "HTTPResponse":
        return self._bench.request(method, path, body, key=None, authorization=f"Bearer {self.token}", **headers)

    def get(self, path: str, **query: str) -> "HTTPResponse":
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any = None) -> "HTTPResponse":
        return self.request("POST", path, body)


def signed_in(bench: "Bench", *groups: str, bank: str = "eazycard", **changes: Any) -> Desk:
    """Return a member of the bank's staff in these groups; `changes` are claims of the token: `sub`, `name`, ..."""
    return Desk(bench, bank, groups, **changes)


@functools.cache
def keys_url() -> str:
    """Return the URL at which the keys are served as the emulated Cognito serves them, from the first use on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


class _Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_found = self.path == f"/{POOL_ID}/.well-known/jwks.json"
        content = key_set() if is_found else b""
        self.send_response(200 if is_found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass
