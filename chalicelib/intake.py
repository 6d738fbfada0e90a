"""Recording transactions: the one way in, whatever brought them."""

from dataclasses import dataclass

from chalicelib.errors import TransactionConflict
from chalicelib.repository import AlreadyRecorded, TransactionRepository
from chalicelib.telemetry import count
from chalicelib.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction as it is stored; `replayed` when an earlier request had stored it."""

    transaction: Transaction
    replayed: bool


class Intake:
    def __init__(self, repository: TransactionRepository) -> None:
        self._repository = repository

    def record(self, transaction: Transaction) -> Recorded:
        """Store the transaction exactly once; raises TransactionConflict, TemporarilyUnavailable."""
        try:
            self._repository.add(transaction)
        except AlreadyRecorded as taken:
            differing = transaction.differing(taken.stored)
            if differing:
                count("TransactionsConflicting")
                raise TransactionConflict(transaction.id, differing) from None
            # Its own time of recording: this very request stored it, and the answer to its first try was lost.
            if taken.stored.recorded_at != transaction.recorded_at:
                count("TransactionsReplayed")
                return Recorded(taken.stored, replayed=True)
        count("TransactionsCreated")
        return Recorded(transaction, replayed=False)
