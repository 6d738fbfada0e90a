"""The smoke test after a release: the API answers what it must, and refuses what it must.

It needs no bank's key and writes nothing.
"""

import json
from dataclasses import dataclass
from typing import Any

import urllib3

_TIMEOUT_S = 30.0  # a cold start, and a gateway that has just changed
_WRONG_KEY = {"x-api-key": "no-bank-has-this-key"}


@dataclass(frozen=True, slots=True)
class Check:
    """A request, and the statuses of which its answer must have one. A refusal must be a problem document."""

    what: str
    method: str
    path: str
    statuses: tuple[int, ...]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def is_refusal(self) -> bool:
        return self.statuses[0] >= 400


CHECKS = (
    Check("the API is alive", "GET", "/health", (200,)),
    Check("the API describes itself", "GET", "/openapi.json", (200,)),
    Check("a transaction without a key is refused", "POST", "/transactions", (401, 403)),
    Check("a transaction with a wrong key is refused", "POST", "/transactions", (401, 403), tuple(_WRONG_KEY.items())),
    Check("reading without a key is refused", "GET", "/analytics", (401, 403)),
    Check("a forged link is refused", "GET", "/preferences/forged", (400,)),
    Check("a path that does not exist is refused", "GET", "/no-such-path", (403, 404)),
)


def smoke_test(url: str) -> list[str]:
    """Return what is wrong with the API at this URL, a line for each check that failed."""
    with urllib3.PoolManager(retries=urllib3.Retry(3, backoff_factor=0.5, status_forcelist=[502, 503, 504])) as pool:
        return [f"{check.what}: no, {wrong}" for check in CHECKS if (wrong := _wrong(check, url, pool))]


def _wrong(check: Check, url: str, pool: urllib3.PoolManager) -> str | None:
    """Return what is wrong with the answer; None if it is right."""
    body = b"{}" if check.method == "POST" else None
    headers = {"content-type": "application/json", **dict(check.headers)}
    try:
        answer = pool.request(
            check.method, f"{url.rstrip('/')}{check.path}", body=body, headers=headers, timeout=_TIMEOUT_S
        )
    except urllib3.exceptions.HTTPError as error:
        return f"{type(error).__name__}"
    if answer.status not in check.statuses:
        return f"the status is {answer.status}"
    is_page = check.path.startswith("/preferences")
    return None if not check.is_refusal or is_page or _is_problem(answer.data) else "the answer is no problem document"


def _is_problem(body: bytes) -> bool:
    try:
        content: Any = json.loads(body)
    except ValueError:
        return False
    return isinstance(content, dict) and {"code", "status", "request_id"} <= content.keys()
