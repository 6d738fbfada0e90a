"""The transactions on which the analytics job is measured, recorded on DynamoDB Local."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tqdm import tqdm

from chalicelib.aws.batching import batches
from chalicelib.ledger.repository import transaction_item
from chalicelib.ledger.transaction import Transaction

BANKS = ("eazycard", "other-bank")
# The job's first run is at TODAY, its next run at NOW. The new transactions were recorded between the two.
TODAY = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOW = TODAY + timedelta(minutes=5)


def record(client: Any, stored: int, new: int) -> None:
    """Store transactions of January. The last `new` were recorded just now, one in a hundred of them late."""

    def put(part: list[dict[str, Any]]) -> None:
        requests = [{"PutRequest": {"Item": item}} for item in part]
        if client.batch_write_item(RequestItems={"TransactionsTable": requests})["UnprocessedItems"]:
            raise RuntimeError("DynamoDB Local left some transactions out")

    items = (transaction_item(_transaction(number, stored - new)) for number in range(stored))
    with ThreadPoolExecutor(4) as writers, tqdm(total=stored, desc="recording", unit="row", delay=2) as progress:
        for parts in batches(batches(items, 25), 100):
            list(writers.map(put, parts))
            progress.update(sum(map(len, parts)))


def _transaction(number: int, old: int) -> Transaction:
    is_new = number >= old
    day = 30 if is_new and number % 100 else number * 30 // old % 30
    return Transaction(
        bank=BANKS[number % 2],
        id=f"t{number:07}",
        account=f"A{number % 1000}",
        amount=Decimal(number % 100_000 + 1),
        type=("credit", "debit")[number // 2 % 2],
        timestamp=datetime(2026, 1, day + 1, 11, tzinfo=UTC),
        currency=("EUR", "XAF")[number // 4 % 2],
        merchant={"name": "Marché Mokolo", "mcc": "5411", "city": "Yaoundé", "country": "CM"},
        description=f"Card purchase {number % 100}, thank you",
        recorded_at=TODAY + timedelta(hours=0 if is_new else -1, microseconds=number),
    )
