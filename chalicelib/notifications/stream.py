"""The stream handler: from what was stored to what is told. No call for a single record."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.aws.queues import DeadLetters, Queue, Unsendable
from chalicelib.aws.telemetry import logger
from chalicelib.flags.events import EventBus
from chalicelib.flags.judge import Judge
from chalicelib.ledger.keys import transaction_key
from chalicelib.ledger.repository import is_flag_row, transaction_from_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.notice import Notice, pack, to_payload


class StreamHandler:
    def __init__(
        self, judge: Judge, alerts: Queue, notifications: Queue, events: EventBus, dead_letters: DeadLetters
    ) -> None:
        self._judge = judge
        self._alerts = alerts
        self._notifications = notifications
        self._events = events
        self._dead_letters = dead_letters

    def handle(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Judge the batch's new transactions and hand them on to the mailers; flagged ones to their own, and first.

        A record that can't be read goes to the dead-letter queue by itself. Raises only when a table, a queue or
        EventBridge can't be reached: the stream then brings the batch again, what was flagged stays so, and the
        mailer's notes keep it from telling twice.
        """
        stored, malformed = _read(records)
        self._dead_letters.put(malformed)
        flagged = self._judge.flagged([transaction for transaction, _ in stored.values()])
        told = {key: flagging.told for key, flagging in flagged.items() if flagging.told}
        self._tell(self._alerts, (to_payload(Notice(stored[key][0], flags=flags)) for key, flags in told.items()))
        self._tell(self._notifications, (payload for key, (_, payload) in stored.items() if key not in told))
        # Last: nobody's e-mail waits for EventBridge.
        self._events.put_flagged(flagged[key] for key in told)
        logger.info("stream_batch", extra={"told": len(stored), "alerts": len(told), "dead_lettered": len(malformed)})

    def _tell(self, queue: Queue, payloads: Iterable[dict[str, Any]]) -> None:
        try:
            queue.send(pack(payloads))
        except Unsendable as error:
            # Or the shard would wait for them, and with it all that comes after.
            self._dead_letters.put([(body, "refused_by_queue") for body in error.bodies])


def _read(
    records: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, tuple[Transaction, dict[str, Any]]], list[tuple[Any, str]]]:
    """Return the new transactions by key, each with the payload of its notice, and what can't be read, with why."""
    stored: dict[str, tuple[Transaction, dict[str, Any]]] = {}
    malformed: list[tuple[Any, str]] = []
    for record in records:
        if record.get("eventName") != "INSERT":
            continue
        try:
            image = record["dynamodb"]["NewImage"]
            if not is_flag_row(image):
                one = transaction_from_item(image)
                stored[transaction_key(one.bank, one.id)] = one, to_payload(Notice(one))
        except Exception as error:  # whatever is wrong with one record must not hold up the others
            malformed.append((record, f"malformed_record: {type(error).__name__}"))
    return stored, malformed
