"""The repository on moto and on Amazon's DynamoDB Local: what is stored, once, in which order, and whose it is."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from chalicelib.aws.calls import PASSING, call
from chalicelib.aws.dynamo import batch_get, batch_put, from_item, to_item
from chalicelib.banks.bank import ApiKey, Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import HolderNotFound, TemporarilyUnavailable, TooManyHolders, TransactionNotFound
from chalicelib.holders.holder import MAX_HOLDERS, Holder
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.repository import AlreadyRecorded, Listing, Page, TransactionRepository, transaction_item
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Failing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
WRITERS = 8
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


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Run the work in several threads at once; return what each returned or raised."""

    def outcome(number: int) -> Any:
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(outcome, range(WRITERS)))


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


@pytest.fixture
def holders(each_dynamodb: Any) -> HolderRepository:
    return HolderRepository(each_dynamodb, "AccountsTable")


@pytest.fixture
def banks(each_dynamodb: Any) -> BankRepository:
    return BankRepository(each_dynamodb, "BanksTable")


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


def raising(error: Exception) -> Callable[[], None]:
    """Return an operation of a client that ends in this error."""

    def operation() -> None:
        raise error

    return operation


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_passing_refusal_means_try_again(code: str) -> None:
    with pytest.raises(TemporarilyUnavailable):
        call(raising(refusal(code)))


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "PutItem"),
        ClientError({"Error": {"Code": "503"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "PutItem"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
    ids=["internal failure", "unavailable", "unreachable", "timed out"],
)
def test_a_service_that_fails_or_is_out_of_reach_means_try_again(error: Exception) -> None:
    with pytest.raises(TemporarilyUnavailable):
        call(raising(error))


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ValidationException"])
def test_another_refusal_is_no_reason_to_try_again(code: str) -> None:
    with pytest.raises(ClientError):
        call(raising(refusal(code)))


def test_a_writer_that_is_refused_has_stored_nothing_and_may_try_again(each_dynamodb: Any) -> None:
    refused_once = Failing(each_dynamodb, refusal("ProvisionedThroughputExceededException"))
    transactions = TransactionRepository(refused_once, "TransactionsTable")
    with pytest.raises(TemporarilyUnavailable):
        transactions.add(SMALLEST)
    with pytest.raises(TransactionNotFound):
        transactions.get("eazycard", "1")
    transactions.add(SMALLEST)
    assert transactions.get("eazycard", "1") == SMALLEST


def holder(holder_id: str, **changes: Any) -> Holder:
    preferences = {
        "types": ["credit"],
        "min_amount": {"XAF": "5000"},
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "statement": "weekly",
        "muted": False,
    }
    enrolled = Holder(holder_id, "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", preferences, NOW)
    return dataclasses.replace(enrolled, **changes)


def test_a_holder_is_new_once_and_replaced_afterwards(holders: HolderRepository) -> None:
    assert holders.put("eazycard", "A123", holder("h1")) is True
    assert holders.of_account("eazycard", "A123") == [holder("h1")]
    assert holders.put("eazycard", "A123", holder("h1", email="new@example.com", preferences={})) is False
    assert holders.of_account("eazycard", "A123") == [holder("h1", email="new@example.com", preferences={})]


def test_an_accounts_holders_are_listed_by_id_and_no_other_accounts(holders: HolderRepository) -> None:
    for holder_id in ("b", "a.b", "A", "x" * 64, "a"):
        holders.put("eazycard", "A123", holder(holder_id))
    holders.put("eazycard", "A124", holder("z"))
    holders.put("other-bank", "A123", holder("y"))
    assert [found.id for found in holders.of_account("eazycard", "A123")] == ["A", "a", "a.b", "b", "x" * 64]
    assert [found.id for found in holders.of_account("other-bank", "A123")] == ["y"]
    assert holders.of_account("eazycard", "A125") == []


def test_many_accounts_holders_are_read_at_once(holders: HolderRepository) -> None:
    for number in range(120):
        holders.put("eazycard", f"A{number}", holder(f"h{number}"))
    found = holders.of_accounts([f"eazycard#A{number}" for number in range(130)] * 2)
    assert {key: [one.id for one in own] for key, own in found.items()} == {
        f"eazycard#A{number}": [f"h{number}"] for number in range(120)
    }


def test_a_deleted_holders_data_is_gone_and_the_place_is_free(holders: HolderRepository, each_dynamodb: Any) -> None:
    holders.put("eazycard", "A123", holder("h1"))
    holders.put("eazycard", "A123", holder("h2", name="Grace", email="grace@example.com"))
    holders.delete("eazycard", "A123", "h1")
    assert [found.id for found in holders.of_account("eazycard", "A123")] == ["h2"]
    (item,) = each_dynamodb.scan(TableName="AccountsTable")["Items"]
    assert "awa" not in str(item).lower()
    with pytest.raises(HolderNotFound):
        holders.delete("eazycard", "A123", "h1")
    assert holders.put("eazycard", "A123", holder("h1")) is True


def test_a_holder_of_an_account_without_any_cant_be_deleted(holders: HolderRepository) -> None:
    with pytest.raises(HolderNotFound):
        holders.delete("eazycard", "A123", "h1")
    assert holders.of_account("eazycard", "A123") == []


def test_an_account_takes_20_holders_and_replaces_any_of_them(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS):
        assert holders.put("eazycard", "A123", holder(f"h{number}")) is True
    with pytest.raises(TooManyHolders):
        holders.put("eazycard", "A123", holder("one-more"))
    assert holders.put("eazycard", "A123", holder("h7", name="Grace")) is False
    holders.delete("eazycard", "A123", "h3")
    assert holders.put("eazycard", "A123", holder("one-more")) is True
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS == 20


def test_holders_that_are_enrolled_at_once_never_pass_the_limit(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS - 3):
        holders.put("eazycard", "A123", holder(f"h{number}"))
    outcomes = at_once(lambda number: holders.put("eazycard", "A123", holder(f"new{number}")))
    assert outcomes.count(True) == 3
    assert [type(outcome) for outcome in outcomes].count(TooManyHolders) == WRITERS - 3
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def test_of_the_same_holder_enrolled_at_once_one_is_new_and_counts_once(holders: HolderRepository) -> None:
    outcomes = at_once(lambda _: holders.put("eazycard", "A123", holder("h1")))
    assert sorted(outcomes) == [False] * (WRITERS - 1) + [True]
    for number in range(MAX_HOLDERS - 1):
        holders.put("eazycard", "A123", holder(f"other{number}"))
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def test_the_same_holder_deleted_at_once_is_deleted_once(holders: HolderRepository) -> None:
    for number in range(MAX_HOLDERS):
        holders.put("eazycard", "A123", holder(f"h{number}"))
    outcomes = at_once(lambda _: holders.delete("eazycard", "A123", "h0"))
    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes].count(HolderNotFound) == WRITERS - 1
    holders.put("eazycard", "A123", holder("new"))
    with pytest.raises(TooManyHolders):
        holders.put("eazycard", "A123", holder("one-more"))


def test_an_account_full_of_the_largest_holders_fits_into_an_item(holders: HolderRepository) -> None:
    largest = {"name": "😀" * 140, "email": f"{'x' * 60}@{'y' * 60}.{'z' * 60}.{'w' * 60}.com"}
    minimums = {f"X{chr(65 + a)}{chr(65 + b)}": "123456789012345.1234" for a in range(7) for b in range(26)}
    for number in range(MAX_HOLDERS):
        holders.put("eazycard", "A123", holder(f"{number:064d}", **largest, preferences={"min_amount": minimums}))
    assert len(holders.of_account("eazycard", "A123")) == MAX_HOLDERS


def test_a_bank_and_its_keys_are_read_back_as_they_were_put(banks: BankRepository) -> None:
    bank = Bank("eazycard", "EAZYCard é", "XAF", "standard")
    lasting = ApiKey("a" * 64, "eazycard", "gateway-1")
    ending = ApiKey("b" * 64, "eazycard", "gateway-2", NOW)
    banks.put_bank(bank)
    banks.put_api_key(lasting)
    banks.put_api_key(ending)
    assert banks.bank("eazycard") == bank
    assert banks.api_key("a" * 64) == lasting
    assert banks.api_key("b" * 64) == ending
    banks.put_bank(dataclasses.replace(bank, disabled=True))
    assert banks.bank("eazycard") == dataclasses.replace(bank, disabled=True)
    banks.delete_api_key("a" * 64)
    banks.delete_api_key("a" * 64)
    assert banks.api_key("a" * 64) is None


def test_a_bank_and_a_key_are_never_mistaken_for_each_other(banks: BankRepository) -> None:
    banks.put_bank(Bank("eazycard", "EAZYCard", "XAF", "standard"))
    banks.put_api_key(ApiKey("a" * 64, "eazycard", "gateway-1"))
    assert banks.api_key("eazycard") is None
    assert banks.bank("a" * 64) is None


class LeavingSomeOut:
    """A client whose batches leave all but one of their requests for the next call, so many times."""

    def __init__(self, client: Any, times: int) -> None:
        self._client = client
        self._times = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        done, left = self._split(request["Keys"])
        answer = self._client.batch_get_item(RequestItems={table: {**request, "Keys": done}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": left}} if left else {}}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        done, left = self._split(requests)
        self._client.batch_write_item(RequestItems={table: done})
        return {"UnprocessedItems": {table: left} if left else {}}

    def _split(self, requests: list[Any]) -> tuple[list[Any], list[Any]]:
        self._times -= 1
        return (requests[:1], requests[1:]) if self._times >= 0 else (requests, [])


def test_what_a_batch_leaves_unprocessed_is_asked_for_again(each_dynamodb: Any) -> None:
    waits: list[float] = []
    items = [to_item({"entry": f"bank#{number}", "name": "x"}) for number in range(30)]
    keys = [{"entry": item["entry"]} for item in items]
    batch_put(LeavingSomeOut(each_dynamodb, 3), "BanksTable", items, sleep=waits.append)
    found = list(batch_get(LeavingSomeOut(each_dynamodb, 3), "BanksTable", keys, sleep=waits.append))
    assert sorted(found, key=str) == sorted(map(from_item, items), key=str)
    assert len(waits) == 6
    assert all(0 <= wait_s <= 2 for wait_s in waits)


def test_a_batch_that_stays_unprocessed_means_try_again(each_dynamodb: Any) -> None:
    items = [to_item({"entry": f"bank#{number}"}) for number in range(25)]
    with pytest.raises(TemporarilyUnavailable):
        batch_put(LeavingSomeOut(each_dynamodb, 99), "BanksTable", items, sleep=lambda _: None)
    with pytest.raises(TemporarilyUnavailable):
        list(batch_get(LeavingSomeOut(each_dynamodb, 99), "BanksTable", items, sleep=lambda _: None))


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


def stored(holders: HolderRepository) -> list[Holder]:
    return holders.of_account("eazycard", "A123")


PREFERENCES: dict[str, Any] = {
    "types": ["debit"],
    "min_amount": {"XAF": "5000", "EUR": "9.5"},
    "quiet_hours": {"from": "22:00", "to": "07:00"},
    "statement": "weekly",
    "muted": False,
}


@pytest.mark.parametrize("before", [{}, {"types": []}, PREFERENCES])
@pytest.mark.parametrize("after", [{}, {"muted": True}, PREFERENCES])
def test_preferences_are_put_in_the_place_of_those_that_were_read(
    holders: HolderRepository, before: dict[str, Any], after: dict[str, Any]
) -> None:
    read = dataclasses.replace(holder("h1"), preferences=before)
    holders.put("eazycard", "A123", read)
    holders.put("eazycard", "A123", holder("h2"))
    assert holders.change_preferences("eazycard", "A123", read, after)
    assert stored(holders) == [dataclasses.replace(read, preferences=after), holder("h2")]


@pytest.mark.parametrize("change", [{"preferences": {"types": []}}, {"email": "new@example.com"}])
def test_preferences_that_are_no_more_what_was_read_are_left_alone(
    holders: HolderRepository, change: dict[str, Any]
) -> None:
    read = holder("h1")
    now = dataclasses.replace(read, **change)
    holders.put("eazycard", "A123", now)
    assert not holders.change_preferences("eazycard", "A123", read, {"muted": True})
    assert stored(holders) == [now]


def test_muting_adds_to_whatever_is_preferred_and_only_for_the_same_address(holders: HolderRepository) -> None:
    read = holder("h1")
    now = dataclasses.replace(read, preferences=PREFERENCES, name="Another name")
    holders.put("eazycard", "A123", now)
    for _ in range(2):
        assert holders.mute("eazycard", "A123", read)
    muted = dataclasses.replace(now, preferences={**PREFERENCES, "muted": True})
    assert stored(holders) == [muted]
    assert not holders.mute("eazycard", "A123", dataclasses.replace(read, email="old@example.com"))
    assert stored(holders) == [muted]


def test_nothing_is_made_of_a_holder_who_isn_t_there(holders: HolderRepository, each_dynamodb: Any) -> None:
    holders.put("eazycard", "A123", holder("h2"))
    for account in ("A123", "A9"):
        assert not holders.change_preferences("eazycard", account, holder("h1"), {"muted": True})
        assert not holders.mute("eazycard", account, holder("h1"))
    assert each_dynamodb.scan(TableName="AccountsTable")["Count"] == 1
    assert stored(holders) == [holder("h2")]


def test_of_two_changes_at_once_one_is_made(holders: HolderRepository) -> None:
    read = holder("h1")
    holders.put("eazycard", "A123", read)
    wishes: list[dict[str, Any]] = [{"types": [], "statement": f"{number}"} for number in range(WRITERS)]
    made = at_once(lambda number: holders.change_preferences("eazycard", "A123", read, wishes[number]))
    assert sorted(made) == [False] * (len(made) - 1) + [True]
    assert stored(holders)[0].preferences == wishes[made.index(True)]
