"""Webhooks on their way: signed, posted, noted, and tried again for days. One bank's endpoint holds up no other's."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from standardwebhooks import Webhook as Signer

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.queues import MAX_DELAY_S, Queue
from chalicelib.aws.secret_store import SecretStore
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.endpoints import Endpoint, EndpointDirectory
from chalicelib.banks.settings import CACHE_FOR
from chalicelib.banks.signatures import valid_secrets
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.webhooks.poster import Answer, Poster
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.webhook import LONGEST_WAIT, Webhook, pack, unpack

# An endpoint that takes longer is left alone by this process for three times as long: who waits for it can't send what
# is for other banks meanwhile.
_SLOW = timedelta(seconds=2)
_RESTS_AT_MOST = timedelta(seconds=30)
# What wasn't sent is looked at again soon: the endpoint has said nothing that would ask for patience.
_UNSENT_WAITS_AT_MOST = timedelta(seconds=MAX_DELAY_S)
_NO_ENDPOINT = Answer(problem="no_endpoint")
_BANK_DISABLED = Answer(problem="bank_disabled")
_NO_SECRET = Answer(problem="no_secret")
_RESTING = Answer(problem="resting")
_UNSENT = (_NO_ENDPOINT, _BANK_DISABLED, _NO_SECRET, _RESTING)
_HEADERS = {"content-type": "application/json; charset=utf-8", "user-agent": "transaction-notifier-webhooks/1"}


@dataclass(frozen=True, slots=True)
class _Try:
    webhook: Webhook
    endpoint: Endpoint | None
    answer: Answer


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
        early = [one for one in webhooks.values() if one.not_before is not None and one.not_before > now]
        for webhook in early:
            del webhooks[webhook.id]
        known = self._records.of(webhooks.values())
        due = [webhook for webhook in webhooks.values() if not _is_over(webhook, known.get(webhook.id), now)]
        tries = self._tried(due, now)
        now = self._clock()
        taken = [self._outcome(one, known, now)[0] for one in tries if one.answer.is_accepted]
        # Before all else, lest it be sent again.
        self._records.put(taken)
        failed = self._settle([one for one in tries if not one.answer.is_accepted], early, now)
        self._disable(tries, now)
        _report([*taken, *failed], early=len(early), over=len(webhooks) - len(taken) - len(failed))

    def _settle(self, failed: Sequence[_Try], early: Sequence[Webhook], now: datetime) -> list[Record]:
        """Note what failed and see to what comes of it; put it back, and what is early, until it is due."""
        # While this copy failed, another one may have been taken.
        known = self._records.of(one.webhook for one in failed)
        outcomes = [
            (one, *self._outcome(one, known, now))
            for one in failed
            if one.webhook.again or not _is_delivered(known.get(one.webhook.id))
        ]
        records = [record for _, record, _ in outcomes]
        self._records.put(record for record in records if record.next_at is None)
        self._dead_letters.put(
            [
                Letter(pack(one.webhook), f"given_up: {one.answer}")
                for one, record, _ in outcomes
                if record.standing is Standing.GIVEN_UP
            ]
        )
        self._put_back([*early, *(next_try for _, _, next_try in outcomes if next_try)], now)
        # A next try is noted when it is sure to come: by that note, all other copies of the webhook fall away.
        self._records.put(record for record in records if record.next_at is not None)
        return records

    def _read(self, bodies: Sequence[str]) -> list[Webhook]:
        webhooks: list[Webhook] = []
        letters: list[Letter] = []
        for body in bodies:
            with SetAside(letters, body, "malformed_webhook"):
                webhooks.append(unpack(body))
        self._dead_letters.put(letters)
        return webhooks

    def _tried(self, webhooks: Sequence[Webhook], now: datetime) -> list[_Try]:
        """Send the webhooks; return what became of each."""
        if not webhooks:
            return []
        banks = {webhook.bank for webhook in webhooks}
        # Nothing is left unsent on the word of what is remembered.
        endpoints = {bank: self._endpoints.of(bank) or self._endpoints.of_now(bank) for bank in banks}
        signers = {bank: self._signers(bank, endpoint, now) for bank, endpoint in endpoints.items() if endpoint}

        def tried(webhook: Webhook) -> _Try:
            endpoint = endpoints[webhook.bank]
            if endpoint is None:
                return _Try(webhook, None, _NO_ENDPOINT)
            if endpoint.is_bank_disabled:
                return _Try(webhook, endpoint, _BANK_DISABLED)
            if not signers[webhook.bank]:
                return _Try(webhook, endpoint, _NO_SECRET)
            if self._resting.get(webhook.bank, now) > now:
                return _Try(webhook, endpoint, _RESTING)
            return _Try(webhook, endpoint, self._posted(webhook, endpoint, signers[webhook.bank]))

        with ThreadPoolExecutor(len(webhooks)) as pool:
            return list(pool.map(tried, webhooks))

    def _posted(self, webhook: Webhook, endpoint: Endpoint, signers: Sequence[Signer]) -> Answer:
        at = self._clock()
        headers = {
            **_HEADERS,
            "webhook-id": webhook.id,
            "webhook-timestamp": str(int(at.timestamp())),
            # One for each secret that is valid: while they are rotated, the receiver has one or the other.
            "webhook-signature": " ".join(signer.sign(webhook.id, at, webhook.body) for signer in signers),
        }
        answer = self._poster.post(endpoint.url, headers, webhook.body.encode())
        answered_at = self._clock()
        if answered_at - at > _SLOW:
            self._resting[webhook.bank] = answered_at + min(3 * (answered_at - at), _RESTS_AT_MOST)
        return answer

    def _signers(self, bank: str, endpoint: Endpoint, now: datetime) -> list[Signer]:
        if endpoint.secret_arn is None:
            return []
        try:
            return [Signer(secret) for secret in valid_secrets(self._secrets.get(endpoint.secret_arn, CACHE_FOR), now)]
        except TemporarilyUnavailable:
            raise
        except Exception as error:  # a bank whose secret was taken away must not hold up the others
            logger.error("no_webhook_secret", extra={"bank": bank, "error": type(error).__name__})
            return []

    def _outcome(self, one: _Try, known: Mapping[str, Record], now: datetime) -> tuple[Record, Webhook | None]:
        """Return what is to be noted of a try, and the webhook as it is to be tried next, if it is."""
        webhook, answer, before = one.webhook, one.answer, known.get(one.webhook.id)
        is_sent = answer not in _UNSENT
        if answer.is_accepted:
            standing = Standing.DELIVERED
        elif answer.is_gone or answer is _NO_ENDPOINT:
            standing = Standing.NOT_SENT
        else:
            is_over = webhook.is_given_up(now) and answer is not _RESTING
            standing = Standing.GIVEN_UP if is_over else Standing.WAITING
        next_try = None
        if standing is Standing.WAITING:
            asked_for = timedelta(seconds=answer.retry_after_s)
            longest = LONGEST_WAIT if is_sent else _UNSENT_WAITS_AT_MOST
            next_try = webhook.next_try(now, self._jitter(), asked_for, longest)
        attempts = (before.attempts if before else 0) + is_sent
        next_at = next_try.not_before if next_try else None
        record = Record(webhook.key, webhook.id, webhook.type, standing, str(answer), attempts, now, next_at)
        return record, next_try

    def _disable(self, tries: Sequence[_Try], now: datetime) -> None:
        """Disable the endpoints that are gone. Last: should it fail, all else is noted by then."""
        gone = {one.webhook.bank: one.endpoint for one in tries if one.endpoint and one.answer.is_gone}
        for bank, endpoint in gone.items():
            self._endpoints.disable(bank, endpoint, now)
            logger.warning("webhooks_disabled", extra={"bank": bank})
            count("WebhooksDisabled")

    def _put_back(self, webhooks: Sequence[Webhook], now: datetime) -> None:
        """Put webhooks back until they are due, or for as long as SQS can hold them back."""
        waits = (ceil((webhook.not_before - now).total_seconds()) for webhook in webhooks if webhook.not_before)
        delays = iter([min(max(wait, 0), MAX_DELAY_S) for wait in waits])
        self._queue.send(map(pack, webhooks), lambda: next(delays))


def _precedence(webhook: Webhook) -> tuple[bool, bool, datetime]:
    """What orders copies so that the last one stands for all: one to be sent at once, else the one put off last.

    One that was never put off comes behind: it may fall away for one that waits, which must not be forgotten for it.
    """
    return webhook.again, webhook.not_before is not None, webhook.not_before or webhook.first_at


def _is_over(webhook: Webhook, record: Record | None, now: datetime) -> bool:
    """Whether it has been delivered, or is a copy whose next try is another one's."""
    if record is None or webhook.again:
        return False
    if record.next_at is None:
        return _is_delivered(record)
    return record.next_at > (webhook.not_before or now)


def _is_delivered(record: Record | None) -> bool:
    return record is not None and record.standing is Standing.DELIVERED


def _report(records: Sequence[Record], early: int, over: int) -> None:
    standings = Counter(record.standing.value for record in records)
    answers = Counter(record.answer for record in records)
    extra = {"standings": standings, "answers": answers, "early": early, "over": over}
    logger.info("webhooks", extra=extra)
    count("WebhooksDelivered", standings[Standing.DELIVERED])
    count("WebhooksPutOff", standings[Standing.WAITING])
    count("WebhooksGivenUp", standings[Standing.GIVEN_UP])
    count("WebhooksNotSent", standings[Standing.NOT_SENT])
