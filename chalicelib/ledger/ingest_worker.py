"""Transactions that were accepted but not recorded yet: the ingest queue's messages, and the worker behind it."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters, Letter
from chalicelib.aws.telemetry import about, count, logger
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
        letters: dict[str, list[Letter]] = {message_id: [] for message_id, _ in messages}
        queued: list[tuple[str, Any, Transaction]] = []
        for message_id, body in messages:
            for payload, transaction in unpack(body, letters[message_id]):
                # Recorded now and not when it was queued: the analytics job goes by the time of recording.
                queued.append((message_id, payload, dataclasses.replace(transaction, recorded_at=now)))
        outcomes = self._intake.record_all([transaction for _, _, transaction in queued], seconds_left)
        failed: set[str] = set()
        for (message_id, payload, transaction), outcome in zip(queued, outcomes, strict=True):
            match outcome:
                case TemporarilyUnavailable():
                    failed.add(message_id)
                case TransactionConflict():
                    logger.error("late_conflict", extra={"bank": transaction.bank, "transaction": transaction.id})
                    reason = f"{outcome.code}: {', '.join(outcome.differing)}"
                    letters[message_id].append(Letter(payload, reason))
        if failed and not self._is_partial:
            raise TemporarilyUnavailable
        # The letters of a message that comes again will be found again.
        self._dead_letters.put([one for message_id, of in letters.items() if message_id not in failed for one in of])
        transactions = about((one.bank, one.id) for _, _, one in queued)
        extra = {"recorded": len(queued), "failed_messages": len(failed), "transactions": transactions}
        logger.info("ingest_batch", extra=extra)
        count("MessagesPutBack", len(failed))  # Lambda counts no error of what a report brings again
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
