"""From the feed of notifications to webhooks: the feed's pages are read as they are written, by the table's stream.

Who changes a notification knows nothing of webhooks; what the feed has, they have.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside, is_fault_of_value
from chalicelib.aws.queues import Queue
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.notifications.feed import changes_in
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.webhook import pack, webhook_of


class WebhookFeeder:
    def __init__(
        self,
        endpoints: EndpointDirectory,
        notifications: NotificationRecords,
        queue: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._endpoints = endpoints
        self._records = notifications
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock

    def handle(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Queue what the endpoints of the banks are to hear of the pages among the stream's records.

        A notification is told as it is now: one that changed twice meanwhile is told once. Raises only when a table or
        queue can't be reached: the stream then brings the batch again, and what was queued is sent once all the same.
        """
        changed: dict[NotificationKey, None] = {}
        letters: list[Letter] = []
        for record in records:
            with SetAside(letters, record, "malformed_record"):
                if record["eventName"] == "INSERT":
                    changed.update(dict.fromkeys(changes_in(record["dynamodb"]["NewImage"])))
        found = self._notifications([key for key in changed if self._endpoints.of(key.bank)], letters)
        now = self._clock()
        webhooks = [webhook for key, values in found.items() if (webhook := webhook_of(key, values, now))]
        self._queue.send(map(pack, webhooks))
        self._dead_letters.put(letters)
        logger.info("feed_pages", extra={"changed": len(changed), "webhooks": len(webhooks)})
        count("WebhooksQueued", len(webhooks))

    def _notifications(
        self, keys: Sequence[NotificationKey], letters: list[Letter]
    ) -> dict[NotificationKey, dict[str, Any]]:
        """Return the notifications as they are now; those that can't be read are added to `letters`."""
        try:
            return self._records.of_keys(keys)
        except Exception as error:
            if not is_fault_of_value(error):
                raise
            # Written past the service: read one by one, so that a record holds up no other.
            found: dict[NotificationKey, dict[str, Any]] = {}
            for key in keys:
                with SetAside(letters, key.item_key(), "malformed_notification"):
                    found |= self._records.of_keys([key])
            return found
