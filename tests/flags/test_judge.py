"""Judging a batch: which transactions are judged, what is read for them, and what is counted."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Failing, Refusing, refusal
from tests.metrics import counted
from tests.samples import TRANSACTION, transaction
from tests.stream_world import LARGE, NOW, Stream, records


class Reads:
    """A client that notes the keys and the accounts that are read."""

    def __init__(self, stream: Stream) -> None:
        self._client = stream.dynamodb
        self._names = stream.names
        self.flags: list[str] = []  # of which transactions
        self.baselines: list[str] = []
        self.accounts: list[str] = []  # of which the newest transactions are looked up

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        for table, request in RequestItems.items():
            if table == self._names["TransactionsTable"]:
                self.flags += [key["transaction_key"]["S"] for key in request["Keys"]]
            elif table == self._names["AnalyticsTable"]:
                self.baselines += [key["owner"]["S"] for key in request["Keys"]]
        return self._client.batch_get_item(RequestItems=RequestItems)

    def query(self, **arguments: Any) -> Any:
        if arguments["TableName"] == self._names["TransactionsTable"]:
            values = arguments["ExpressionAttributeValues"].values()
            self.accounts += [value["S"] for value in values if value.get("S", "").startswith("eazycard#")]
        return self._client.query(**arguments)


@pytest.fixture
def stream(dynamodb: Any, table_names: dict[str, str]) -> Stream:
    return Stream(dynamodb, table_names)


def read_for(stream: Stream, *batch: Transaction) -> Reads:
    reads = Reads(stream)
    stream.handle(records(*batch), dynamodb=reads)
    return reads


def test_earlier_flags_are_read_of_what_may_be_flagged_and_is_not_flagged_now(stream: Stream) -> None:
    silent = transaction(id="silent", amount=LARGE, notify=False)
    declined = transaction(id="declined", status="declined")
    reads = read_for(stream, transaction(id="large", amount=LARGE), transaction(id="usual"), silent, declined)
    assert [key for key in reads.flags if "usual" in key] == reads.flags
    assert len(reads.flags) == 1


def test_settlements_are_looked_for_of_authorizations_that_are_flagged_and_of_no_other(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[str] = []
    of = PurchaseRepository.of

    def noting(repository: PurchaseRepository, named: Any, *, is_consistent: bool = True) -> Any:
        if not is_consistent:
            looked_for.extend(key.id for key in named)
        return of(repository, named, is_consistent=is_consistent)

    monkeypatch.setattr(PurchaseRepository, "of", noting)
    usual = transaction(id="usual", status="authorized")
    stream.handle(records(usual, transaction(id="large", status="authorized", amount=LARGE)))
    assert looked_for == ["large"]


def test_a_flag_is_counted_once_by_its_name(stream: Stream, logged: Any) -> None:
    stream.handle(
        records(
            transaction(id="t1", amount=LARGE, account="a1"),
            transaction(id="t2", amount=LARGE, account="a2"),
            transaction(id="t3", account="a3"),
        )
    )
    text = logged()
    assert counted(text, "Flagged_large_amount") == 2
    assert {name for name in FLAGS if counted(text, f"Flagged_{name}")} == {"large_amount"}


def test_a_payment_is_judged_beside_a_declined_attempt_of_its_account(stream: Stream) -> None:
    stream.handle(records(transaction(id="declined", status="declined"), transaction(id="large", amount=LARGE)))
    assert list(stream.flags("large")) == ["large_amount"]


@pytest.mark.parametrize("changes", [{"status": "declined"}, {"status": "reversed"}, {"notify": False}], ids=str)
def test_nothing_is_read_for_accounts_of_which_nothing_is_judged(stream: Stream, changes: dict[str, Any]) -> None:
    reads = read_for(stream, transaction(id="t1", **changes), transaction(id="t2", account="a2", **changes))
    assert (reads.accounts, reads.baselines, reads.flags) == ([], [], [])
    reads = read_for(stream, transaction(id="t3", **changes), transaction(id="t4", account="a2"))
    assert len(reads.accounts) == len(reads.baselines) == len(reads.flags) == 1


def test_nothing_is_read_for_a_bank_that_has_all_rules_off(stream: Stream) -> None:
    stream.set(modes=dict.fromkeys(FLAGS, "off"))
    reads = read_for(stream, transaction(id="large", amount=LARGE))
    assert (reads.accounts, reads.baselines, reads.flags) == ([], [], [])
    assert stream.flags("large") == {}
    stream.set(modes={**dict.fromkeys(FLAGS, "off"), "velocity": "shadow"})
    stream.now += timedelta(minutes=5)
    assert len(read_for(stream, transaction(id="t2")).accounts) == 1


def test_what_the_job_has_lately_seen_of_an_account_counts_as_going_on_there(stream: Stream) -> None:
    history = Baseline()
    history.add(transaction(id="before", account="a11", timestamp=TRANSACTION.timestamp - timedelta(minutes=1)))
    baselines = BaselineRepository(stream.dynamodb, stream.names["AnalyticsTable"])
    baselines.put({"eazycard#a11": history, "eazycard#a10": Baseline()})
    batch = [transaction(id=f"t{n}", account=f"a{n:02}", recorded_at=NOW) for n in range(12)]
    reads = read_for(stream, *batch)
    # The busy account, and the first of those that are alike.
    assert sorted(reads.accounts) == [*(f"eazycard#a{n:02}" for n in range(9)), "eazycard#a11"]


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def remember(stream: Stream, *earlier: Transaction) -> None:
    """Let the job have seen these of the account."""
    history = Baseline()
    for one in earlier:
        history.add(one)
    BaselineRepository(stream.dynamodb, stream.names["AnalyticsTable"]).put({"eazycard#a1": history})


def posted(stream: Stream, times: list[timedelta], *, together: bool, **changes: Any) -> list[Transaction]:
    """Post payments of these times in this order, one by one or as one batch; return them."""
    payments = [
        transaction(
            **{
                "id": f"t{number}",
                "account": "a1",
                "merchant": {"name": f"Shop {number}"},
                "timestamp": TRANSACTION.timestamp + at,
                "recorded_at": NOW + timedelta(seconds=number),
                **changes,
            }
        )
        for number, at in enumerate(times)
    ]
    for batch in [payments] if together else [[one] for one in payments]:
        stream.store(*batch)
        stream.handle(records(*batch))
    return payments


@pytest.mark.parametrize("newest", [timedelta(0), 2 * HOUR], ids=["no newer", "a newer in the baseline"])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
@pytest.mark.parametrize("order", ["forwards", "backwards", "mixed"])
def test_in_whatever_order_too_many_attempts_come_those_after_the_limit_are_flagged(
    stream: Stream, order: str, together: bool, newest: timedelta
) -> None:
    if newest:
        remember(stream, transaction(id="newest", account="a1", timestamp=TRANSACTION.timestamp + newest))
    times = [minute * MINUTE for minute in range(7)]
    if order == "backwards":
        times.reverse()
    elif order == "mixed":
        Random(7).shuffle(times)
    payments = posted(stream, times, together=together)
    counts = [stream.flags(one.id).get("velocity", {}).get("count") for one in payments]
    assert counts == [None] * 5 + [6, 7]


@pytest.mark.parametrize("minutes", [4, 20])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
@pytest.mark.parametrize("second", [1, -1])
def test_of_two_alike_the_one_that_comes_later_is_suspect_however_old_both_are(
    stream: Stream, second: int, together: bool, minutes: int
) -> None:
    stream.set(duplicate_minutes=minutes)
    remember(
        stream, transaction(id="newest", account="a1", amount=Decimal(1), timestamp=TRANSACTION.timestamp + HOUR * 3)
    )
    times = [timedelta(0), second * minutes * MINUTE]
    payments = posted(stream, times, together=together, merchant={"name": "One shop"})
    assert [set(stream.flags(one.id)) for one in payments] == [set(), {"duplicate_suspect"}]


def test_what_the_newest_transactions_are_looked_up_for_is_shared_by_the_banks(stream: Stream) -> None:
    busy = [transaction(id=f"b{n}", account=f"a{n % 15:02}", bank="busy", recorded_at=NOW) for n in range(30)]
    quiet = [transaction(id=f"q{n}", account=f"q{n}", bank=f"quiet{n}", recorded_at=NOW) for n in range(14)]
    judge_of_busy = len({*accounts_looked_up(stream, *busy)})
    assert judge_of_busy == 10
    few = accounts_looked_up(stream, *busy, *quiet[:2])
    assert (len(few), {"quiet0#q0", "quiet1#q1"} <= set(few)) == (10, True)
    many = accounts_looked_up(stream, *busy, *quiet)
    assert len(many) == 15  # one of each bank
    assert {f"quiet{n}#q{n}" for n in range(14)} < set(many)


def accounts_looked_up(stream: Stream, *batch: Transaction) -> list[str]:
    found: list[str] = []

    class Queries:
        def __getattr__(self, name: str) -> Any:
            return getattr(stream.dynamodb, name)

        def query(self, **arguments: Any) -> Any:
            values = [value.get("S", "") for value in arguments["ExpressionAttributeValues"].values()]
            found.extend(value for value in values if "#" in value and value.partition("#")[0] in banks)
            return stream.dynamodb.query(**arguments)

    banks = {one.bank for one in batch}
    stream.handle(records(*batch), dynamodb=Queries())
    return found


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_an_account_that_is_read_too_much_is_judged_without_its_newest_and_holds_nobody_up(
    stream: Stream, logged: Any, code: str
) -> None:
    asked: list[str] = []

    class Hot:
        def __getattr__(self, name: str) -> Any:
            return getattr(stream.dynamodb, name)

        def query(self, **arguments: Any) -> Any:
            if "hot" in str(arguments["ExpressionAttributeValues"]):
                asked.append("hot")
                raise refusal(code)
            return stream.dynamodb.query(**arguments)

    hot, other = transaction(id="hot", account="hot", amount=LARGE), transaction(id="other", amount=LARGE)
    stream.handle(records(hot, other), dynamodb=Hot())
    assert list(stream.flags("hot")) == list(stream.flags("other")) == ["large_amount"]
    assert (counted(logged(), "NotLookedUp"), len(asked)) == (1, 6)
    # Each wait is random, up to a bound that doubles.
    bounds = [0.05, 0.1, 0.2, 0.4, 0.8]
    assert all(0 <= wait_s <= bound_s for wait_s, bound_s in zip(stream.judge_waits, bounds, strict=True))


def test_an_account_that_is_throttled_for_a_moment_is_looked_up_all_the_same(stream: Stream) -> None:
    before = [transaction(id=f"t{n}", recorded_at=NOW - timedelta(minutes=1)) for n in range(6)]
    stream.store(*before)
    throttled = Failing(stream.dynamodb, refusal("ThrottlingException"), operation="query")
    stream.handle(records(transaction(id="t6", recorded_at=NOW)), dynamodb=throttled)
    assert "velocity" in stream.flags("t6")


def test_where_the_newest_cannot_be_reached_the_batch_comes_again(stream: Stream) -> None:
    unreachable = Refusing(stream.dynamodb, refusal("InternalServerError"), "query")
    with pytest.raises(TemporarilyUnavailable):
        stream.handle(records(transaction(id="t1")), dynamodb=unreachable)
