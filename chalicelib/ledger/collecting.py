"""Collecting: which new transactions belong to a purchase, and what each is in its story."""

from collections.abc import Collection, Iterable

from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchase import Step, named_by, steps
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction


class Collector:
    def __init__(self, transactions: TransactionRepository, purchases: PurchaseRepository) -> None:
        self._transactions = transactions
        self._purchases = purchases

    def collect(self, transactions: Iterable[Transaction]) -> dict[TransactionKey, Step]:
        """Keep which of the transactions name another one; return the step of each of these, by its own key.

        One call to read what is named, one to read who names it and one to write, each for a hundred; none where
        nothing names another one. Doing it again changes nothing. Raises TemporarilyUnavailable.
        """
        naming = [(one, key) for one in transactions if (key := named_by(one))]
        if not naming:
            return {}
        # Reads may be a moment behind: what is missed counts as coming later, and is looked for again before sending.
        named = readable(self._transactions, {key for _, key in naming}, is_consistent=False)
        members = self._purchases.collect((one for one, _ in naming), named)
        found = {key: steps(named.get(key), own) for key, own in members.items()}
        return {one.key: step for one, key in naming if (step := found[key].get(one.id))}


def readable(
    transactions: TransactionRepository, keys: Collection[TransactionKey], *, is_consistent: bool
) -> dict[TransactionKey, Transaction]:
    """Return those of the transactions that are stored and can be read; one that can't be must not hide the others."""
    if not keys:
        return {}
    malformed = (ArithmeticError, KeyError, TypeError, ValueError)  # written past the API
    try:
        return transactions.stored(keys, is_consistent=is_consistent)
    except malformed:
        found: dict[TransactionKey, Transaction] = {}
        for key in keys:
            try:
                found |= transactions.stored([key], is_consistent=is_consistent)
            except malformed:
                continue
        return found
