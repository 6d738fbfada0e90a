"""Sending over HTTP as a careful bank does: several connections, a steady rate, retries that can't record twice."""

import itertools
import json
import random
import re
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader

from bank_simulator.postings import CREATED, NO_ANSWER, REPLAYED, UNMARKED, Answer, Posting
from bank_simulator.report import Outcome, Report

MAX_CLIENTS = 16
MAX_TRIES = 5
# Throttled is not failed: a bank over its plan's rate waits its turn.
MAX_THROTTLED_TRIES = 20
_MAX_BACKOFF_S = 5.0
_MAX_THROTTLED_BACKOFF_S = 1.0  # a plan's bucket fills by the second
_MAX_RETRY_AFTER_S = 30.0
_TIMEOUT = urllib3.Timeout(connect=5, read=35)  # API Gateway answers within 29 s
_CODE = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Target:
    """An API and the key of the bank that calls it."""

    url: str
    api_key: str = field(repr=False)


class Progress(Protocol):
    """The part of a tqdm bar that is used."""

    def update(self, n: int = 1, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The final HTTP answer to a request, after its retries."""

    outcome: Outcome
    data: bytes


class BankApi:
    """A thread-safe client of one target that retries lost connections, 429 and 5xx with back-off."""

    def __init__(self, target: Target, clients: int) -> None:
        self._url = target.url.rstrip("/")
        self._headers = {"x-api-key": target.api_key, "content-type": "application/json"}
        self._pool = urllib3.PoolManager(maxsize=clients, block=True, timeout=_TIMEOUT, retries=False)

    def __enter__(self) -> "BankApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def answers(self) -> bool:
        """Whether anything answers at the target, in whatever way."""
        try:
            self._pool.request("GET", f"{self._url}/health")
        except HTTPError:
            return False
        return True

    def request(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Return the answer to the request; after the last try, that try's: a 429, a 5xx or NO_ANSWER."""
        unsure = False
        for tries in itertools.count(1):
            began = time.monotonic()
            answer, data, retry_after = self._try(method, path, body)
            latency_s = time.monotonic() - began
            is_throttled = answer.status == 429
            is_final = not (is_throttled or answer == NO_ANSWER or answer.status >= 500)
            if is_final or tries >= (MAX_THROTTLED_TRIES if is_throttled else MAX_TRIES):
                break
            unsure = unsure or not is_throttled
            max_backoff_s = _MAX_THROTTLED_BACKOFF_S if is_throttled else _MAX_BACKOFF_S
            time.sleep(_pause_s(tries, retry_after, max_backoff_s))
        return Reply(Outcome(answer, latency_s, tries, unsure), data)

    def _try(self, method: str, path: str, body: bytes | None) -> tuple[Answer, bytes, str | None]:
        try:
            response = self._pool.request(method, f"{self._url}{path}", body=body, headers=self._headers)
        except HTTPError:
            return NO_ANSWER, b"", None
        answer = Answer(response.status, _code(response.data) if response.status >= 400 else "")
        if method == "POST" and answer == REPLAYED and response.headers.get("idempotency-replayed") != "true":
            answer = UNMARKED
        return answer, response.data, response.headers.get("retry-after")


def send(
    bodies: Iterable[Posting],
    target: Target,
    *,
    clients: int = 4,
    rate: float = 0,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    keep_created: bool = True,
) -> Report:
    """Post the bodies over `clients` connections, at most `rate` a second (0: as fast as they go), and report.

    Setting `stop` ends it early: what is under way is still answered. `keep_created=False` is for endless runs,
    whose list of created transactions would only grow. An error that `bodies` raises ends the run and is raised.
    """
    began = time.monotonic()
    stop = stop or threading.Event()
    with BankApi(target, clients) as api, ThreadPoolExecutor(clients) as executor:
        run = _Run(bodies, api, rate, progress, stop, keep_created)
        workers = [executor.submit(run.work) for _ in range(clients)]
        try:
            for worker in workers:
                worker.result()
        except BaseException:
            # A KeyboardInterrupt, say: leave without sending the rest first.
            stop.set()
            raise
    run.report.seconds = time.monotonic() - began
    return run.report


class _Run:
    """What the workers of one `send` share; everything that changes is behind the lock."""

    def __init__(
        self,
        bodies: Iterable[Posting],
        api: BankApi,
        rate: float,
        progress: Progress | None,
        stop: threading.Event,
        keep_created: bool,
    ) -> None:
        self.report = Report()
        self._postings = iter(bodies)
        self._api = api
        self._interval_s = 1 / rate if rate > 0 else 0.0
        self._next_slot = time.monotonic()
        self._progress = progress
        self._stop = stop
        self._keep_created = keep_created
        self._lock = threading.Lock()
        self._under_way: dict[str, threading.Event] = {}
        self._unrecorded: set[str] = set()

    def work(self) -> None:
        """Send one posting after the other until none is left or the run is stopped."""
        answered = threading.Event()
        while (taken := self._take(answered)) is not None:
            posting, slot, original = taken
            try:
                if original is not None:
                    original.wait()
                if self._stop.wait(max(0.0, slot - time.monotonic())):
                    return
                self._deliver(posting)
            finally:
                answered.set()
            answered = threading.Event()

    def _take(self, answered: threading.Event) -> tuple[Posting, float, threading.Event | None] | None:
        with self._lock:
            if self._stop.is_set():
                return None
            posting = next(self._postings, None)
            if posting is None:
                return None
            slot = max(self._next_slot, time.monotonic())
            self._next_slot = slot + self._interval_s
            if posting.repeats:
                return posting, slot, self._under_way.get(posting.id)
            self._under_way[posting.id] = answered
            return posting, slot, None

    def _deliver(self, posting: Posting) -> None:
        if posting.repeats and posting.id in self._unrecorded:
            with self._lock:
                self.report.skipped += 1
                self._advance()
            return
        posted_at = datetime.now(UTC)
        outcome = self._api.request("POST", "/transactions", posting.body).outcome
        with self._lock:
            is_recorded = self.report.add(posting, outcome, posted_at, self._keep_created)
            if not posting.repeats:
                self._under_way.pop(posting.id, None)
                if CREATED in posting.expected and not is_recorded:
                    self._unrecorded.add(posting.id)
            self._advance()

    def _advance(self) -> None:
        if self._progress is not None:
            self._progress.update(1)


def _pause_s(tries: int, retry_after: str | None, max_backoff_s: float) -> float:
    backoff = min(max_backoff_s, 0.2 * 2.0 ** (tries - 1)) * random.uniform(0.5, 1)
    try:
        asked_for = urllib3.Retry().parse_retry_after(retry_after) if retry_after else 0.0
    except InvalidHeader:
        asked_for = 0.0
    return min(_MAX_RETRY_AFTER_S, max(backoff, asked_for))


def _code(data: bytes) -> str:
    """The problem document's code: a plain word, so that a report never shows anything else of an answer."""
    try:
        code = json.loads(data)["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
