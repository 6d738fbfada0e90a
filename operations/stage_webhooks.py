"""The webhooks of a stage for its operators: each with its delivery status, and sent again on demand.

Those about notifications are made anew from these. The others (flags, answers, changed holders) are in the log of
attempts only: once each was tried, for seven days.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.webhook_endpoints import NOTIFICATION_TYPES, SHORT_FORM, WEBHOOK_TEST, EndpointState, Status
from chalicelib.errors import WebhookNotFound
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time
from chalicelib.notifications.feed import NotificationFeed, position_at
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.webhook import TYPES, Webhook, pack, webhook_of
from infra.sessions import Stage
from operations.stage_stores import stores_of

_PAGE = 100
_ABOUT_OTHERS = frozenset(TYPES) - {*NOTIFICATION_TYPES, WEBHOOK_TEST}


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as it would be sent now, and the record of its last try: None if it was never tried.

    `holder` is the id that the bank knows, not the alias that the notification's key has; the alias after an erasure.
    """

    webhook: Webhook
    record: Record | None
    holder: str

    @property
    def is_delivered(self) -> bool:
        return self.record is not None and self.record.standing is Standing.DELIVERED


@dataclasses.dataclass(frozen=True)
class StageWebhooks:
    """Reads the webhooks of a stage's banks, and sends them again."""

    banks: BankRepository
    feed: NotificationFeed
    notifications: NotificationRecords
    records: WebhookRecords
    log: AttemptLog
    queue: Queue

    def since(self, bank: str, since: datetime, now: datetime) -> Iterator[list[Delivery]]:
        """Yield, in pages, the webhooks of notifications that have changed since then, and the other webhooks that were
        tried since then; each webhook once."""
        yield from self._changed_since(bank, since, now)
        yield from self._tried_since(bank, since, now)

    def _changed_since(self, bank: str, since: datetime, now: datetime) -> Iterator[list[Delivery]]:
        position, seen = position_at(since), set[str]()
        while True:
            changes = self.feed.read(bank, position, _PAGE)
            if not changes.keys:
                return
            position = changes.position
            page = [found for found in self._deliveries(changes.keys, now) if found.webhook.id not in seen]
            seen.update(found.webhook.id for found in page)
            yield page

    def _tried_since(self, bank: str, since: datetime, now: datetime) -> Iterator[list[Delivery]]:
        position: str | None = ""
        seen = set[str]()
        while position is not None:
            attempts, position = self.log.newest(bank, position, _PAGE, now, since)
            others = dict.fromkeys(one["id"] for one in attempts if one["type"] in _ABOUT_OTHERS)
            page = [webhook_id for webhook_id in others if webhook_id not in seen]
            seen.update(page)
            yield self._logged(bank, page, now)

    def of_transaction(self, bank: str, transaction_id: str, now: datetime) -> list[Delivery]:
        """Return the webhooks of a transaction's notifications in their present state, and its other webhooks."""
        key = TransactionKey(bank, transaction_id)
        found = self.notifications.of_transaction_by_key(key)
        others = (one.id for one in self.records.of_transaction(key) if one.type in _ABOUT_OTHERS)
        return [*self._deliveries(list(found), now), *self._logged(bank, others, now)]

    def resend(self, deliveries: list[Delivery]) -> int:
        """Queue the webhooks; return how many. Each is sent at once, and tried for three days from now."""
        self.queue.send(pack(dataclasses.replace(delivery.webhook, again=True)) for delivery in deliveries)
        return len(deliveries)

    def takes_webhooks(self, bank: Bank) -> bool:
        """Return whether webhooks are sent to the bank: it has a secret, and an endpoint that is not gone.

        What is queued for an endpoint that is unproved waits for its proof.
        """
        stored = self.banks.settings(bank.id)
        endpoints = [state for state in stored.states.values() if state.status is not Status.GONE]
        return bool(endpoints and bank.webhook_secret_arn) and not bank.disabled

    def state_of_endpoint(self, bank: Bank) -> str:
        """Return a sentence for each endpoint that says whether webhooks are sent there."""
        stored = self.banks.settings(bank.id)
        if bank.disabled:
            return f"{bank.id} is disabled."
        if bank.webhook_secret_arn is None:
            return f"{bank.id} has no webhook secret: `secret {bank.id}` issues one."
        if not stored.settings.endpoints:
            return f"{bank.id} has named no endpoint: PUT /settings, webhook_url."
        return "\n".join(map(_sentence, stored.states.values()))

    def _logged(self, bank: str, ids: Iterable[str], now: datetime) -> list[Delivery]:
        """Return those of the webhooks that the log still has, as they would be sent now."""
        found: list[Webhook] = []
        for webhook_id in ids:
            try:
                found.append(self.log.get(bank, webhook_id, now))
            except WebhookNotFound:
                continue  # its seven days are over
        records = self.records.of(found)
        return [
            Delivery(dataclasses.replace(one, first_at=now, not_before=None), records.get(one.id), _holder_in(one))
            for one in found
        ]

    def _deliveries(self, keys: list[NotificationKey], now: datetime) -> list[Delivery]:
        found = self.notifications.of_keys(keys)
        made = [webhook for key in keys if key in found and (webhook := webhook_of(key, found[key], now))]
        named = {webhook.bank: self.banks.settings(webhook.bank).settings.endpoints for webhook in made}
        # Of a bank that names no endpoint now, the webhooks to its earlier one are shown.
        webhooks = [
            webhook.to(endpoint_id)
            for webhook in made
            for endpoint_id in (
                [key for key, endpoint in named[webhook.bank].items() if webhook.type in endpoint.types]
                if named[webhook.bank]
                else [SHORT_FORM]
            )
        ]
        records = self.records.of(webhooks)
        return [Delivery(one, records.get(one.id), str(found[one.key]["holder"])) for one in webhooks]


def _holder_in(webhook: Webhook) -> str:
    """Return the holder whom the webhook tells of, "" if it tells of none."""
    return str(json.loads(webhook.body)["data"].get("holder", ""))


def _sentence(state: EndpointState) -> str:
    if state.status is Status.UNPROVED:
        return f"{state.url} has not answered a test with 2xx yet: POST /webhooks/test."
    if state.status is Status.GONE and state.since:
        at = format_time(state.since)
        return f"{state.url} answered that it is gone (410) at {at}: PUT /settings enables it again."
    return f"{state.url} takes webhooks."


def stage_webhooks(stage: Stage) -> StageWebhooks:
    """Return the webhooks of a provisioned stage."""
    stores = stores_of(stage, "AccountsTable", "BanksTable", "DeferralsTable", "NotificationsTable", "WebhookQueueUrl")
    settings = stores.settings
    return StageWebhooks(
        stores.bank_store,
        stores.notification_feed,
        stores.notification_records,
        WebhookRecords(
            stores.client("dynamodb"), settings.notifications_table, stores.now, settings.retention.webhooks
        ),
        AttemptLog(stores.client("dynamodb"), settings.deferrals_table),
        stores.queue(settings.webhook_queue_url),
    )
