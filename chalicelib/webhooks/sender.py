"""The webhook sender: delivers the queue's webhooks to the banks' endpoints, and tries again for three days.

For a batch of messages, `WebhookSender.handle` goes through these steps:

1. read: messages become webhooks, and copies of one webhook become one (`_read`);
2. select: what is early goes back to the queue, what was delivered or waits elsewhere is skipped (`is_settled`);
3. post: all at the same time (`signed_poster`);
4. record what was delivered, before anything else can fail: a delivered webhook isn't sent twice;
5. follow up what was not delivered (`attempt.follow_up` has the rules):
   - an endpoint that answers 500, or nothing: the webhook goes back to the queue until its next try;
   - the same after three days: it goes to the dead-letter queue;
   - an endpoint that answers 410: the webhook is recorded as not sent;
6. log the attempts for the bank (`attempts_repository`);
7. record which endpoints have proved themselves, and disable those that answered 410 (`proof`).

An endpoint of one bank never holds up the webhooks of another bank.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import ceil

from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import ActivityRecorder, Happened
from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.queues import MAX_DELAY_S, Queue
from chalicelib.aws.telemetry import about, count, logger
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.webhook_endpoints import WEBHOOK_TEST
from chalicelib.webhooks.attempt import Attempt, FollowUp, follow_up
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.proof import settle
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.signed_poster import SignedPoster
from chalicelib.webhooks.webhook import Webhook, pack, unpack


class WebhookSender:
    """Delivers the webhooks in a queue's messages.

    `poster` signs and posts them, `records` keeps each webhook's last attempt, and the bank reads the `log`. What was
    not delivered goes back to the `queue`, or to the `dead_letters`.
    """

    def __init__(
        self,
        poster: SignedPoster,
        endpoints: EndpointDirectory,
        records: WebhookRecords,
        log: AttemptLog,
        queue: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        activity: ActivityRecorder,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._poster = poster
        self._endpoints = endpoints
        self._records = records
        self._log = log
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock
        self._activity = activity
        self._jitter = jitter

    def handle(self, bodies: Sequence[str]) -> None:
        """Deliver those webhooks in the queue's messages that are due, and put the others back into the queue.

        Raises only when a table, a queue or Secrets Manager can't be reached: SQS then brings the messages again. What
        was delivered is not sent again then, unless recording it failed.
        """
        now = self._clock()
        webhooks = self._read(bodies)
        early = [webhook for webhook in webhooks if webhook.not_before is not None and webhook.not_before > now]
        others = [webhook for webhook in webhooks if webhook not in early]
        records = self._records.of(others)
        due = [webhook for webhook in others if not is_settled(webhook, records.get(webhook.id), now)]
        attempts = self._poster.post(due, now)
        now = self._clock()
        delivered = self._record_delivered(attempts, records, now)
        failed = self._follow_up_failed(attempts, now)
        self._hand_over(failed, early, now)
        recorded = [*delivered, *(result.record for _, result in failed)]
        self._log.note(attempts, recorded, now)
        settle(self._endpoints, attempts, now)
        _report(recorded, webhooks, early=len(early), over=len(others) - len(recorded))
        self._activity.note(_activity(attempts))

    def _read(self, bodies: Sequence[str]) -> list[Webhook]:
        """Return the webhooks in the messages, one of each: of several copies, the last one by `_precedence`."""
        webhooks: list[Webhook] = []
        letters: list[Letter] = []
        for body in bodies:
            with SetAside(letters, body, "malformed_webhook"):
                webhooks.append(unpack(body))
        self._dead_letters.put(letters)
        return list({webhook.id: webhook for webhook in sorted(webhooks, key=_precedence)}.values())

    def _record_delivered(
        self, attempts: Iterable[Attempt], records: Mapping[str, Record], now: datetime
    ) -> list[Record]:
        accepted = [attempt for attempt in attempts if attempt.answer.is_accepted]
        delivered = [self._follow_up(attempt, records, now).record for attempt in accepted]
        self._records.put(delivered)
        return delivered

    def _follow_up_failed(self, attempts: Iterable[Attempt], now: datetime) -> list[tuple[Attempt, FollowUp]]:
        """Return the failed attempts with what follows; without those of which another copy was delivered meanwhile."""
        failed = [attempt for attempt in attempts if not attempt.answer.is_accepted]
        records = self._records.of(attempt.webhook for attempt in failed)
        return [
            (attempt, self._follow_up(attempt, records, now))
            for attempt in failed
            if attempt.webhook.again or not _is_delivered(records.get(attempt.webhook.id))
        ]

    def _follow_up(self, attempt: Attempt, records: Mapping[str, Record], now: datetime) -> FollowUp:
        return follow_up(attempt, records.get(attempt.webhook.id), now, self._jitter())

    def _hand_over(self, failed: Sequence[tuple[Attempt, FollowUp]], early: Sequence[Webhook], now: datetime) -> None:
        """Record what failed, and hand it to the dead letters or, with what is early, back to the queue."""
        self._records.put(result.record for _, result in failed if result.next_try is None)
        self._dead_letters.put(
            [
                Letter(pack(attempt.webhook), f"given_up: {attempt.answer}")
                for attempt, result in failed
                if result.record.standing is Standing.GIVEN_UP and attempt.webhook.type != WEBHOOK_TEST
            ]
        )
        self._put_back([*early, *(result.next_try for _, result in failed if result.next_try)], now)
        # After the queue has the next try: with this record, every other copy of the webhook is skipped.
        self._records.put(result.record for _, result in failed if result.next_try is not None)

    def _put_back(self, webhooks: Sequence[Webhook], now: datetime) -> None:
        """Put webhooks back into the queue until they are due, or for 15 minutes, the longest delay in SQS."""
        waits = (ceil((webhook.not_before - now).total_seconds()) for webhook in webhooks if webhook.not_before)
        delays = iter([min(max(wait, 0), MAX_DELAY_S) for wait in waits])
        self._queue.send(map(pack, webhooks), lambda: next(delays))


def is_settled(webhook: Webhook, record: Record | None, now: datetime) -> bool:
    """Return whether there is nothing to send: the webhook was delivered, or another copy of it waits for its next try.

    `record` is of the webhook's last attempt. A webhook that is to be sent `again` is never settled.
    """
    if record is None or webhook.again:
        return False
    if record.next_at is None:
        return _is_delivered(record)
    return record.next_at > (webhook.not_before or now)


def _precedence(webhook: Webhook) -> tuple[bool, bool, datetime]:
    """Return the order of a webhook's copies, of which the last one is kept.

    Last is a copy to be sent `again`; before it, the copy that waits longest for its next try; first, one that never
    waited. If that one were kept, the next try of the others would be lost.
    """
    return webhook.again, webhook.not_before is not None, webhook.not_before or webhook.first_at


def _is_delivered(record: Record | None) -> bool:
    return record is not None and record.standing is Standing.DELIVERED


def _activity(attempts: Iterable[Attempt]) -> dict[str, Happened]:
    banks: dict[str, Counter[Counted]] = {}
    for attempt in attempts:
        if attempt.is_posted:
            counted = Counted.WEBHOOKS_DELIVERED if attempt.answer.is_accepted else Counted.WEBHOOKS_FAILED
            banks.setdefault(attempt.webhook.bank, Counter())[counted] += 1
    return {bank: Happened(counts) for bank, counts in banks.items()}


def _report(records: Sequence[Record], webhooks: Iterable[Webhook], early: int, over: int) -> None:
    standings = Counter(record.standing.value for record in records)
    answers = Counter(record.answer for record in records)
    transactions = about((webhook.bank, webhook.key.transaction) for webhook in webhooks)
    extra = {"standings": standings, "answers": answers, "early": early, "over": over}
    logger.info("webhooks", extra={**extra, "transactions": transactions})
    count("WebhooksDelivered", standings[Standing.DELIVERED])
    count("WebhooksPutOff", standings[Standing.WAITING])
    count("WebhooksGivenUp", standings[Standing.GIVEN_UP])
    count("WebhooksNotSent", standings[Standing.NOT_SENT])
