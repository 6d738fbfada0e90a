"""The webhook feeder: makes webhooks of the pages in the feed of notifications, when the table's stream brings them.

The code that changes notifications writes only to the feed, and doesn't know about webhooks.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.telemetry import about, count, logger
from chalicelib.notifications.feed import changes_in
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.outbox import Outbox
from chalicelib.webhooks.webhook import webhook_of


class WebhookFeeder:
    """Queues webhooks about changed notifications, for banks that have an endpoint."""

    def __init__(
        self,
        notification_records: NotificationRecords,
        outbox: Outbox,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._notification_records = notification_records
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._clock = clock

    def handle(self, stream_records: Sequence[Mapping[str, Any]]) -> None:
        """Queue the webhooks about the notifications that the feed's pages, among the stream's records, name.

        1. Collect the keys of the changed notifications; a record that can't be read becomes a dead letter.
        2. Read the notifications of banks with an endpoint as they are now: one that changed twice makes one webhook.
        3. Queue the webhooks, for each endpoint that wants them.

        Raises only when a table or queue can't be reached: the stream then brings the batch again. What was queued
        before is queued twice then, but sent once.
        """
        changed: dict[NotificationKey, None] = {}
        letters: list[Letter] = []
        for record in stream_records:
            with SetAside(letters, record, "malformed_record"):
                if record["eventName"] == "INSERT":
                    changed.update(dict.fromkeys(changes_in(record["dynamodb"]["NewImage"])))
        wanted = [key for key in changed if self._outbox.has_endpoints(key.bank)]
        notifications = self._notification_records.of_keys(wanted, letters)
        now = self._clock()
        made = (webhook_of(key, notification, now) for key, notification in notifications.items())
        queued = self._outbox.put(webhook for webhook in made if webhook is not None)
        self._dead_letters.put(letters)
        transactions = about((key.bank, key.transaction) for key in changed)
        logger.info("feed_pages", extra={"changed": len(changed), "webhooks": queued, "transactions": transactions})
        count("WebhooksQueued", queued)
