"""A client of the API that signs requests, and tries again after a lost answer, a 429 or a 5xx."""

import itertools
import json
import random
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import urllib3
from standardwebhooks import Webhook
from urllib3.exceptions import HTTPError, InvalidHeader

from bank_simulator.postings import NO_ANSWER, Answer

MAX_TRIES = 5
# A 429 is no failure: a bank over the rate of its plan waits.
MAX_THROTTLED_TRIES = 20
MAX_BACKOFF_S = 5.0
_MAX_THROTTLED_BACKOFF_S = 1.0  # a plan's bucket fills up every second
_MAX_RETRY_AFTER_S = 30.0
_TIMEOUT = urllib3.Timeout(connect=5, read=35)  # API Gateway answers within 29 s
_CODE = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Target:
    """An API, the key of the bank that calls it, and the secret (whsec_…) for signatures, if the bank signs."""

    url: str
    api_key: str = field(repr=False)
    signing_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """The final HTTP answer to a request, after `tries` of it; the last try took `latency_s` seconds.

    `unsure` says that the API may have recorded an earlier try, because its answer was lost or a 5xx.
    """

    answer: Answer
    latency_s: float
    tries: int
    unsure: bool
    data: bytes
    headers: Mapping[str, str]


class BankApi:
    """A thread-safe client of one target. It retries lost connections, 429 and 5xx with back-off."""

    def __init__(self, target: Target, clients: int) -> None:
        self._url = target.url.rstrip("/")
        self._headers = {"x-api-key": target.api_key, "content-type": "application/json"}
        self._webhook = Webhook(target.signing_secret) if target.signing_secret else None
        self._pool = urllib3.PoolManager(maxsize=clients, block=True, timeout=_TIMEOUT, retries=False)

    def __enter__(self) -> "BankApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def answers(self) -> bool:
        """Whether anything answers at the target, with any status."""
        try:
            self._pool.request("GET", f"{self._url}/health")
        except HTTPError:
            return False
        return True

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the answer to the request. After the last try, it can be a 429, a 5xx or NO_ANSWER."""
        unsure = False
        for tries in itertools.count(1):
            began = time.monotonic()
            answer, data, received = self._try(method, path, body, headers or {})
            latency_s = time.monotonic() - began
            is_throttled = answer.status == 429
            is_final = not (is_throttled or answer == NO_ANSWER or answer.status >= 500)
            if is_final or tries >= (MAX_THROTTLED_TRIES if is_throttled else MAX_TRIES):
                break
            unsure = unsure or not is_throttled
            max_backoff_s = _MAX_THROTTLED_BACKOFF_S if is_throttled else MAX_BACKOFF_S
            time.sleep(pause_s(tries, received.get("retry-after"), max_backoff_s))
        return Reply(answer, latency_s, tries, unsure, data, received)

    def _try(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[Answer, bytes, Mapping[str, str]]:
        sent = {**self._headers, **headers, **self._signature(body or b"")}
        try:
            response = self._pool.request(method, f"{self._url}{path}", body=body, headers=sent)
        except HTTPError:
            return NO_ANSWER, b"", {}
        answer = Answer(response.status, _code(response.data) if response.status >= 400 else "")
        return answer, response.data, response.headers

    def _signature(self, body: bytes) -> dict[str, str]:
        if self._webhook is None:
            return {}
        # New for each try: a signature expires, and an id may be refused the second time.
        message_id, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, now, body.decode()),
        }


def pause_s(tries: int, retry_after: str | None, max_backoff_s: float = MAX_BACKOFF_S) -> float:
    """Return the seconds to wait after `tries` tries: longer each time, and at least what the answer asks for."""
    backoff = min(max_backoff_s, 0.2 * 2.0 ** (tries - 1)) * random.uniform(0.5, 1)
    try:
        asked_for = urllib3.Retry().parse_retry_after(retry_after) if retry_after else 0.0
    except InvalidHeader:
        asked_for = 0.0
    return min(_MAX_RETRY_AFTER_S, max(backoff, asked_for))


def code_word(code: object) -> str:
    """Return the code if it is a plain word, else "": a report shows nothing else of an answer."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _code(data: bytes) -> str:
    try:
        return code_word(json.loads(data)["code"])
    except (ValueError, KeyError, TypeError):
        return ""
