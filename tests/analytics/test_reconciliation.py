"""Reconciliation: a day counted anew from the index, every difference named, and repaired when told to."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.reconciliation import Difference, Findings, differences
from chalicelib.analytics.recount import RECORDED_BEFORE
from chalicelib.analytics.rollups import Day, Largest, Sums
from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import MAX_AHEAD, Transaction
from tests.analytics_world import (
    BANKS,
    DAY,
    NOW,
    TODAY,
    Counting,
    Died,
    DyingAt,
    LateIndex,
    SeenByHalves,
    expected,
    flag,
    folded,
    item,
    made,
    of_day,
    read,
    reconciliation,
    roll_ups_of,
    run,
    spoil,
    store,
)
from tests.fakes import Interrupted

LARGEST = Largest(Decimal("2.50"), "t1", "A1", "debit", "2026-01-10T14:00:00Z")


def some(count: int = 40) -> list[Transaction]:
    return [made(number) for number in range(count)]


def own(
    transactions: list[Transaction],
    day: str = "2026-01-10",
    flagged: Iterable[tuple[Transaction, Iterable[str]]] = (),
) -> dict[Day, Sums]:
    return {found: sums for found, sums in expected(transactions, flagged).items() if found.date == day}


def delete(client: Any, day: Day) -> None:
    key = {name: item(client, day)[name] for name in ("owner", "entry")}
    client.delete_item(TableName="AnalyticsTable", Key=key)


def later_step(client: Any) -> list[Transaction]:
    """Let the job make a step of another day, so that this day's roll-ups are no more what the last one changed."""
    late = [made(0, id="later", status="settled", timestamp=NOW - timedelta(days=90), recorded_at=NOW)]
    store(client, late)
    run(client, NOW + timedelta(minutes=2))
    return late


@pytest.mark.parametrize(
    ("field", "stored", "told"),
    [
        ("credit_count", 0, ("0", "1")),
        ("credit", Decimal(0), ("0.00", "0.10")),
        ("debit_count", 3, ("3", "1")),
        ("debit", Decimal("1E+3"), ("1000.00", "2.50")),
        ("largest", None, ("-", "t1 A1 debit 2.50 2026-01-10T14:00:00Z")),
        ("largest", dataclasses.replace(LARGEST, account="A2"), ("t1 A2 debit 2.50 2026-01-10T14:00:00Z", "t1 A1 …")),
    ],
)
def test_a_difference_is_named_by_its_field(field: str, stored: Any, told: tuple[str, str]) -> None:
    recomputed = Sums(1, Decimal("0.10"), 1, Decimal("2.50"), LARGEST)
    (found,) = differences({TODAY: dataclasses.replace(recomputed, **{field: stored})}, {TODAY: recomputed})
    assert (found.day, found.field, found.stored) == (TODAY, field, told[0])
    assert found.recomputed.startswith(told[1].removesuffix("…"))


def test_each_flag_that_differs_is_named() -> None:
    stored = {TODAY: Sums(flags={"velocity": 2, "new_country": 1, "large_amount": 1})}
    recomputed = {TODAY: Sums(flags={"velocity": 3, "new_country": 1, "unusual_amount": 1})}
    assert differences(stored, recomputed) == [
        Difference(TODAY, "flags.large_amount", "1", "0"),
        Difference(TODAY, "flags.unusual_amount", "0", "1"),
        Difference(TODAY, "flags.velocity", "2", "3"),
    ]


def test_an_amount_differs_by_its_value_and_not_by_how_it_is_written() -> None:
    assert differences({TODAY: Sums(1, Decimal("2.50"))}, {TODAY: Sums(1, Decimal("2.5"))}) == []
    (found,) = differences({TODAY: Sums(1, Decimal("2.500000001"))}, {TODAY: Sums(1, Decimal("2.5"))})
    assert (found.stored, found.recomputed) == ("2.500000001", "2.50")
    unknown = dataclasses.replace(TODAY, currency="ZZZ")
    assert differences({unknown: Sums(0, Decimal("2.5"))}, {}) == [Difference(unknown, "credit", "2.5", "0")]


def test_a_day_that_one_side_lacks_differs_from_nothing_and_an_empty_one_does_not() -> None:
    other = dataclasses.replace(TODAY, currency="USD")
    found = differences({TODAY: Sums(1, Decimal(2)), other: Sums()}, {other: Sums(0, Decimal(0), 1, Decimal(3))})
    assert found == [
        Difference(TODAY, "credit", "2.00", "0.00"),
        Difference(TODAY, "credit_count", "1", "0"),
        Difference(other, "debit", "0.00", "3.00"),
        Difference(other, "debit_count", "0", "1"),
    ]
    assert differences({TODAY: Sums()}, {}) == []


def test_right_roll_ups_differ_in_nothing(each_dynamodb: Any) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    assert of_day(each_dynamodb) == Findings(len(own(transactions)), [])
    assert len(own(transactions)) == 4
    assert of_day(each_dynamodb, "eazycard") == Findings(2, [])
    assert of_day(each_dynamodb, day=date(2020, 1, 1)) == Findings(0, [])


def test_before_the_job_has_ever_run_there_is_nothing_to_compare(each_dynamodb: Any) -> None:
    store(each_dynamodb, some())
    assert of_day(each_dynamodb, banks=BANKS) == Findings(0, [])


def test_what_the_job_has_not_come_to_yet_is_no_difference(each_dynamodb: Any) -> None:
    store(each_dynamodb, some())
    run(each_dynamodb)
    store(each_dynamodb, [made(number, recorded_at=NOW) for number in range(40, 60)])
    assert of_day(each_dynamodb).differences == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"credit": {"N": "1"}}, ["credit"]),
        ({"debit_count": {"N": "0"}, "credit_count": {"N": "0"}}, None),
        ({"largest": {"M": {}}}, ["largest"]),
    ],
)
def test_a_changed_roll_up_is_named_changed_nowhere_and_put_right_when_told_to(
    each_dynamodb: Any, changes: dict[str, Any], fields: list[str] | None
) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    transactions += later_step(each_dynamodb)
    spoil(each_dynamodb, **changes)
    spoilt = item(each_dynamodb)

    for bank in (None, "eazycard"):
        found = of_day(each_dynamodb, bank).differences
        assert {one.day for one in found} == {TODAY}
        assert fields is None or [one.field for one in found] == fields
        assert item(each_dynamodb) == spoilt
    assert of_day(each_dynamodb, "other-bank").differences == []
    assert of_day(each_dynamodb, day=date(2026, 1, 9)).differences == []

    assert {one.day for one in of_day(each_dynamodb, repair=True).differences} == {TODAY}
    assert of_day(each_dynamodb).differences == []
    assert folded(each_dynamodb) == expected(transactions)


def test_flags_are_counted_anew_and_put_right_when_told_to(each_dynamodb: Any) -> None:
    transactions = some()
    only_flagged = made(0, id="declined", status="declined", currency="XAF", timestamp=NOW)
    flagged = [(one, FLAGS[:2]) for one in transactions[::3]] + [(only_flagged, FLAGS[1:])]
    store(each_dynamodb, [*transactions, only_flagged])
    flag(each_dynamodb, *flagged)
    run(each_dynamodb)
    later_step(each_dynamodb)
    flag_less = Day("eazycard", "2026-01-10", "XAF")
    assert of_day(each_dynamodb) == Findings(len(own(transactions)) + 1, [])
    right = own(transactions, flagged=flagged)

    spoil(each_dynamodb, flags={"M": {"velocity": {"N": "7"}, "no_such_flag": {"N": "1"}}})
    delete(each_dynamodb, flag_less)
    found = of_day(each_dynamodb).differences
    assert {one.field for one in found if one.day == flag_less} == {f"flags.{name}" for name in FLAGS[1:]}
    assert {one.field: one.stored for one in found if one.day == TODAY} == {
        "flags.large_amount": "0",
        "flags.no_such_flag": "1",
        "flags.velocity": "7",
    }
    assert of_day(each_dynamodb, repair=True).differences == found
    assert of_day(each_dynamodb).differences == []
    assert right.items() <= folded(each_dynamodb).items()


@pytest.mark.parametrize("is_last_step", [True, False])
def test_a_roll_up_that_was_deleted_or_can_t_be_read_is_found_and_repaired(
    each_dynamodb: Any, is_last_step: bool
) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    if not is_last_step:
        transactions += later_step(each_dynamodb)
    days = sorted(own(transactions))
    delete(each_dynamodb, days[0])
    spoil(each_dynamodb, days[1], debit={"S": "twelve"})
    spoil(each_dynamodb, days[2], version={"N": "999"})
    waits: list[float] = []
    found = reconciliation(each_dynamodb, waits.append).of_day(DAY).differences
    assert {one.day for one in found} == set(days[:3])
    assert {one.day for one in found if one.field == "version"} >= set(days[1:3])
    assert 1 < sum(waits) < 10  # a step on its way would have come
    repaired = of_day(each_dynamodb, repair=True)
    assert (repaired.differences, repaired.broken_elsewhere) == (found, [])
    assert folded(each_dynamodb) == read(each_dynamodb) == expected(transactions)


def test_a_repair_names_what_else_is_broken_and_leaves_it(each_dynamodb: Any) -> None:
    transactions = [one for one in some() if one.timestamp.date() in (DAY, date(2026, 1, 9))]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    at = roll_ups_of(each_dynamodb).checkpoint()
    yesterday = next(day for day in sorted(at.changed) if day.date == "2026-01-09")
    delete(each_dynamodb, yesterday)
    spoil(each_dynamodb, next(day for day in sorted(at.changed) if day.date == "2026-01-10"), credit={"N": "1"})
    repaired = of_day(each_dynamodb, repair=True)
    assert len(repaired.differences) == 1
    assert repaired.broken_elsewhere == [yesterday]
    assert item(each_dynamodb, yesterday) == {}
    assert of_day(each_dynamodb, day=date(2026, 1, 9), repair=True).broken_elsewhere == []
    assert folded(each_dynamodb) == expected(transactions)


def test_a_repair_waits_for_a_step_of_another_day_that_is_half_done(each_dynamodb: Any) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    transactions += later_step(each_dynamodb)
    (other,) = roll_ups_of(each_dynamodb).checkpoint().changed
    on_its_way = item(each_dynamodb, other)
    delete(each_dynamodb, other)
    spoil(each_dynamodb, credit={"N": "1"})
    waits: list[float] = []

    def wait(wait_s: float) -> None:
        waits.append(wait_s)
        if len(waits) == 3:
            each_dynamodb.put_item(TableName="AnalyticsTable", Item=on_its_way)

    repaired = reconciliation(each_dynamodb, wait).of_day(DAY, repair=True)
    assert len(waits) == 3
    assert [one.field for one in repaired.differences] == ["credit"]
    assert repaired.broken_elsewhere == []
    assert folded(each_dynamodb) == expected(transactions)


def test_a_roll_up_without_transactions_is_found_where_the_bank_is_named_and_emptied(each_dynamodb: Any) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    nothing_there = date(2020, 2, 29)
    phantom = {**item(each_dynamodb), "entry": {"S": "day#2020-02-29#EUR"}}
    each_dynamodb.put_item(TableName="AnalyticsTable", Item=phantom)
    assert of_day(each_dynamodb, day=nothing_there).differences == []  # no transaction tells of the bank
    for options in ({"bank": "eazycard"}, {"banks": BANKS}):
        found = of_day(each_dynamodb, day=nothing_there, **options).differences
        assert {one.recomputed for one in found} == {"0", "0.00", "-"}
    of_day(each_dynamodb, day=nothing_there, banks=BANKS, repair=True)
    assert folded(each_dynamodb) == read(each_dynamodb) == expected(transactions)


def test_what_reached_the_index_too_late_for_the_job_is_found_and_added(each_dynamodb: Any) -> None:
    transactions = some()
    late = [one for one in transactions if one.status == "settled" and one.timestamp.date() == DAY][-3]
    store(each_dynamodb, transactions)
    missing = {f"{late.bank}#{late.id}"}
    run(LateIndex(each_dynamodb, missing))
    assert folded(each_dynamodb) == expected(one for one in transactions if one != late)
    run(each_dynamodb)
    found = of_day(each_dynamodb).differences
    assert {(one.day.bank, one.day.currency) for one in found} == {(late.bank, late.currency)}
    of_day(each_dynamodb, repair=True)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_transaction_that_was_recorded_before_its_day_and_one_long_after_it_are_counted(each_dynamodb: Any) -> None:
    midnight = datetime(2026, 1, 10, tzinfo=UTC)
    first = made(0, id="first", status="settled", timestamp=midnight, recorded_at=midnight - MAX_AHEAD)
    skewed = dataclasses.replace(first, id="skewed", recorded_at=midnight - RECORDED_BEFORE)
    late = dataclasses.replace(first, id="late", recorded_at=midnight + timedelta(days=30))
    store(each_dynamodb, [first, skewed, late])
    run(each_dynamodb, midnight + timedelta(days=31))
    assert of_day(each_dynamodb) == Findings(1, [])
    spoil(each_dynamodb, credit_count={"N": "0"}, debit_count={"N": "0"})
    of_day(each_dynamodb, repair=True)
    assert folded(each_dynamodb) == expected([first, skewed, late])


@pytest.mark.each_moment
@pytest.mark.parametrize("call", range(12))
def test_a_job_that_makes_steps_meanwhile_leaves_nothing_to_differ(each_dynamodb: Any, call: int) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    new = [made(number, recorded_at=NOW) for number in range(40, 60)]
    store(each_dynamodb, new)
    job = Interrupted(each_dynamodb, lambda: run(each_dynamodb, NOW + timedelta(minutes=2)), at=call)
    assert of_day(job).differences == []


@pytest.mark.each_moment
@pytest.mark.parametrize("call", range(14))
def test_a_repair_and_a_job_at_once_come_out_exact(each_dynamodb: Any, call: int) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    transactions += later_step(each_dynamodb)
    spoil(each_dynamodb, credit={"N": "1"})
    new = [made(number, recorded_at=NOW + timedelta(seconds=1)) for number in range(40, 60)]
    store(each_dynamodb, new)
    job = Interrupted(each_dynamodb, lambda: run(each_dynamodb, NOW + timedelta(minutes=3)), at=call)
    assert {one.day for one in of_day(job, repair=True).differences} == {TODAY}
    run(each_dynamodb, NOW + timedelta(minutes=3))
    assert folded(each_dynamodb) == expected(transactions + new)


@pytest.mark.each_moment
@pytest.mark.parametrize("answer_lost", [False, True])
def test_a_repair_that_dies_at_any_call_is_made_good_by_the_next_one(each_dynamodb: Any, answer_lost: bool) -> None:
    # Twelve roll-ups: more than one DynamoDB transaction of this test takes.
    currencies = ["EUR", "USD", "XAF", "XOF", "JPY", "KWD"]
    transactions = [
        made(0, id=f"{bank}-{currency}", bank=bank, currency=currency, amount=Decimal(7), status="settled")
        for bank in BANKS
        for currency in currencies
    ]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    later_step(each_dynamodb)
    deaths = 0
    for call in range(100):
        for day in own(transactions):
            spoil(each_dynamodb, day, credit={"N": "1"})
        try:
            of_day(DyingAt(each_dynamodb, call, answer_lost=answer_lost), repair=True)
        except Died:
            deaths += 1
            of_day(each_dynamodb, repair=True)
            assert own(transactions).items() <= folded(each_dynamodb).items()
        else:
            break
    # The checkpoint, a page of each shard, both banks' roll-ups, what the last step changed, and two parts.
    assert deaths == 1 + 4 + 2 + 1 + 2
    assert own(transactions).items() <= folded(each_dynamodb).items()


def test_a_repair_that_is_only_half_to_be_seen_is_read_by_nobody(each_dynamodb: Any) -> None:
    transactions = some()
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    transactions += later_step(each_dynamodb)
    for day in own(transactions):
        spoil(each_dynamodb, day, credit={"N": "1"})
    refused: list[bool] = []

    def look() -> None:
        with pytest.raises(TemporarilyUnavailable):
            read(each_dynamodb)
        refused.append(True)

    of_day(SeenByHalves(each_dynamodb, look), repair=True)
    assert len(refused) == len(own(transactions))
    assert read(each_dynamodb) == expected(transactions)


def test_a_job_that_never_rests_makes_it_give_up(each_dynamodb: Any) -> None:
    store(each_dynamodb, some())
    run(each_dynamodb)
    roll_ups = roll_ups_of(each_dynamodb)

    class NeverResting:
        """A client through which the job makes a step of this day before each query of the roll-ups."""

        def __getattr__(self, name: str) -> Any:
            return getattr(each_dynamodb, name)

        def query(self, **arguments: Any) -> Any:
            if "IndexName" not in arguments:
                at = roll_ups.checkpoint()
                roll_ups.commit(at, at.positions, roll_ups.read([TODAY], at))
            return each_dynamodb.query(**arguments)

    with pytest.raises(TemporarilyUnavailable):
        of_day(NeverResting())


def test_it_reads_a_page_at_a_time_and_only_the_day_s_rows_and_tells_how_far_it_is(each_dynamodb: Any) -> None:
    transactions = some(60)
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    shares: list[float] = []
    counting = Counting(each_dynamodb, page=4)
    of_day(counting, progress=shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(shares) > 60 / 4
    of_today = [one for one in transactions if one.timestamp.date() == DAY]
    assert counting.items <= len(of_today) + len(own(transactions))


def test_no_scan_and_no_write_is_made_unless_it_is_to_repair(each_dynamodb: Any) -> None:
    store(each_dynamodb, some())
    run(each_dynamodb)
    later_step(each_dynamodb)
    spoil(each_dynamodb, credit={"N": "1"})
    counting = Counting(each_dynamodb)
    of_day(counting)
    assert set(counting.calls) == {"get_item", "query"}
    of_day(counting, repair=True)
    assert counting.calls["transact_write_items"] == 1
    assert "scan" not in counting.calls


@pytest.fixture
def spoilt_yesterday(each_dynamodb: Any) -> Iterator[Any]:
    """Tables in which a roll-up of yesterday differs, by more than one field."""
    store(each_dynamodb, some())
    run(each_dynamodb)
    later_step(each_dynamodb)
    spoil(each_dynamodb, credit={"N": "987654"}, credit_count={"N": "555555555"})
    return each_dynamodb


def test_at_night_the_day_before_is_compared_told_without_amounts_and_counted(
    spoilt_yesterday: Any, logged: Callable[[], str]
) -> None:
    before = item(spoilt_yesterday)
    found = reconciliation(spoilt_yesterday).of_day_before(datetime(2026, 1, 11, 3, 17, tzinfo=UTC))
    assert [one.field for one in found.differences] == ["credit", "credit_count"]
    assert item(spoilt_yesterday) == before
    told = logged()
    assert '"roll_up_differs"' in told
    assert all(f'"{word}"' in told for word in ("eazycard", "2026-01-10", "EUR", "credit", "credit_count"))
    assert '"ReconciliationDifferences":[2.0]' in told
    assert "987654" not in told
    assert "555555555" not in told


def test_a_night_without_differences_ends_the_alarm(each_dynamodb: Any, logged: Callable[[], str]) -> None:
    store(each_dynamodb, some())
    run(each_dynamodb)
    reconciliation(each_dynamodb).of_day_before(datetime(2026, 1, 11, 0, 0, tzinfo=UTC))
    told = logged()
    assert '"date":"2026-01-10","compared":4,"differences":0' in told
    assert '"ReconciliationDifferences":[0.0]' in told


def test_the_first_checkpoint_of_all_can_be_repaired_from(each_dynamodb: Any) -> None:
    # Only by other hands: roll-ups without a checkpoint.
    at = roll_ups_of(each_dynamodb).commit(Checkpoint(), {}, {TODAY: Sums(1, Decimal(1))})
    assert at.version == 1
    assert {one.day for one in of_day(each_dynamodb, "eazycard", repair=True).differences} == {TODAY}
    assert folded(each_dynamodb) == {}


def test_a_malformed_row_counts_as_little_as_with_the_job(each_dynamodb: Any) -> None:
    store(each_dynamodb, some())
    malformed = {**transaction_item(made(100, status="settled", timestamp=NOW)), "amount": {"S": "twelve"}}
    each_dynamodb.put_item(TableName="TransactionsTable", Item=malformed)
    run(each_dynamodb)
    assert of_day(each_dynamodb).differences == []
