"""The stream handler: from what was stored to what is told. No call for a single record."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import ActivityRecorder, Happened
from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.queues import Queue
from chalicelib.aws.telemetry import about, logger
from chalicelib.flags.events import EventBus
from chalicelib.flags.judge import Judge
from chalicelib.flags.repository import Flagging
from chalicelib.ledger.collecting import Collector
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.stored_form import is_flag_row, transaction_from_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.notice import Notice, pack, to_payload


class Stored(NamedTuple):
    """A new transaction, and the payload of its notice."""

    transaction: Transaction
    payload: dict[str, Any]


class StreamHandler:
    """Handles new transactions. `tell_banks` queues the banks' webhooks about flagged ones (see `webhooks.flagged`)."""

    def __init__(
        self,
        collector: Collector,
        judge: Judge,
        alerts: Queue,
        notifications: Queue,
        events: EventBus,
        dead_letters: DeadLetters,
        tell_banks: Callable[[Iterable[Flagging]], None],
        activity: ActivityRecorder,
    ) -> None:
        self._collector = collector
        self._judge = judge
        self._alerts = alerts
        self._notifications = notifications
        self._events = events
        self._dead_letters = dead_letters
        self._tell_banks = tell_banks
        self._activity = activity

    def handle(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Collect and judge the batch's new transactions and hand them on to the mailers; flagged ones to their own,
        and first. What is recorded with `notify: false` is collected, and goes no further.

        A record that can't be read goes to the dead-letter queue by itself. Raises only when a table, a queue or
        EventBridge can't be reached: the stream then brings the batch again, what was flagged stays so, and the
        mailer's notes keep it from telling twice.
        """
        letters: list[Letter] = []
        stored = _read(records, letters)
        self._dead_letters.put(letters)
        transactions = [one.transaction for one in stored.values()]
        steps = self._collector.collect(transactions)
        flagged = self._judge.flagged(transactions, steps)
        alerts = {key: flagging.told for key, flagging in flagged.items() if flagging.told}
        self._send(self._alerts, ({**stored[key].payload, "flags": flags} for key, flags in alerts.items()))
        self._send(self._notifications, _unflagged(stored, alerts))
        # Last: nobody's e-mail waits for EventBridge or a webhook.
        told = [flagged[key] for key in alerts]
        self._events.put_flagged(told)
        self._tell_banks(told)
        self._activity.note(_activity(transactions, told))
        counts = {"told": len(stored), "alerts": len(alerts), "dead_lettered": len(letters)}
        logger.info("stream_batch", extra={**counts, "transactions": about((one.bank, one.id) for one in transactions)})

    def _send(self, queue: Queue, payloads: Iterable[dict[str, Any]]) -> None:
        # A message that SQS refuses must not hold up the shard, and with it all that comes after.
        self._dead_letters.send(queue, pack(payloads))


def _activity(transactions: Iterable[Transaction], flagged: Iterable[Flagging]) -> dict[str, Happened]:
    stored = Counter(one.bank for one in transactions)
    of_flagged = Counter(one.transaction.bank for one in flagged)
    return {
        bank: Happened({Counted.TRANSACTIONS: number, Counted.FLAGGED: of_flagged[bank]})
        for bank, number in stored.items()
    }


def _unflagged(stored: Mapping[TransactionKey, Stored], alerts: Container[TransactionKey]) -> Iterator[dict[str, Any]]:
    return (one.payload for key, one in stored.items() if key not in alerts and one.transaction.notify)


def _read(records: Sequence[Mapping[str, Any]], letters: list[Letter]) -> dict[TransactionKey, Stored]:
    """Return the new transactions by key; records that can't be read are added to `letters`."""
    stored: dict[TransactionKey, Stored] = {}
    for record in records:
        if record.get("eventName") != "INSERT":
            continue
        with SetAside(letters, record, "malformed_record"):
            image = record["dynamodb"]["NewImage"]
            if not is_flag_row(image):
                transaction = transaction_from_item(image)
                stored[transaction.key] = Stored(transaction, to_payload(Notice(transaction)))
    return stored
