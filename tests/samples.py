"""Sample transactions and evidence that many tests share."""

import dataclasses
from pathlib import Path
from typing import Any

from chalicelib.ledger.transaction import Transaction
from mail_gallery.samples import TRANSACTION

PROJECT_DIR = Path(__file__).parent.parent
REAL_DATA = PROJECT_DIR.parent / "shared" / "data" / "real-transactions.csv.gz"

EVIDENCE: dict[str, dict[str, Any]] = {
    "large_amount": {"amount": "1500000", "currency": "XAF", "threshold": "1000000"},
    "velocity": {"count": 6, "limit": 5, "minutes": 10},
    "unusual_amount": {"amount": "900", "currency": "XAF", "usual": "300", "times": "3.0", "count": 42},
    "duplicate_suspect": {"amount": "900", "currency": "XAF", "seconds": 45, "minutes": 5},
    "new_country": {"country": "BR", "known": ["CM", "FR"], "count": 42},
}


def transaction(**changes: object) -> Transaction:
    return dataclasses.replace(TRANSACTION, **changes)
