"""AWS's Signature Version 4 of one request to DynamoDB. The tests hold it to botocore's."""

import functools
import hashlib
import hmac
from typing import NamedTuple

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """An access key, as botocore names its parts. `token` is None for a key that doesn't expire."""

    access_key: str
    secret_key: str
    token: str | None


def authorization(credentials: Credentials, region: str, at: str, headers: dict[str, str], body: bytes) -> str:
    """Return the header `Authorization` for a POST to `/` of `body` with these headers, all of which are signed.

    `headers` has lower-case names in alphabetical order, with `x-amz-date`, which is `at`: like 20260110T140000Z.
    """
    names = ";".join(headers)
    lines = "".join([f"{name}:{value}\n" for name, value in headers.items()])
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/dynamodb/aws4_request"
    text = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_key(credentials.secret_key, at[:8], region), text.encode(), "sha256").hex()
    return f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"


@functools.lru_cache(maxsize=2)
def _key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
