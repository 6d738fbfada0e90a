"""From the feed of notifications to webhooks: the feed's pages are read as they are written, by the table's stream.

Who changes a notification knows nothing of webhooks; what the feed has, they have.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.delivery import NotificationKey
from chalicelib.delivery_records import DeliveryRecords
from chalicelib.endpoints import EndpointDirectory
from chalicelib.feed import changes_in
from chalicelib.queues import DeadLetters, Queue
from chalicelib.telemetry import count, logger
from chalicelib.webhooks import pack, webhook_of


class WebhookFeeder:
    def __init__(
        self,
        endpoints: EndpointDirectory,
        deliveries: DeliveryRecords,
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
        self._dead_letters.put(malformed)
        wanted = [key for key in changed if self._endpoints.of(key.transaction_key.partition("#")[0])]
        found = self._deliveries.of_keys(wanted)
        now = self._clock()
        made = (webhook_of(key, found[key], now) for key in wanted if key in found)
        webhooks = [webhook for webhook in made if webhook]
        self._queue.send(map(pack, webhooks))
        logger.info("feed_pages", extra={"changed": len(changed), "webhooks": len(webhooks)})
        count("WebhooksQueued", len(webhooks))
