"""How many transactions fit into one answer. A page may have fewer than were asked for, and its cursor goes on."""

import json
from collections.abc import Iterable

from chalicelib.ledger.transaction import Transaction

# Lambda returns 6 MB at most. All but the metadata of a page's transactions is short by its fields' own limits.
METADATA_BYTES = 3 * 1024 * 1024


def fitting(transactions: Iterable[Transaction], most: int = METADATA_BYTES) -> int:
    """Return how many of the transactions, from the first one on, may be in one answer; at least one."""
    size = number = 0
    for transaction in transactions:
        if transaction.metadata:
            # Chalice makes ASCII of the answer, and Lambda's runtime puts it into JSON once more: `😀` takes 14 bytes.
            size += len(json.dumps(json.dumps(dict(transaction.metadata))))
        if number and size > most:
            break
        number += 1
    return number
