"""The repository on moto and on Amazon's DynamoDB Local: what is stored, once, in which order, and whose it is."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable, TransactionNotFound
from chalicelib.ledger.repository import AlreadyRecorded, Listing, Page, TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Failing, refusal
from tests.threads import WRITERS, at_once

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
SMALLEST = Transaction(
    bank="eazycard",
    id="1",
    account="A123",
    amount=Decimal("250.50"),
    type="credit",
    timestamp=NOW,
    currency="EUR",
    recorded_at=NOW,
)
FULLEST = dataclasses.replace(
    SMALLEST,
    id="x" * 64,
    account="y" * 64,
    amount=Decimal("999999999999999.99"),
    status="reversed",
    authorization_id="a-1",
    merchant={"name": "Marché Mokolo 😀", "mcc": "5411", "city": "Yaoundé", "country": "CM"},
    description="x" * 280,
    balance=Decimal("-0.01"),
    card_last4="0042",
    metadata={"é" * 256: "😀" * 256, **{f"k{number}": "v" * 256 for number in range(19)}},
    timestamp=NOW + timedelta(microseconds=1),
)


class Metering:
    """A client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self._client, name)


@pytest.fixture
def transactions(each_dynamodb: Any) -> TransactionRepository:
    return TransactionRepository(each_dynamodb, "TransactionsTable")


@pytest.mark.parametrize("transaction", [SMALLEST, FULLEST], ids=["smallest", "fullest"])
def test_a_transaction_is_read_back_as_it_was_added(
    transactions: TransactionRepository, transaction: Transaction
) -> None:
    transactions.add(transaction)
    assert transactions.get("eazycard", transaction.id) == transaction
    page = transactions.newest_for_account("eazycard", Listing(transaction.account))
    assert page.transactions == [transaction]


def test_empty_texts_are_stored_as_they_are(dynamodb: Any, table_names: dict[str, str]) -> None:
    # On moto only: today's DynamoDB takes them, the DynamoDB Local of 2020 did not yet.
    transactions = TransactionRepository(dynamodb, table_names["TransactionsTable"])
    emptiest = dataclasses.replace(SMALLEST, description="", merchant={}, metadata={"k": ""})
    transactions.add(emptiest)
    assert transactions.get("eazycard", "1") == emptiest


def test_an_id_that_is_taken_raises_with_what_has_it_and_changes_nothing(transactions: TransactionRepository) -> None:
    transactions.add(SMALLEST)
    with pytest.raises(AlreadyRecorded) as taken:
        transactions.add(dataclasses.replace(SMALLEST, amount=Decimal(3), account="B", recorded_at=NOW + timedelta(1)))
    assert taken.value.stored == SMALLEST
    assert transactions.get("eazycard", "1") == SMALLEST
    assert transactions.newest_for_account("eazycard", Listing("B")).transactions == []


def test_of_writers_of_one_id_at_once_exactly_one_wins_and_the_others_see_its_transaction(
    transactions: TransactionRepository,
) -> None:
    for transaction_id in ("a", "b", "c"):
        drafts = [dataclasses.replace(SMALLEST, id=transaction_id, amount=Decimal(n + 1)) for n in range(WRITERS)]
        outcomes = at_once(lambda number, drafts=drafts: transactions.add(drafts[number]))
        (winner,) = [draft for draft, outcome in zip(drafts, outcomes, strict=True) if outcome is None]
        losers = [outcome for outcome in outcomes if outcome is not None]
        assert [type(loser) for loser in losers] == [AlreadyRecorded] * (WRITERS - 1)
        assert {loser.stored.amount for loser in losers} == {winner.amount}
        assert transactions.get("eazycard", transaction_id) == winner


def test_banks_may_use_the_same_ids_and_accounts_and_see_only_their_own(transactions: TransactionRepository) -> None:
    other = dataclasses.replace(SMALLEST, bank="other-bank", amount=Decimal(7))
    transactions.add(SMALLEST)
    transactions.add(other)
    assert transactions.get("eazycard", "1") == SMALLEST
    assert transactions.get("other-bank", "1") == other
    assert transactions.newest_for_account("other-bank", Listing("A123")).transactions == [other]
    with pytest.raises(TransactionNotFound):
        transactions.get("third-bank", "1")


def test_an_unknown_id_raises(transactions: TransactionRepository) -> None:
    with pytest.raises(TransactionNotFound):
        transactions.get("eazycard", "unknown")


def walk(transactions: TransactionRepository, listing: Listing) -> list[list[str]]:
    """Return the ids on each page."""
    pages = []
    while True:
        page = transactions.newest_for_account("eazycard", listing)
        pages.append([transaction.id for transaction in page.transactions])
        if page.next_position is None:
            return pages
        listing = dataclasses.replace(listing, before=page.next_position)


def test_pages_are_newest_first_without_gaps_or_repeats(transactions: TransactionRepository) -> None:
    # Recorded in another order than that of their own times.
    for number in sorted(range(25), key=lambda n: n * 7 % 25):
        moment = NOW - timedelta(minutes=number)
        transactions.add(dataclasses.replace(SMALLEST, id=f"t{number}", timestamp=moment))
    assert walk(transactions, Listing("A123", limit=10)) == [
        [f"t{number}" for number in range(10)],
        [f"t{number}" for number in range(10, 20)],
        [f"t{number}" for number in range(20, 25)],
    ]
    assert walk(transactions, Listing("A123", limit=25)) == [[f"t{number}" for number in range(25)]]


def test_transactions_of_the_same_moment_are_each_listed_once(transactions: TransactionRepository) -> None:
    ids = [f"t{number:02d}" for number in range(10)]
    for transaction_id in ids:
        transactions.add(dataclasses.replace(SMALLEST, id=transaction_id))
    pages = walk(transactions, Listing("A123", limit=3))
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert sorted(transaction_id for page in pages for transaction_id in page) == ids


def test_bounds_are_inclusive_to_the_microsecond(transactions: TransactionRepository) -> None:
    tick = timedelta(microseconds=1)
    for number, moment in enumerate([NOW - tick, NOW, NOW + tick, NOW + 2 * tick]):
        transactions.add(dataclasses.replace(SMALLEST, id=f"t{number}", timestamp=moment))
    assert walk(transactions, Listing("A123", start=NOW)) == [["t3", "t2", "t1"]]
    assert walk(transactions, Listing("A123", end=NOW)) == [["t1", "t0"]]
    assert walk(transactions, Listing("A123", start=NOW, end=NOW + tick)) == [["t2", "t1"]]
    assert walk(transactions, Listing("A123", start=NOW + 3 * tick)) == [[]]


def test_pages_of_one_type_are_full_and_complete(transactions: TransactionRepository) -> None:
    for number in range(30):
        kind = "credit" if number % 5 == 0 else "debit"
        moment = NOW - timedelta(minutes=number)
        transactions.add(dataclasses.replace(SMALLEST, id=f"t{number}", type=kind, timestamp=moment))
    assert walk(transactions, Listing("A123", type="credit", limit=4)) == [["t0", "t5", "t10", "t15"], ["t20", "t25"]]
    assert walk(transactions, Listing("A123", type="credit", limit=6)) == [["t0", "t5", "t10", "t15", "t20", "t25"]]


def test_a_type_that_does_not_occur_ends_a_page_after_a_few_reads_and_the_next_one_goes_on() -> None:
    class Endless:
        """An account of which no row passes the filter."""

        def __init__(self) -> None:
            self.calls = 0

        def query(self, **arguments: Any) -> dict[str, Any]:
            self.calls += 1
            return {"Items": [], "LastEvaluatedKey": {"timestamp_key": {"S": f"2026#{self.calls}"}}}

    endless = Endless()
    page = TransactionRepository(endless, "table").newest_for_account("eazycard", Listing("A123", type="credit"))
    assert page == Page([], "2026#8")
    assert endless.calls == 8


def test_a_type_that_is_rare_is_found_in_few_calls(each_dynamodb: Any) -> None:
    transactions = TransactionRepository(each_dynamodb, "TransactionsTable")
    transactions.add(dataclasses.replace(SMALLEST, timestamp=NOW - timedelta(days=1)))
    for number in range(200):
        transactions.add(dataclasses.replace(SMALLEST, id=f"t{number}", type="debit"))
    metering = Metering(each_dynamodb)
    page = TransactionRepository(metering, "TransactionsTable").newest_for_account(
        "eazycard", Listing("A123", type="credit", limit=1)
    )
    assert [transaction.id for transaction in page.transactions] == ["1"]
    assert metering.calls == 1


def test_a_listing_goes_on_over_the_megabyte_that_one_query_reads(transactions: TransactionRepository) -> None:
    metadata = {f"k{number}": "v" * 256 for number in range(20)}
    for number in range(250):
        transactions.add(dataclasses.replace(SMALLEST, id=f"t{number}", type="debit", metadata=metadata))
    transactions.add(dataclasses.replace(SMALLEST, timestamp=NOW - timedelta(days=1)))
    assert walk(transactions, Listing("A123", type="credit", limit=1)) == [["1"]]
    assert [len(page) for page in walk(transactions, Listing("A123", limit=100))] == [100, 100, 51]


def test_a_writer_that_is_refused_has_stored_nothing_and_may_try_again(each_dynamodb: Any) -> None:
    refused_once = Failing(each_dynamodb, refusal("ProvisionedThroughputExceededException"))
    transactions = TransactionRepository(refused_once, "TransactionsTable")
    with pytest.raises(TemporarilyUnavailable):
        transactions.add(SMALLEST)
    with pytest.raises(TransactionNotFound):
        transactions.get("eazycard", "1")
    transactions.add(SMALLEST)
    assert transactions.get("eazycard", "1") == SMALLEST


def test_transactions_are_spread_over_the_recorded_shards() -> None:
    shards = [transaction_item(dataclasses.replace(SMALLEST, id=str(n)))["recorded_shard"]["S"] for n in range(8_000)]
    counts = {shard: shards.count(shard) for shard in set(shards)}
    assert sorted(counts) == [f"{shard:02d}" for shard in range(4)]
    assert min(counts.values()) > 1_800


def places(transactions: TransactionRepository, shard: str, **options: Any) -> list[list[str]]:
    """Return the ids on each page of what was recorded in a shard, page by page to the end."""
    found, after = [], options.pop("after", None)
    until = options.pop("until", "~")
    while True:
        rows, after = transactions.recorded(shard, after, until, **options)
        found.append([row["id"] for row in rows])
        if after is None:
            return found


def of_shard(count: int) -> tuple[str, list[Transaction]]:
    """Return a shard and transactions of it, recorded a second apart, by two banks on two days in turn."""
    made = [
        dataclasses.replace(
            SMALLEST, id=f"t{n}", bank=("eazycard", "other-bank")[n % 2], timestamp=NOW - timedelta(days=n % 4 // 2)
        )
        for n in range(count * 8)
    ]
    own = [one for one in made if transaction_item(one)["recorded_shard"]["S"] == "02"][:count]
    return "02", [
        dataclasses.replace(one, recorded_at=NOW + timedelta(seconds=second)) for second, one in enumerate(own)
    ]


def test_what_was_recorded_is_read_in_its_order_page_by_page(transactions: TransactionRepository) -> None:
    shard, own = of_shard(10)
    for one in own[::-1]:
        transactions.add(one)
    ids = [one.id for one in own]
    assert places(transactions, shard) == [ids]
    assert [one for page in places(transactions, shard, limit=3) for one in page] == ids
    assert places(transactions, shard, limit=3)[:2] == [ids[:3], ids[3:6]]
    assert places(transactions, "01") == [[]]


def test_reading_begins_behind_a_place_and_ends_with_one(transactions: TransactionRepository) -> None:
    shard, own = of_shard(10)
    for one in own:
        transactions.add(one)
    ids = [one.id for one in own]
    keys = [transaction_item(one)["recorded_key"]["S"] for one in own]
    assert places(transactions, shard, after=keys[2], until=keys[5]) == [ids[3:6]]
    assert places(transactions, shard, after=keys[2], until=keys[3]) == [ids[3:4]]
    assert places(transactions, shard, after=keys[9]) == [[]]
    # A time is the place before all that was recorded then.
    third, sixth = (keys[number].partition("#")[0] for number in (3, 6))
    assert places(transactions, shard, after=third, until=sixth) == [ids[3:6]]


def test_a_range_that_ends_before_it_begins_is_empty(transactions: TransactionRepository) -> None:
    transactions.add(SMALLEST)
    for after, until in (("2026-02", "2026-01"), ("2026-01", "2026-01")):
        assert transactions.recorded("02", after, until) == ([], None)


def test_only_a_bank_s_rows_and_those_of_a_day_are_read_when_these_are_named(
    transactions: TransactionRepository,
) -> None:
    shard, own = of_shard(24)
    for one in own:
        transactions.add(one)
    of_bank = [one for one in own if one.bank == "eazycard"]
    of_day = [one for one in own if one.timestamp == NOW]
    of_both = [one for one in of_bank if one in of_day]
    assert 0 < len(of_both) < len(of_bank) < len(own)
    for options, wanted in (
        ({"bank": "eazycard"}, of_bank),
        ({"date": "2026-01-10"}, of_day),
        ({"bank": "eazycard", "date": "2026-01-10"}, of_both),
        ({"date": "2026-01-11"}, []),
    ):
        pages = places(transactions, shard, limit=5, **options)
        assert [one for page in pages for one in page] == [one.id for one in wanted]
        assert len(pages) >= 5  # a page is of five rows before those that don't fit are left out
