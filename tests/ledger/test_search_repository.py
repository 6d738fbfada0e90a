"""Searches on moto and on Amazon's DynamoDB Local: whatever is asked for, each match comes once, newest first."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import to_item
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.search import Found, Search
from chalicelib.ledger.search_repository import MOST_ACCOUNTS, READS, SearchRepository
from chalicelib.ledger.stored_form import SHARDS, bank_shard, flags_shard, shards_of, transaction_item
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from tests.fakes import Metered
from tests.samples import EVIDENCE
from tests.tables import create_tables

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
ONE = Transaction(
    bank="eazycard",
    id="1",
    account="A1",
    amount=Decimal(250),
    type="credit",
    timestamp=NOW,
    currency="EUR",
    recorded_at=NOW,
)
ACCOUNTS = ("A1", "A2", "A3")
FLAGS = ("velocity", "large_amount")


def store(client: Any, *transactions: Transaction, shards: int = SHARDS) -> None:
    repository = TransactionRepository(client, "TransactionsTable", shards)
    for one in transactions:
        repository.add(one)


def flag(client: Any, one: Transaction, *names: str, shadow: tuple[str, ...] = ()) -> None:
    evidence = {name: EVIDENCE[name] for name in names}
    FlagRepository(client, "TransactionsTable").record([Flagging(one, evidence, frozenset(shadow), NOW)])


def searching(client: Any, reads: int = READS, shards: int = SHARDS) -> SearchRepository:
    return SearchRepository(
        client, "TransactionsTable", TransactionRepository(client, "TransactionsTable"), shards, reads
    )


def pages(repository: SearchRepository, search: Search, bank: str = "eazycard") -> list[Found]:
    """Follow the positions from the first page to the end."""
    found = [repository.find(bank, search)]
    while (position := found[-1].next_position) is not None:
        assert search.before is None or position < search.before, "it goes on"
        search = dataclasses.replace(search, before=position)
        found.append(repository.find(bank, search))
    return found


def ids(found: list[Found]) -> list[str]:
    return [one.id for page in found for one in page.transactions]


@dataclasses.dataclass(frozen=True)
class Flagged:
    transaction: Transaction
    told: frozenset[str]
    shadow: frozenset[str]


@st.composite
def flagged(draw: st.DrawFn) -> Flagged:
    names = draw(st.frozensets(st.sampled_from(FLAGS)))
    shadow = draw(st.frozensets(st.sampled_from(FLAGS)))
    one = dataclasses.replace(
        ONE,
        bank=draw(st.sampled_from(["eazycard", "eazycard", "other-bank"])),
        id=draw(st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,3}", fullmatch=True)),
        account=draw(st.sampled_from(ACCOUNTS)),
        amount=Decimal(draw(st.integers(1, 9))),
        type=draw(st.sampled_from(TYPES)),
        status=draw(st.sampled_from(STATUSES)),
        currency=draw(st.sampled_from(["EUR", "USD"])),
        # Many at the same moment, some a microsecond apart.
        timestamp=NOW - timedelta(microseconds=draw(st.integers(0, 5))),
    )
    return Flagged(one, names - shadow, names & shadow)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


SEARCHES = st.builds(
    Search,
    accounts=maybe(st.lists(st.sampled_from([*ACCOUNTS, "A4"]), max_size=3).map(tuple)),
    start=maybe(st.integers(0, 5).map(lambda back: NOW - timedelta(microseconds=back))),
    end=maybe(st.integers(0, 5).map(lambda back: NOW - timedelta(microseconds=back))),
    type=maybe(st.sampled_from(TYPES)),
    status=maybe(st.sampled_from(STATUSES)),
    currency=maybe(st.sampled_from(["EUR", "USD"])),
    min_amount=maybe(st.integers(1, 9).map(Decimal)),
    max_amount=maybe(st.integers(1, 9).map(Decimal)),
    flag=maybe(st.sampled_from(FLAGS)),
    limit=st.integers(1, 5),
).filter(lambda search: search.start is None or search.end is None or search.start <= search.end)


def plainly(stored: list[Flagged], search: Search) -> list[str]:
    """Return the ids that are looked for, by a filter as plain as can be."""
    wanted = [
        one.transaction
        for one in stored
        if one.transaction.bank == "eazycard"
        and (search.accounts is None or one.transaction.account in search.accounts)
        and (search.start is None or one.transaction.timestamp >= search.start)
        and (search.end is None or one.transaction.timestamp <= search.end)
        and search.type in (None, one.transaction.type)
        and search.status in (None, one.transaction.status)
        and search.currency in (None, one.transaction.currency)
        and (search.min_amount is None or one.transaction.amount >= search.min_amount)
        and (search.max_amount is None or one.transaction.amount <= search.max_amount)
        and (search.flag is None or search.flag in one.told)
    ]
    return [one.id for one in sorted(wanted, key=lambda one: (one.timestamp, one.id), reverse=True)]


@given(
    stored=st.lists(flagged(), max_size=25, unique_by=lambda one: (one.transaction.bank, one.transaction.id)),
    searches=st.lists(SEARCHES, min_size=1, max_size=4),
    reads=st.integers(1, READS),
)
def test_any_search_shows_each_match_once_newest_first(
    dynamodb: Any, stored: list[Flagged], searches: list[Search], reads: int
) -> None:
    for name in dynamodb.list_tables()["TableNames"]:  # of the example before
        dynamodb.delete_table(TableName=name)
    create_tables(dynamodb)
    for one in stored:
        store(dynamodb, one.transaction)
        if one.told or one.shadow:
            flag(dynamodb, one.transaction, *one.told, *one.shadow, shadow=tuple(one.shadow))
    for search in searches:
        found = pages(searching(dynamodb, reads), search)
        assert ids(found) == plainly(stored, search)
        assert all(len(page.transactions) == search.limit or page.searched_to for page in found[:-1])


def test_a_search_by_each_of_its_fields(each_dynamodb: Any) -> None:
    told = [
        dataclasses.replace(ONE, id="plain", account="A2"),
        dataclasses.replace(ONE, id="older", timestamp=NOW - timedelta(hours=1)),
        dataclasses.replace(ONE, id="declined", status="declined", timestamp=NOW - timedelta(hours=2)),
        dataclasses.replace(ONE, id="debit", type="debit", timestamp=NOW - timedelta(hours=3)),
        dataclasses.replace(ONE, id="dollars", currency="USD", timestamp=NOW - timedelta(hours=4)),
        dataclasses.replace(ONE, id="large", amount=Decimal("9000.01"), timestamp=NOW - timedelta(hours=5)),
        dataclasses.replace(ONE, id="other", bank="other-bank"),
    ]
    store(each_dynamodb, *told)
    flag(each_dynamodb, told[5], "large_amount", "velocity", shadow=("velocity",))
    flag(each_dynamodb, told[6], "large_amount")

    def found(**fields: Any) -> list[str]:
        return ids(pages(searching(each_dynamodb), Search(**fields)))

    assert found() == ["plain", "older", "declined", "debit", "dollars", "large"]
    assert found(accounts=("A2", "A9")) == ["plain"]
    assert found(accounts=()) == []
    assert found(status="declined") == ["declined"]
    assert found(type="debit") == ["debit"]
    assert found(currency="USD") == ["dollars"]
    assert found(min_amount=Decimal("250.01")) == ["large"]
    assert found(max_amount=Decimal(250), status="settled", type="credit", currency="EUR") == ["plain", "older"]
    assert found(start=NOW - timedelta(hours=2), end=NOW - timedelta(hours=1)) == ["older", "declined"]
    assert found(flag="large_amount") == ["large"]
    assert found(flag="velocity") == [], "a shadow rule's is counted, not shown"
    assert found(flag="large_amount", accounts=("A1",), min_amount=Decimal(1)) == ["large"]
    assert found(flag="large_amount", accounts=("A2",)) == []
    assert found(flag="large_amount", type="debit") == []


def test_what_is_rare_ends_a_page_after_a_few_reads_and_says_how_far_it_got(dynamodb: Any, table_names: Any) -> None:
    many = [dataclasses.replace(ONE, id=f"t{n:04}", timestamp=NOW - timedelta(seconds=n)) for n in range(400)]
    store(dynamodb, *many, dataclasses.replace(ONE, id="rare", status="declined", timestamp=NOW - timedelta(days=1)))
    calls, units = Counter[str](), Counter[str]()
    # Two reads of each shard at least; the page is for one, so the second read is of twelve rows.
    repository = searching(Metered(dynamodb, calls, units), reads=1)
    first = repository.find("eazycard", Search(status="declined", limit=1))
    assert calls == {"query": 8}
    assert (first.transactions, first.searched_to) == ([], datetime.fromisoformat(str(first.next_position)[:27]))
    found = pages(repository, Search(status="declined", limit=1))
    assert ids(found) == ["rare"]
    assert len(found) > 4
    assert ids([searching(dynamodb).find("eazycard", Search(status="declined", limit=1))]) == ["rare"]


def test_a_page_of_what_is_common_reads_each_shard_once_and_no_more_rows_than_it_may_need(
    dynamodb: Any, table_names: Any
) -> None:
    store(dynamodb, *(dataclasses.replace(ONE, id=f"t{n}", timestamp=NOW - timedelta(seconds=n)) for n in range(300)))
    calls, units = Counter[str](), Counter[str]()
    found = searching(Metered(dynamodb, calls, units)).find("eazycard", Search(limit=50))
    assert [one.id for one in found.transactions] == [f"t{n}" for n in range(50)]
    assert calls == {"query": SHARDS, "batch_get_item": 1}
    assert units["read"] <= 50 + SHARDS * 4


def test_a_search_by_flag_reads_no_transaction_without_it(dynamodb: Any, table_names: Any) -> None:
    many = [dataclasses.replace(ONE, id=f"t{n}", timestamp=NOW - timedelta(seconds=n)) for n in range(200)]
    store(dynamodb, *many)
    for one in many[::50]:
        flag(dynamodb, one, "velocity")
    calls, units = Counter[str](), Counter[str]()
    found = searching(Metered(dynamodb, calls, units)).find("eazycard", Search(flag="velocity"))
    assert [one.id for one in found.transactions] == ["t0", "t50", "t100", "t150"]
    assert units["read"] <= 4 + SHARDS  # the transactions themselves


def test_rows_of_shards_that_were_added_later_are_found_too(dynamodb: Any, table_names: Any) -> None:
    many = [dataclasses.replace(ONE, id=f"t{n}", timestamp=NOW - timedelta(seconds=n)) for n in range(40)]
    store(dynamodb, *many[20:])
    store(dynamodb, *many[:20], shards=8)
    assert ids(pages(searching(dynamodb, shards=8), Search(limit=7))) == [one.id for one in many]


def test_an_unreadable_transaction_hides_no_other(dynamodb: Any, table_names: Any) -> None:
    broken = transaction_item(dataclasses.replace(ONE, id="broken")) | to_item({"merchant": "a text"})
    dynamodb.put_item(TableName="TransactionsTable", Item=broken)
    store(dynamodb, ONE)
    assert ids(pages(searching(dynamodb), Search(limit=1))) == ["1"]


def test_more_accounts_than_can_be_looked_in_are_refused(dynamodb: Any, table_names: Any) -> None:
    with pytest.raises(ValueError, match="too many accounts"):
        searching(dynamodb).find("eazycard", Search(accounts=tuple(f"A{n}" for n in range(MOST_ACCOUNTS + 1))))


def test_a_bank_has_partitions_of_its_own_as_many_as_all_banks_have_in_the_other_index() -> None:
    made = [transaction_item(dataclasses.replace(ONE, id=str(n))) for n in range(1_000)]
    assert {item["bank_shard"]["S"] for item in made} == {bank_shard("eazycard", shard) for shard in shards_of(SHARDS)}
    assert all(item["bank_shard"]["S"].endswith(item["recorded_shard"]["S"]) for item in made)
    assert flags_shard("eazycard", "00") not in {item["bank_shard"]["S"] for item in made}
