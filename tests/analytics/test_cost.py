"""What reading a month of analytics costs a bank: the same with a thousand and with ten thousand transactions.

On DynamoDB Local, which says of each call what it would be charged. What doesn't grow from 1,000 over 3,000 to 10,000
stored transactions doesn't grow to 1,000,000 either; `make test-long` stores 100,000.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.analytics.rollups import Day, Sums
from chalicelib.aws.batching import batches
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from tests import dynamodb_local
from tests.sizes import IS_LONG
from tests.tables import create_tables

SIZES = (1_000, 10_000, 100_000) if IS_LONG else (1_000, 2_000, 4_000)
# What a busy bank's readers meet: as many transactions since the job's last step at each size.
SINCE = 300
START = datetime(2026, 2, 1, tzinfo=UTC)
MOST_UNITS = 40
MOST_CALLS = 6


class Charged:
    """A client that adds up what DynamoDB charges for, by its own account: calls, read units and items read."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.cost = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def charged(**arguments: Any) -> Any:
            answer = operation(**arguments, ReturnConsumedCapacity="TOTAL")
            self.cost["calls"] += 1
            self.cost["read units"] += answer["ConsumedCapacity"]["CapacityUnits"]
            self.cost["items"] += answer.get("ScannedCount", 1)
            return answer

        return charged


class Stored:
    """Tables that grow: transactions of two banks, over the 31 days of January, in three currencies."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.now = START
        self.count = 0
        self._transactions = TransactionRepository(client, "TransactionsTable")

    def grow(self, to: int) -> None:
        """Record transactions until there are so many, all of which but the last ones the job folds."""
        self._record(to - SINCE - self.count)
        self.now += timedelta(minutes=2)
        roll_ups = AnalyticsRepository(self.client, "AnalyticsTable")
        baselines = BaselineRepository(self.client, "AnalyticsTable")
        AnalyticsJob(roll_ups, baselines, self._transactions, lambda: self.now, 9).run(lambda: 60)
        self._record(SINCE)

    def read(self) -> tuple[dict[Day, Sums], Counter[str]]:
        """Return what a bank reads of January, and what it costs."""
        client = Charged(self.client)
        roll_ups = AnalyticsRepository(client, "AnalyticsTable")
        transactions = TransactionRepository(client, "TransactionsTable")
        reader = AnalyticsReader(roll_ups, transactions, lambda: self.now)
        days, _ = reader.of_bank("eazycard", date(2026, 1, 1), date(2026, 1, 31))
        return days, client.cost

    def _record(self, count: int) -> None:
        items = [_item(self.count + number, self.now) for number in range(count)]
        self.count += count

        def put(part: list[dict[str, Any]]) -> None:
            requests = [{"PutRequest": {"Item": item}} for item in part]
            assert not self.client.batch_write_item(RequestItems={"TransactionsTable": requests})["UnprocessedItems"]

        with ThreadPoolExecutor(4) as writers:
            list(writers.map(put, batches(items, 25)))


def _item(number: int, now: datetime) -> dict[str, Any]:
    # Each day and currency at first, and then day by day, as they would come.
    day, currency = (number // 6 % 31, number // 2 % 3) if number < 31 * 6 else (number // 400 % 31, number // 2 % 3)
    one = Transaction(
        bank=("eazycard", "other-bank")[number % 2],
        id=f"t{number:07}",
        account=f"A{number % 1000}",
        amount=Decimal(1_234_567 + number % 89),
        type=("credit", "debit")[number // 6 % 2],
        timestamp=datetime(2026, 1, 1 + day, 12, tzinfo=UTC),
        currency=("EUR", "XAF", "USD")[currency],
        recorded_at=now + timedelta(microseconds=number),
    )
    # It isn't listed here, so it need not be in the other index: half of the time to store it.
    return {name: value for name, value in transaction_item(one).items() if name != "account_key"}


@pytest.fixture
def stored(dynamodb_local_url: str) -> Iterator[Stored]:
    client = dynamodb_local.client(dynamodb_local_url)
    create_tables(client)
    yield Stored(client)
    client.close()


def test_a_month_costs_a_bank_the_same_however_much_is_stored(stored: Stored) -> None:
    costs: dict[int, Counter[str]] = {}
    for size in SIZES:
        stored.grow(size)
        days, costs[size] = stored.read()
        assert len(days) == 31 * 3
        assert sum(sums.count for sums in days.values()) == size / 2
    print("\n".join(f"{size:>7,} stored: {dict(cost)}" for size, cost in costs.items()))
    smallest, middle, largest = (costs[size] for size in SIZES)
    assert smallest["read units"] <= MOST_UNITS
    assert smallest["calls"] <= MOST_CALLS
    assert smallest["items"] == 1 + 31 * 3 + SINCE
    assert largest == middle == smallest
