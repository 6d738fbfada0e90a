"""Keys: the ids that banks choose, and the keys by which tables are read.

A table's key joins a bank and an id by `#`, which is in neither, so that no two pairs share a key.
"""

import re
from typing import NamedTuple

IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")


class TransactionKey(NamedTuple):
    """A transaction of a bank."""

    bank: str
    id: str

    @property
    def stored(self) -> str:
        """The transaction's key in the tables."""
        return f"{self.bank}#{self.id}"

    @classmethod
    def of_stored(cls, key: str) -> "TransactionKey":
        bank, _, transaction_id = key.partition("#")
        return cls(bank, transaction_id)


def transaction_key(bank: str, transaction_id: str) -> str:
    """Return a transaction's key in the tables."""
    return TransactionKey(bank, transaction_id).stored


def account_key(bank: str, account: str) -> str:
    """Return an account's key in the tables."""
    return f"{bank}#{account}"
