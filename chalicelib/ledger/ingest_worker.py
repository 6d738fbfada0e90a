"""Transactions that were accepted but not recorded yet: the ingest queue's messages, and the worker behind it."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from chalicelib.aws.queues import DeadLetters
from chalicelib.aws.telemetry import logger
from chalicelib.errors import TemporarilyUnavailable, TransactionConflict
from chalicelib.ledger.ingest_queue import unpack
from chalicelib.ledger.intake import Intake
from chalicelib.ledger.transaction import Transaction


class IngestWorker:
    """Records what was queued. `is_partial` says that the trigger takes the report of a part that failed.

    Where it doesn't (`chalice deploy` can't set it up), the whole batch fails, and comes again; what of it was
    recorded is then a replay.
    """

    def __init__(
        self, intake: Intake, dead_letters: DeadLetters, clock: Callable[[], datetime], is_partial: bool
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
