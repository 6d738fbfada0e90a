"""Locust's users: each posts what the plan says, when it is due, as a bank does that loses nothing.

`python -m load` writes the plan and starts Locust with this file. A user sends a request again after a 429, a 5xx or a
lost answer; each try counts in Locust's figures, the final answer in the file of answers.
"""

import json
import os
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, task
from locust.exception import StopUser

from load.pacing import Phase, due

PLAN = json.loads(Path(os.environ["LOAD_PLAN"]).read_text())
MAX_TRIES = 20
_ANSWERS = Path(PLAN["answers"]).open("a", buffering=1)  # noqa: SIM115 — open as long as the process
_left_at_work = sum(load["clients"] for load in PLAN["loads"])


class Work:
    """The transactions of one load, which its users share."""

    def __init__(self, load: dict[str, Any]) -> None:
        self.name: str = load["bank"]
        self.batch: int = load["batch"]
        self._headers = {"x-api-key": load["key"], "content-type": "application/json"}
        self._queued_every: int = load["queued_every"]
        self._bodies = Path(load["bodies"]).read_bytes().splitlines()
        self._phases = [Phase(*phase) for phase in load["phases"]]
        self._next = 0
        self._began: float | None = None

    def take(self) -> tuple[range, float] | None:
        """Return the next transactions of a request, and for how many seconds to wait before; None at the end."""
        if self._began is None:
            self._began = time.monotonic()
        if self._next == len(self._bodies):
            return None
        taken = range(self._next, min(len(self._bodies), self._next + max(1, self.batch)))
        self._next = taken.stop
        return taken, max(0.0, self._began + due(self._phases, taken.start) - time.monotonic())

    def request(self, indexes: list[int]) -> tuple[str, bytes, dict[str, str]]:
        """Return the path, the body and the headers of a request with these transactions."""
        if not self.batch:
            return "/transactions", self._bodies[indexes[0]], self._headers
        body = b'{"transactions": [%s]}' % b", ".join(self._bodies[one] for one in indexes)
        is_queued = self._queued_every and indexes[0] // self.batch % self._queued_every == 0
        return "/transactions/batch", body, self._headers | ({"prefer": "respond-async"} if is_queued else {})


class Poster(FastHttpUser):  # type: ignore[misc] — Locust isn't in the environment of the type checks
    abstract = True
    work: Work
    network_timeout = 35.0  # API Gateway answers within 29 s

    @task
    def post_what_is_next(self) -> None:
        taken = self.work.take()
        if taken is None:
            self._leave()
        indexes, wait_s = taken
        gevent.sleep(wait_s)
        posted_at, left = datetime.now(UTC).isoformat(), list(indexes)
        for tries in range(1, MAX_TRIES + 1):
            left = self._try(left, posted_at, is_last=tries == MAX_TRIES)
            if not left:
                return
            gevent.sleep(min(5.0, 0.2 * 2.0 ** (tries - 1)) * random.uniform(0.5, 1))

    def _leave(self) -> None:
        global _left_at_work
        _left_at_work -= 1
        if not _left_at_work:
            self.environment.runner.quit()
        raise StopUser

    def _try(self, indexes: list[int], posted_at: str, is_last: bool) -> list[int]:
        """Send the transactions, note their final answers, and return those that are to be sent again."""
        path, body, headers = self.work.request(indexes)
        name = f"{self.work.name} POST {path}"
        began = time.monotonic()
        with self.client.post(path, data=body, headers=headers, name=name, catch_response=True) as answer:
            statuses = _statuses(answer, len(indexes))
            again = [index for index, status in zip(indexes, statuses, strict=True) if status is None and not is_last]
            if None in statuses:
                answer.failure(f"answered {answer.status_code}, or with items to be sent again")
            else:
                answer.success()
        taken_ms = round((time.monotonic() - began) * 1000, 1)
        for index, status in zip(indexes, statuses, strict=True):
            if index not in again:
                line = {"bank": self.work.name, "index": index, "answer": status or "none", "at": posted_at}
                _ANSWERS.write(json.dumps({**line, "ms": taken_ms}) + "\n")
        return again


def _statuses(answer: Any, count: int) -> list[str | None]:
    """Return what became of each transaction of a request: a batch's words, None for one that is to be sent again."""
    status = answer.status_code
    if status == 429 or status == 0 or status >= 500:
        return [None] * count
    if status in (200, 202) and "results" in (found := answer.json()):
        return [None if one["status"] == "retry" else one["status"] for one in found["results"]]
    return [{201: "created", 200: "replayed", 202: "queued"}.get(status, f"refused with {status}")] * count


for _load in PLAN["loads"]:
    _name = f"Bank {_load['bank']}"
    globals()[_name] = type(_name, (Poster,), {"work": Work(_load), "fixed_count": _load["clients"]})
