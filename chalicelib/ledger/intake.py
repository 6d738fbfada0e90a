"""Recording transactions: the one way in, whatever brought them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.aws.clients import WRITERS
from chalicelib.aws.telemetry import count
from chalicelib.errors import TemporarilyUnavailable, TransactionConflict, TransactionNotFound
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.repository import AlreadyRecorded, TransactionRepository
from chalicelib.ledger.transaction import Transaction

if TYPE_CHECKING:
    from chalicelib.ledger.ingest_queue import IngestQueue

# Three tries of a write with their waits: what begins later than this before the end might be cut off by it.
_LAST_CALL_S = 12.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction as it is stored; `replayed` when an earlier request had stored it."""

    transaction: Transaction
    replayed: bool

    @property
    def status(self) -> str:
        return "replayed" if self.replayed else "created"


@dataclass(frozen=True, slots=True)
class Queued:
    """A transaction that the ingest queue has taken, to be recorded soon."""

    transaction: Transaction
    status = "queued"


# What became of one transaction of many; the errors are returned and not raised.
RecordResult = Recorded | TransactionConflict | TemporarilyUnavailable


class Intake:
    """`queue` gives the ingest queue, on first use: hardly any request needs it."""

    def __init__(self, repository: TransactionRepository, queue: "Callable[[], IngestQueue]") -> None:
        self._repository = repository
        self._queue = queue

    def record(self, transaction: Transaction) -> Recorded:
        """Store the transaction exactly once; raises TransactionConflict, TemporarilyUnavailable."""
        outcome = self._attempt(transaction)
        _count([outcome])
        if isinstance(outcome, Recorded):
            return outcome
        raise outcome

    def record_or_queue(self, transaction: Transaction) -> Recorded | Queued:
        """Store the transaction, or queue it when the table can't take it now.

        Raises TransactionConflict, and TemporarilyUnavailable when the queue can't take it either.
        """
        try:
            return self.record(transaction)
        except TemporarilyUnavailable:
            self.queue([transaction])
            return Queued(transaction)

    def queue(self, transactions: Sequence[Transaction]) -> None:
        """Queue the transactions to be recorded soon; raises TemporarilyUnavailable with some maybe queued."""
        self._queue().put(transactions)
        count("TransactionsQueued", len(transactions))

    def record_all(self, transactions: Sequence[Transaction], seconds_left: Callable[[], float]) -> list[RecordResult]:
        """Store each of the transactions exactly once, side by side; return the result of each, in order.

        Transactions of one id are stored in their order. What can't be tried before `seconds_left` comes to its end,
        or is throttled, is TemporarilyUnavailable, and so is what repeats it. An unexpected error is raised when all
        others are done.
        """
        first, repeats = _apart(transactions)
        run = _Run(self._attempt, seconds_left)
        shared = _Shared(first)
        writers = [self._executor.submit(run.record, shared) for _ in range(min(WRITERS, len(first)) - 1)]
        run.record(shared)
        for writer in writers:
            writer.result()
        run.record(repeats)
        if run.unexpected:
            raise run.unexpected[0]
        in_order = [run.results[index] for index in range(len(transactions))]
        _count(in_order)
        return in_order

    def foresee(self, transaction: Transaction) -> Recorded:
        """Return what `record` would, without recording; raises what it would."""
        try:
            stored = self._repository.get(transaction.bank, transaction.id)
        except TransactionNotFound:
            return Recorded(transaction, replayed=False)
        return _known(transaction, stored)

    def _attempt(self, transaction: Transaction) -> RecordResult:
        try:
            self._repository.add(transaction)
        except AlreadyRecorded as taken:
            try:
                known = _known(transaction, taken.stored)
            except TransactionConflict as conflict:
                return conflict
            # Its own time of recording: this very request stored it, and the answer to its first try was lost.
            return known if taken.stored.recorded_at != transaction.recorded_at else replace(known, replayed=False)
        except TemporarilyUnavailable as error:
            return error
        return Recorded(transaction, replayed=False)

    @cached_property
    def _executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(WRITERS - 1, thread_name_prefix="writer")


Numbered = tuple[int, Transaction]  # a transaction and its place in a batch


class _Run:
    """What the writers of one batch share: the results by place, and which transactions could not be stored."""

    def __init__(self, attempt: Callable[[Transaction], RecordResult], seconds_left: Callable[[], float]) -> None:
        self._attempt = attempt
        self._seconds_left = seconds_left
        self._missed: set[TransactionKey] = set()
        self.results: dict[int, RecordResult] = {}
        self.unexpected: list[Exception] = []

    def record(self, share: Iterable[Numbered]) -> None:
        for index, transaction in share:
            result: RecordResult = TemporarilyUnavailable()
            try:
                # A repeat must not take the place of a transaction that could not be stored.
                if transaction.key not in self._missed and self._seconds_left() >= _LAST_CALL_S:
                    result = self._attempt(transaction)
            except Exception as error:
                self.unexpected.append(error)
            if isinstance(result, TemporarilyUnavailable):
                self._missed.add(transaction.key)
            self.results[index] = result


def _apart(transactions: Iterable[Transaction]) -> tuple[list[Numbered], list[Numbered]]:
    """Return the first transaction of each id, and those that repeat an id, with their places in the batch."""
    known: set[TransactionKey] = set()
    first: list[Numbered] = []
    repeats: list[Numbered] = []
    for index, transaction in enumerate(transactions):
        if transaction.key in known:
            # A time of recording of its own tells it from a second try of the first transaction.
            recorded_at = transaction.recorded_at + timedelta(microseconds=index)
            repeats.append((index, replace(transaction, recorded_at=recorded_at)))
        else:
            known.add(transaction.key)
            first.append((index, transaction))
    return first, repeats


class _Shared(Iterator[Numbered]):
    """Values of which each is given once, to whichever thread asks next."""

    def __init__(self, values: Iterable[Numbered]) -> None:
        self._values = iter(values)
        self._lock = threading.Lock()

    def __next__(self) -> Numbered:
        with self._lock:
            return next(self._values)


def _known(transaction: Transaction, stored: Transaction) -> Recorded:
    """Return the stored transaction of this one's id as a replay; raises TransactionConflict."""
    differing = transaction.differing(stored)
    if differing:
        raise TransactionConflict(transaction.id, differing)
    return Recorded(stored, replayed=True)


def _count(outcomes: Sequence[RecordResult]) -> None:
    created = sum(isinstance(outcome, Recorded) and not outcome.replayed for outcome in outcomes)
    count("TransactionsCreated", created)
    count("TransactionsReplayed", sum(isinstance(outcome, Recorded) for outcome in outcomes) - created)
    count("TransactionsConflicting", sum(isinstance(outcome, TransactionConflict) for outcome in outcomes))
