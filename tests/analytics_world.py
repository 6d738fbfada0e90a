"""The analytics job's world: stored transactions, runs that die or overlap, and the sums that must come out."""

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.reconciliation import Findings, Reconciliation
from chalicelib.analytics.repository import (
    AnalyticsRepository,
)
from chalicelib.analytics.rollups import Day, Largest, Sums, merged
from chalicelib.aws.batching import batches
from chalicelib.aws.dynamo import from_item
from chalicelib.banks.thresholds import FLAGS
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, place_of, shards_of, transaction_item
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from tests.aws_calls import meanwhile

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BANKS = ("eazycard", "other-bank")
PLENTY_S = 60.0
# DynamoDB takes 100 actions in a transaction, the DynamoDB Local of 2020 only 10.
MAX_DAYS = 9


DAY = date(2026, 1, 10)
TODAY = Day("eazycard", "2026-01-10", "EUR")


def reconciliation(client: Any, sleep: Callable[[float], None] = lambda _: None) -> Reconciliation:
    transactions = TransactionRepository(client, "TransactionsTable")
    return Reconciliation(roll_ups_of(client), transactions, MAX_DAYS, sleep)


def of_day(client: Any, bank: str | None = None, day: date = DAY, **options: Any) -> Findings:
    return reconciliation(client).of_day(day, bank, **options)


def item(client: Any, day: Day = TODAY) -> dict[str, Any]:
    key = {"owner": {"S": f"bank#{day.bank}"}, "entry": {"S": f"day#{day.date}#{day.currency}"}}
    found: dict[str, Any] = client.get_item(TableName="AnalyticsTable", Key=key).get("Item", {})
    return found


def spoil(client: Any, day: Day = TODAY, **changes: Any) -> None:
    client.put_item(TableName="AnalyticsTable", Item={**item(client, day), **changes})


class Died(BaseException):
    """The function's process is killed: no handler of exceptions sees it."""


class DyingAt:
    """A client whose process dies at its n-th call (from 0), of an operation or of any: before the call, or after it
    with the answer lost."""

    def __init__(self, client: Any, at: int, operation: str | None = None, *, answer_lost: bool) -> None:
        self._client = client
        self._left = at
        self._operation = operation
        self._answer_lost = answer_lost

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        if self._operation not in (None, name):
            return operation

        def dying(**arguments: Any) -> Any:
            self._left -= 1
            if self._left == -1 and not self._answer_lost:
                raise Died
            answer = operation(**arguments)
            if self._left == -1:
                raise Died
            return answer

        return dying


class SeenByHalves:
    """A client whose transactions take effect item by item, as a reader of several items can meet them on DynamoDB.

    What is to happen in between does so behind each item but the last. With `last` the checkpoint takes effect last.
    """

    def __init__(self, client: Any, between: Callable[[], Any], *, last: bool = False) -> None:
        self._client = client
        self._between = between
        self._last = last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        for number, action in enumerate(TransactItems[::-1] if self._last else TransactItems):
            if number:
                meanwhile(self._between)
            (operation,) = action
            getattr(self._client, {"Put": "put_item", "Update": "update_item"}[operation])(**action[operation])
        return {}


class LateIndex:
    """A client that doesn't find some transactions by an index yet: those whose keys are in `missing`."""

    def __init__(self, client: Any, missing: set[str]) -> None:
        self._client = client
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.query(**arguments)
        if "IndexName" in arguments:
            found = [item for item in answer["Items"] if item["transaction_key"]["S"] not in self._missing]
            return {**answer, "Items": found}
        return answer


class Counting:
    """A client that counts its calls by operation, and the items that they return."""

    def __init__(self, client: Any, page: int | None = None) -> None:
        self._client = client
        self._page = page
        self.calls = Counter[str]()
        self.items = 0

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def counted(**arguments: Any) -> Any:
            self.calls[name] += 1
            if self._page and name == "query":
                arguments["Limit"] = self._page  # as if a megabyte held no more
            answer = operation(**arguments)
            self.items += len(answer.get("Items", ()))
            return answer

        return counted


def made(number: int, **changes: Any) -> Transaction:
    """Return the n-th transaction: of any bank, day, currency, type, merchant and shard, recorded minutes ago."""
    one = Transaction(
        bank=BANKS[number % 2],
        id=f"t{number}",
        account=f"A{number % 5}",
        amount=Decimal(number * 7 + 1).scaleb(-2),
        type=TYPES[number // 3 % 2],
        timestamp=NOW - timedelta(days=number % 3, minutes=number),
        currency=("EUR", "USD")[number % 5 % 2],
        status=(status := STATUSES[number % 7] if number % 7 < 4 else "settled"),
        # Every other reversal is of a settled transaction; the others release an authorization.
        reversal_of=f"t{number + 1}" if status == "reversed" and number % 2 else None,
        merchant={"name": f"Shop {number % 8}", "country": ("CM", "FR", "BE")[number % 3]} if number % 4 else None,
        recorded_at=NOW - timedelta(minutes=5, microseconds=number),
    )
    return dataclasses.replace(one, **changes)


def store(client: Any, transactions: Iterable[Transaction]) -> None:
    for transaction in transactions:
        client.put_item(TableName="TransactionsTable", Item=transaction_item(transaction))


def flag(client: Any, *flagged: tuple[Transaction, Iterable[str]], at: datetime = NOW - timedelta(minutes=4)) -> None:
    """Record the transactions' flags, of which every third is in shadow."""
    decisions = [
        Flagging(one, {name: {"count": 3} for name in names}, frozenset(FLAGS[::3]), at) for one, names in flagged
    ]
    for part in batches(decisions, MAX_DAYS):
        FlagRepository(client, "TransactionsTable").record(part)


def roll_ups_of(client: Any) -> AnalyticsRepository:
    return AnalyticsRepository(client, "AnalyticsTable")


def job(client: Any, now: datetime = NOW, max_days: int = MAX_DAYS, max_accounts: int = 2_500) -> AnalyticsJob:
    baselines = BaselineRepository(client, "AnalyticsTable")
    transactions = TransactionRepository(client, "TransactionsTable")
    return AnalyticsJob(roll_ups_of(client), baselines, transactions, lambda: now, max_days, max_accounts)


def run(client: Any, now: datetime = NOW, max_days: int = MAX_DAYS) -> int:
    return job(client, now, max_days).run(lambda: PLENTY_S)


def reader(client: Any, now: datetime = NOW) -> AnalyticsReader:
    transactions = TransactionRepository(client, "TransactionsTable")
    return AnalyticsReader(roll_ups_of(client), transactions, lambda: now, lambda _: None)


def folded(client: Any) -> dict[Day, Sums]:
    """Return all banks' roll-ups."""
    roll_ups = roll_ups_of(client)
    at = roll_ups.checkpoint()
    return merged(roll_ups.days(bank, "0001-01-01", "9999-12-31", at) for bank in BANKS)


def read(client: Any, now: datetime = NOW) -> dict[Day, Sums]:
    """Return what all banks read of all days: the roll-ups and the tail."""
    return merged(reader(client, now).of_bank(bank, date.min, date.max)[0] for bank in BANKS)


def expected(
    transactions: Iterable[Transaction], flagged: Iterable[tuple[Transaction, Iterable[str]]] = ()
) -> dict[Day, Sums]:
    """Return the sums as anyone would add them up."""
    by_day: dict[Day, list[Transaction]] = defaultdict(list)
    for one in transactions:
        by_day[_day(one)].append(one)
    days = {day: _sums(own) for day, own in by_day.items()}
    for one, names in flagged:
        found = days.setdefault(_day(one), Sums()).flags
        for name in names:
            found[name] = found.get(name, 0) + 1
    return days


def _day(one: Transaction) -> Day:
    return Day(one.bank, one.timestamp.date().isoformat(), one.currency)


def _sums(own: list[Transaction]) -> Sums:
    sums = Sums(statuses=dict(Counter(one.status for one in own)))
    settled = [one for one in own if one.status == "settled"]
    reversed_ = [one for one in own if one.status == "reversed" and one.reversal_of]
    for name, of in (("", settled), ("reversed_", reversed_)):
        for kind in TYPES:
            amounts = [one.amount for one in of if one.type == kind]
            setattr(sums, f"{name}{kind}_count", len(amounts))
            setattr(sums, f"{name}{kind}", sum(amounts, Decimal()))
    if settled:
        top = min(settled, key=lambda one: (-one.amount, one.id))
        sums.largest = Largest(top.amount, top.id, top.account, top.type, format_time(top.timestamp))
    return sums


def baselines_of(client: Any) -> dict[str, Baseline]:
    """Return all accounts' baselines."""
    items = [from_item(item) for item in client.scan(TableName="AnalyticsTable")["Items"]]
    accounts = [each["owner"].removeprefix("account#") for each in items if each["entry"] == "baseline"]
    return BaselineRepository(client, "AnalyticsTable").of(accounts, is_consistent=True)


def expected_baselines(transactions: Iterable[Transaction]) -> dict[str, Baseline]:
    """Return the baselines to which each transaction was added once, shard by shard."""
    found: dict[str, Baseline] = defaultdict(Baseline)
    for one in sorted(transactions, key=place_of):
        if one.status != "reversed":
            assert found[account_key(one.bank, one.account)].add_row(*place_of(one), one)
    return found


def assert_baselines(client: Any, transactions: Iterable[Transaction]) -> None:
    """Fail unless every account's baseline has each of its transactions once."""
    assert _comparable(baselines_of(client)) == _comparable(expected_baselines(transactions))


def _comparable(baselines: dict[str, Baseline]) -> dict[str, Any]:
    """Return baselines without what hangs on how the shards' rows came between each other's."""
    coarse = Context(prec=12)
    return {
        account: {
            "amounts": {
                key: (one.count, one.largest, coarse.plus(one.mean).normalize(), coarse.plus(one.m2).normalize())
                for key, one in baseline.amounts.items()
            },
            "countries": set(baseline.countries),
            "recents": baseline.recents,
            "positions": baseline.positions,
        }
        for account, baseline in baselines.items()
    }


def row(transaction: Transaction) -> dict[str, Any]:
    return from_item(transaction_item(transaction))


def of_one_shard(count: int) -> list[Transaction]:
    """Return transactions of one shard, each of another day."""
    found: list[Transaction] = []
    for number in itertools.count():
        one = made(0, id=f"one{number}", status="settled", timestamp=NOW - timedelta(days=len(found)))
        one = dataclasses.replace(one, recorded_at=NOW - timedelta(hours=1) + timedelta(seconds=len(found)))
        if len(found) == count:
            break
        if transaction_item(one)["recorded_shard"]["S"] == shards_of(SHARDS)[-1]:
            found.append(one)
    return found
