"""Notices that wait for quiet hours to end: kept in a table by when they are due, and handed back to the queue then.

Nothing waits in a function's memory or a timer, so nothing is lost by a restart. A notice may be handed back twice; the
mailer's claim keeps it from being told twice.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.queues import MAX_DELAY_S, Queue
from chalicelib.aws.telemetry import SECONDS, count, logger, measured
from chalicelib.notifications.digest import DigestKind
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.notice import Notice, pack, to_payload

# A shorter wait is the queue's own. So nothing is ever put into an hour that a release may be done with: a mailer that
# decides now has long ended by then, whatever its clock says.
LEAST_WAIT = timedelta(seconds=MAX_DELAY_S)
# Sending and deleting a page takes no longer.
_PAGE_TAKES_AT_MOST_S = 10
# Nothing waits for longer than a day: where a release begins that has no checkpoint.
_WAITS_AT_MOST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice for one holder, and when it is due."""

    notice: Notice
    until: datetime


class Deferrals:
    def __init__(self, repository: DueRepository, queue: Queue) -> None:
        self._repository = repository
        self._queue = queue

    def put(self, waiting: Iterable[Waiting], now: datetime) -> None:
        """Keep the notices until they are due: in the table, and in the queue itself if that is soon.

        Raises TemporarilyUnavailable with some maybe kept; keeping them again is safe.
        """
        waiting = list(waiting)
        later = [one for one in waiting if one.until - now > LEAST_WAIT]
        self._repository.put(_deferral(one) for one in later)
        for one in waiting:
            if one.until - now <= LEAST_WAIT:
                seconds = math.ceil((one.until - now).total_seconds())
                self._queue.send(pack([to_payload(one.notice)]), partial(int, seconds))


class Release:
    """Hands what is due back to the mailer's queue, and digests of alerts to the alert mailer's."""

    def __init__(
        self,
        repository: DueRepository,
        queue: Queue,
        alerts: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._alerts = alerts
        self._dead_letters = dead_letters
        self._clock = clock

    def run(self, time_left_s: Callable[[], float]) -> None:
        """Hand back all that is due, hour by hour from where the last run ended, as far as the time allows.

        Each page is sent before it is deleted: a run that dies in between, or runs beside another, sends it again.
        """
        now = self._clock()
        released = 0
        is_done = False
        hour = self._repository.checkpoint() or _hour_of(now - _WAITS_AT_MOST)
        while not is_done and time_left_s() > _PAGE_TAKES_AT_MOST_S:
            for page in self._repository.due(hour, now):
                self._hand_back(page)
                released += len(page)
                if time_left_s() < _PAGE_TAKES_AT_MOST_S:
                    break
            else:
                is_done = hour + timedelta(hours=1) > now
                if not is_done:
                    hour += timedelta(hours=1)
                    self._repository.move_checkpoint(hour)
        logger.info("released", extra={"released": released, "done": is_done})
        count("NotificationsReleased", released)
        lag_s = 0.0 if is_done else (now - hour).total_seconds()
        measured("JobLag", SECONDS, [lag_s], job="release_deferred")

    def _hand_back(self, page: list[DueEntry]) -> None:
        payloads: list[dict[str, Any]] = []
        alerts: list[dict[str, Any]] = []
        letters: list[Letter] = []
        for entry in page:
            with SetAside(letters, entry.payload, "malformed_deferral"):
                payload = dict(json.loads(entry.payload))
                is_alert = "digest" in payload and payload["digest"]["kind"] == DigestKind.ALERTS
                (alerts if is_alert else payloads).append(payload)
        self._dead_letters.put(letters)
        self._dead_letters.send(self._alerts, pack(alerts))
        self._dead_letters.send(self._queue, pack(payloads))
        self._repository.remove(page)


def _deferral(waiting: Waiting) -> DueEntry:
    transaction, (holder,) = waiting.notice.transaction, waiting.notice.holders or ("",)
    name = f"{transaction.bank}#{transaction.id}#{holder}"
    return DueEntry(waiting.until, name, json.dumps(to_payload(waiting.notice), ensure_ascii=False))


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
