"""Webhooks on their way: signed, posted, noted, and tried again for days. One bank's endpoint holds up no other's."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from math import ceil

from standardwebhooks import Webhook as Signer

from chalicelib.endpoints import EndpointDirectory
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.posting import Answer, Poster
from chalicelib.queues import MAX_DELAY_S, DeadLetters, Queue
from chalicelib.secret_store import SecretStore
from chalicelib.signatures import valid_secrets
from chalicelib.telemetry import count, logger
from chalicelib.webhook_records import Record, Standing, WebhookRecords
from chalicelib.webhooks import Webhook, pack, unpack

# So long an endpoint that couldn't be reached is left alone by this process: what waits for its time limit would hold
# up the webhooks of all other banks.
_RESTS_FOR = timedelta(seconds=30)
_NO_ENDPOINT = Answer(problem="no_endpoint")
_RESTING = Answer(problem="resting")
_NO_SECRET = Answer(problem="no_secret")
_UNSENT = (_NO_ENDPOINT, _RESTING, _NO_SECRET)
_HEADERS = {"content-type": "application/json; charset=utf-8", "user-agent": "transaction-notifier-webhooks/1"}


class WebhookSender:
    def __init__(
        self,
        endpoints: EndpointDirectory,
        secrets: SecretStore,
        records: WebhookRecords,
        poster: Poster,
        queue: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._endpoints = endpoints
        self._secrets = secrets
        self._records = records
        self._poster = poster
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock
        self._jitter = jitter
        self._resting: dict[str, datetime] = {}  # banks, and until when

    def handle(self, bodies: Sequence[str]) -> None:
        """Send those of the queue's webhooks that are due, side by side; put the others back.

        What isn't accepted is put back, too, for three days, and then goes to the dead-letter queue. An endpoint that
        answers 410 is disabled. Raises only when a table, a queue or Secrets Manager can't be reached: SQS then brings
        the messages again, and what has been delivered is not sent again, unless that couldn't be noted.
        """
        now = self._clock()
        webhooks = {webhook.id: webhook for webhook in sorted(self._read(bodies), key=_precedence)}
        early = [
            webhook for webhook in webhooks.values() if webhook.not_before is not None and webhook.not_before > now
        ]
        for webhook in early:
            del webhooks[webhook.id]
        known = self._records.of(webhooks.values())
        due = [webhook for webhook in webhooks.values() if not _is_over(webhook, known.get(webhook.id))]
        answers = self._tried(due, now)
        now = self._clock()
        later = list(early)
        given_up: list[tuple[str, str]] = []
        records = []
        for webhook, answer in zip(due, answers, strict=True):
            next_try = None
            standing = self._standing(webhook, answer, now)
            if standing is Standing.WAITING:
                next_try = webhook.next_try(now, self._jitter(), timedelta(seconds=answer.retry_after_s))
                later.append(next_try)
            elif standing is Standing.GIVEN_UP:
                given_up.append((pack(webhook), f"given_up: {answer}"))
            before = known.get(webhook.id)
            attempts = (before.attempts if before else 0) + (answer not in _UNSENT)
            next_at = next_try.not_before if next_try else None
            records.append(Record(webhook.key, webhook.id, webhook.type, standing, str(answer), attempts, now, next_at))
        # What is done is noted first, lest it be sent again; a next try only when it is sure to come: by that note, all
        # other copies of the webhook fall away.
        self._records.put(record for record in records if record.next_at is None)
        self._dead_letters.put(given_up)
        self._put_back(later, now)
        self._records.put(record for record in records if record.next_at is not None)
        _report(records, early=len(early), over=len(webhooks) - len(due))

    def _read(self, bodies: Sequence[str]) -> list[Webhook]:
        webhooks: list[Webhook] = []
        malformed: list[tuple[str, str]] = []
        for body in bodies:
            try:
                webhooks.append(unpack(body))
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
                malformed.append((body, f"malformed_webhook: {type(error).__name__}"))
        self._dead_letters.put(malformed)
        return webhooks

    def _tried(self, webhooks: Sequence[Webhook], now: datetime) -> list[Answer]:
        """Send the webhooks; return what became of each."""
        if not webhooks:
            return []
        banks = {webhook.bank for webhook in webhooks}
        endpoints = {bank: endpoint for bank in banks if (endpoint := self._endpoints.of(bank))}
        signers = {bank: self._signers(endpoint.secret_arn, now) for bank, endpoint in endpoints.items()}

        def answer_to(webhook: Webhook) -> Answer:
            if webhook.bank not in endpoints:
                return _NO_ENDPOINT
            if not signers[webhook.bank]:
                return _NO_SECRET
            if self._resting.get(webhook.bank, now) > now:
                return _RESTING
            at = self._clock()
            headers = {
                **_HEADERS,
                "webhook-id": webhook.id,
                "webhook-timestamp": str(int(at.timestamp())),
                # One for each secret that is valid: while they are rotated, the receiver has one or the other.
                "webhook-signature": " ".join(s.sign(webhook.id, at, webhook.body) for s in signers[webhook.bank]),
            }
            answer = self._poster.post(endpoints[webhook.bank].url, headers, webhook.body.encode())
            if answer.holds_up:
                self._resting[webhook.bank] = at + _RESTS_FOR
            if answer.is_gone:
                self._endpoints.disable(webhook.bank, endpoints[webhook.bank].url, at)
                logger.warning("webhooks_disabled", extra={"bank": webhook.bank})
                count("WebhooksDisabled")
            return answer

        with ThreadPoolExecutor(len(webhooks)) as pool:
            return list(pool.map(answer_to, webhooks))

    def _signers(self, secret_arn: str, now: datetime) -> list[Signer]:
        try:
            return [Signer(secret) for secret in valid_secrets(self._secrets.get(secret_arn), now)]
        except TemporarilyUnavailable:
            raise
        except Exception as error:  # a bank whose secret was taken away must not hold up the others
            logger.error("no_webhook_secret", extra={"error": type(error).__name__})
            return []

    def _standing(self, webhook: Webhook, answer: Answer, now: datetime) -> Standing:
        if answer.is_accepted:
            return Standing.DELIVERED
        if answer.is_gone or answer is _NO_ENDPOINT:
            return Standing.NOT_SENT
        return Standing.GIVEN_UP if webhook.is_given_up(now) else Standing.WAITING

    def _put_back(self, webhooks: Sequence[Webhook], now: datetime) -> None:
        """Put webhooks back until they are due, or for as long as SQS can hold them back."""
        waits = (ceil((webhook.not_before - now).total_seconds()) for webhook in webhooks if webhook.not_before)
        delays = iter([min(max(wait, 0), MAX_DELAY_S) for wait in waits])
        self._queue.send(map(pack, webhooks), lambda: next(delays))


def _precedence(webhook: Webhook) -> tuple[bool, bool, datetime]:
    """What orders copies so that the last one stands for all: one to be sent at once, else the one put off last."""
    return webhook.not_before is None, webhook.again, webhook.not_before or webhook.first_at


def _is_over(webhook: Webhook, record: Record | None) -> bool:
    """Whether it has been delivered, or is a copy whose next try is another one's."""
    if record is None:
        return False
    if record.standing is Standing.DELIVERED:
        return not webhook.again
    return bool(record.next_at and webhook.not_before and record.next_at > webhook.not_before)


def _report(records: Sequence[Record], early: int, over: int) -> None:
    standings = Counter(record.standing.value for record in records)
    answers = Counter(record.answer for record in records)
    extra = {"standings": standings, "answers": answers, "early": early, "over": over}
    logger.info("webhooks", extra=extra)
    count("WebhooksDelivered", standings[Standing.DELIVERED])
    count("WebhooksPutOff", standings[Standing.WAITING])
    count("WebhooksGivenUp", standings[Standing.GIVEN_UP])
    count("WebhooksNotSent", standings[Standing.NOT_SENT])
