"""From the feed of notifications to webhooks: the feed's pages are read as they are written, by the table's stream.

Who changes a notification knows nothing of webhooks; what the feed has, they have.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.aws.queues import DeadLetters, Queue
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.notifications.feed import changes_in
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.webhook import pack, webhook_of

MALFORMED = (KeyError, TypeError, ValueError)


class WebhookFeeder:
    def __init__(
        self,
        endpoints: EndpointDirectory,
        deliveries: NotificationRecords,
        queue: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock

    def handle(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Queue what the endpoints of the banks are to hear of the pages among the stream's records.

        A notification is told as it is now: one that changed twice meanwhile is told once. Raises only when a table or
        queue can't be reached: the stream then brings the batch again, and what was queued is sent once all the same.
        """
        changed: dict[NotificationKey, None] = {}
        malformed: list[tuple[Any, str]] = []
        for record in records:
            try:
                if record["eventName"] == "INSERT":
                    changed.update(dict.fromkeys(changes_in(record["dynamodb"]["NewImage"])))
            except Exception as error:  # whatever is wrong with one record must not hold up the others
                malformed.append((record, f"malformed_record: {type(error).__name__}"))
        wanted = [key for key in changed if self._endpoints.of(key.transaction_key.partition("#")[0])]
        found = self._became(wanted, malformed)
        now = self._clock()
        webhooks = [webhook for key, became in found.items() if (webhook := webhook_of(key, became, now))]
        self._queue.send(map(pack, webhooks))
        self._dead_letters.put(malformed)
        logger.info("feed_pages", extra={"changed": len(changed), "webhooks": len(webhooks)})
        count("WebhooksQueued", len(webhooks))

    def _became(
        self, keys: Sequence[NotificationKey], malformed: list[tuple[Any, str]]
    ) -> dict[NotificationKey, dict[str, Any]]:
        """Return what the notifications have become; what can't be read is added to `malformed`."""
        try:
            return self._deliveries.of_keys(keys)
        except MALFORMED:  # written past the service: each by itself, so that it holds up no other
            found: dict[NotificationKey, dict[str, Any]] = {}
            for key in keys:
                try:
                    found |= self._deliveries.of_keys([key])
                except MALFORMED as error:
                    letter = {"transaction_key": key.transaction_key, "holder": key.holder}
                    malformed.append((letter, f"malformed_notification: {type(error).__name__}"))
            return found
