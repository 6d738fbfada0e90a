"""Transactions that were accepted but not recorded yet: the ingest queue's messages, and the worker behind it."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.batching import batches
from chalicelib.aws.queues import MAX_BATCH, MAX_BATCH_BYTES, DeadLetters, Queue, message
from chalicelib.aws.telemetry import logger
from chalicelib.errors import TemporarilyUnavailable, TransactionConflict
from chalicelib.transactions import Transaction, from_json, to_json

if TYPE_CHECKING:
    from chalicelib.intake import Intake

# Ten messages of fifty hold a full batch, in one SendMessageBatch call as long as they stay within its bytes.
TRANSACTIONS_A_MESSAGE = 50
_MESSAGE_BYTES = MAX_BATCH_BYTES // MAX_BATCH - 100  # room for what is around the transactions


class IngestQueue:
    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, transactions: Iterable[Transaction]) -> None:
        """Queue the transactions, several a message; raises TemporarilyUnavailable with some maybe queued."""
        self._queue.send(pack(transactions))


def pack(transactions: Iterable[Transaction]) -> Iterator[str]:
    """Return message bodies that carry the transactions, several in each."""
    payloads = (message({"bank": one.bank, "transaction": to_json(one)}) for one in transactions)
    for part in batches(payloads, TRANSACTIONS_A_MESSAGE, _MESSAGE_BYTES, lambda payload: len(payload.encode()) + 2):
        yield f'{{"transactions": [{", ".join(part)}]}}'


def unpack(body: str) -> tuple[list[tuple[Any, Transaction]], list[tuple[Any, str]]]:
    """Return a message's (payload, transaction) pairs, and what in it is none as (payload, reason) pairs."""
    try:
        payloads = list(json.loads(body)["transactions"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return [], [(body, f"malformed_message: {type(error).__name__}")]
    found, malformed = [], []
    for payload in payloads:
        try:
            found.append((payload, from_json(payload["transaction"], payload["bank"])))
        except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            malformed.append((payload, f"malformed_transaction: {type(error).__name__}"))
    return found, malformed


class IngestWorker:
    """Records what was queued. `is_partial` says that the trigger takes the report of a part that failed.

    Where it doesn't (`chalice deploy` can't set it up), the whole batch fails, and comes again; what of it was
    recorded is then a replay.
    """

    def __init__(
        self, intake: "Intake", dead_letters: DeadLetters, clock: Callable[[], datetime], is_partial: bool
    ) -> None:
        self._intake = intake
        self._dead_letters = dead_letters
        self._clock = clock
        self._is_partial = is_partial

    def handle(self, messages: Sequence[tuple[str, str]], seconds_left: Callable[[], float]) -> dict[str, Any]:
        """Record the (message id, body) pairs' transactions; return Lambda's report of the messages to bring again.

        A conflict found only now, and what can't be read, goes to the dead-letter queue with its reason.
        """
        now = self._clock()
        letters: list[tuple[str, Any, str]] = []
        queued: list[tuple[str, Any, Transaction]] = []
        for message_id, body in messages:
            found, malformed = unpack(body)
            letters += [(message_id, payload, reason) for payload, reason in malformed]
            # Recorded now and not when it was queued: the analytics job goes by the time of recording.
            queued += [(message_id, payload, dataclasses.replace(one, recorded_at=now)) for payload, one in found]
        outcomes = self._intake.record_all([transaction for _, _, transaction in queued], seconds_left)
        failed: set[str] = set()
        for (message_id, payload, transaction), outcome in zip(queued, outcomes, strict=True):
            match outcome:
                case TemporarilyUnavailable():
                    failed.add(message_id)
                case TransactionConflict():
                    logger.error("late_conflict", extra={"bank": transaction.bank, "transaction": transaction.id})
                    letters.append((message_id, payload, f"{outcome.code}: {', '.join(outcome.differing)}"))
        if failed and not self._is_partial:
            raise TemporarilyUnavailable
        # Those of a message that comes again will be found again.
        self._dead_letters.put(
            [(payload, reason) for message_id, payload, reason in letters if message_id not in failed]
        )
        logger.info("ingest_batch", extra={"transactions": len(queued), "failed_messages": len(failed)})
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
