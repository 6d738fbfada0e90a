"""The stream handler: from what was stored to what is told. No call for a single record."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.notices import Notice, pack, to_payload
from chalicelib.queues import DeadLetters, Queue, Unsendable
from chalicelib.repository import transaction_from_item
from chalicelib.telemetry import logger


class StreamHandler:
    def __init__(self, notifications: Queue, dead_letters: DeadLetters) -> None:
        self._notifications = notifications
        self._dead_letters = dead_letters

    def handle(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Hand the batch's new transactions on to the mailer.

        A record that can't be read goes to the dead-letter queue by itself. Raises only when a queue can't be
        reached: the stream then brings the batch again, and the mailer's notes keep it from telling twice.
        """
        notices = []
        malformed = []
        for record in records:
            if record.get("eventName") != "INSERT":
                continue
            try:
                notices.append(to_payload(Notice(transaction_from_item(record["dynamodb"]["NewImage"]))))
            except Exception as error:  # whatever is wrong with one record must not hold up the others
                malformed.append((record, f"malformed_record: {type(error).__name__}"))
        self._dead_letters.put(malformed)
        try:
            self._notifications.send(pack(notices))
        except Unsendable as error:
            # Or the shard would wait for them, and with it all that comes after.
            self._dead_letters.put([(body, "refused_by_queue") for body in error.bodies])
        logger.info("stream_batch", extra={"told": len(notices), "dead_lettered": len(malformed)})
