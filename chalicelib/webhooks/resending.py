"""Sending again all webhooks of a time span that were not delivered: after an endpoint was down, for example."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.aws.queues import Queue
from chalicelib.banks.webhook_endpoints import WEBHOOK_TEST
from chalicelib.errors import TriedLately, WebhookNotFound
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.records import Standing, WebhookRecords
from chalicelib.webhooks.webhook import Webhook, pack

MOST_A_CALL = 100
_READS = 10


class Resender:
    def __init__(self, log: AttemptLog, records: WebhookRecords, queue: Queue, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._records = records
        self._queue = queue
        self._clock = clock

    def resend(self, bank: str, first: datetime, last: datetime, before: str = "") -> tuple[int, str | None]:
        """Queue once more what was tried from `first` to `last` and is not delivered; the newest first, at most 100.

        Returns how many were queued, and the position from which the next call goes on, None at the end. What was tried
        within the last minute, and tests, are left out. Raises TemporarilyUnavailable; some may be queued then, and
        calling it again queues the others.
        """
        now = self._clock()
        ids: dict[str, None] = {}
        position: str | None = before
        for _ in range(_READS):
            if position is None or len(ids) >= MOST_A_CALL:
                break
            attempts, position = self._log.newest(bank, position, MOST_A_CALL - len(ids), now, first, last)
            failed = (one for one in attempts if one["state"] != Standing.DELIVERED and one["type"] != WEBHOOK_TEST)
            ids |= dict.fromkeys(one["id"] for one in failed)
        taken = [webhook for webhook_id in ids if (webhook := self._taken(bank, webhook_id, now)) is not None]
        # A later attempt, perhaps behind the time span, may have been accepted.
        records = self._records.of(taken)
        wanted = [one for one in taken if one.id not in records or records[one.id].standing != Standing.DELIVERED]
        self._queue.send(pack(replace(one, again=True, first_at=now, not_before=None)) for one in wanted)
        return len(wanted), position

    def _taken(self, bank: str, webhook_id: str, now: datetime) -> Webhook | None:
        try:
            return self._log.take_again(bank, webhook_id, now)
        except (TriedLately, WebhookNotFound):
            return None
