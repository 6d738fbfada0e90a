"""The analytics job and its readers: each settled transaction counts once, whatever is late, repeated, at once or cut
short, and every answer is whole, whatever the job does meanwhile."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.repository import (
    MAX_ROLL_UPS_A_STEP,
    SAFETY_MARGIN,
    RollUpBroken,
    RollUpsMoved,
)
from chalicelib.analytics.rollups import Day, Sums
from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, shards_of, transaction_item
from chalicelib.ledger.transaction import Transaction
from tests.analytics_world import (
    BANKS,
    DAY,
    MAX_DAYS,
    NOW,
    PLENTY_S,
    Counting,
    Died,
    DyingAt,
    LateIndex,
    SeenByHalves,
    assert_baselines,
    expected,
    flag,
    folded,
    job,
    made,
    of_one_shard,
    read,
    reader,
    reconciliation,
    roll_ups_of,
    run,
    store,
)
from tests.fakes import Failing, Interrupted, refusal
from tests.metrics import counted, lines, lines_saying
from tests.recorded_rows import RecordedRows
from tests.rows import row


class Cancelling:
    """A client whose transactions DynamoDB cancels for a reason."""

    def __init__(self, client: Any, reason: str) -> None:
        self._client = client
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **_: Any) -> Any:
        error = refusal("TransactionCanceledException")
        error.response["CancellationReasons"] = [{"Code": "None"}, {"Code": self._reason}]
        raise error


def test_the_job_gives_exact_sums_and_running_it_again_changes_nothing(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    assert run(each_dynamodb) == 3  # each of nine days at most
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)
    assert run(each_dynamodb) == 0
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)


def test_baselines_are_the_same_in_however_small_steps_they_are_kept(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    steps = job(Counting(each_dynamodb, page=5), max_accounts=2).run(lambda: PLENTY_S)
    assert steps > 10
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)


def test_flags_are_read_from_the_tail_and_from_roll_ups_alike(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(30)]
    # The second half are of days on which nothing was settled.
    flagged = [(one, FLAGS[: 1 + number % 5]) for number, one in enumerate(transactions[:10])]
    flagged += [
        (made(number, id=f"f{number}", status="authorized", timestamp=NOW - timedelta(days=30 + number)), FLAGS[-2:])
        for number in range(5)
    ]
    transactions += [one for one, _ in flagged[10:]]
    store(each_dynamodb, transactions)
    flag(each_dynamodb, *flagged[::2])
    run(each_dynamodb)
    flag(each_dynamodb, *flagged[1::2], at=NOW)  # judged late
    flag(each_dynamodb, *flagged[:3], at=NOW)  # judged again, which changes nothing
    assert read(each_dynamodb) == expected(transactions, flagged)
    assert folded(each_dynamodb) == expected(transactions, flagged[::2])
    run(each_dynamodb, NOW + timedelta(minutes=2))
    assert folded(each_dynamodb) == read(each_dynamodb) == expected(transactions, flagged)
    assert_baselines(each_dynamodb, transactions)


def test_what_is_new_is_added_to_what_is_old(each_dynamodb: Any) -> None:
    old = [made(number) for number in range(30)]
    store(each_dynamodb, old)
    run(each_dynamodb)
    new = [made(number, recorded_at=NOW + timedelta(microseconds=number)) for number in range(30, 60)]
    store(each_dynamodb, new)
    run(each_dynamodb, NOW + timedelta(minutes=2))
    assert folded(each_dynamodb) == expected(old + new)


def test_a_late_transaction_counts_in_the_day_of_its_own_time(each_dynamodb: Any) -> None:
    today = made(0, id="today", timestamp=NOW, status="settled")
    store(each_dynamodb, [today])
    run(each_dynamodb)
    late = dataclasses.replace(today, id="late", timestamp=NOW - timedelta(days=400), recorded_at=NOW)
    store(each_dynamodb, [late])
    run(each_dynamodb, NOW + timedelta(minutes=2))
    assert folded(each_dynamodb) == expected([today, late])
    assert Day("eazycard", "2024-12-06", "EUR") in folded(each_dynamodb)


def test_nothing_inside_of_the_safety_margin_is_folded_and_all_of_it_later(each_dynamodb: Any) -> None:
    edge = NOW - SAFETY_MARGIN
    inside = [made(2 * n, id=f"in{n}", recorded_at=edge + timedelta(microseconds=n)) for n in (0, 1, 30_000_000)]
    outside = [made(2 * n, id=f"out{n}", recorded_at=edge - timedelta(microseconds=n + 1)) for n in (0, 1)]
    store(each_dynamodb, inside + outside)
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(outside)
    assert read(each_dynamodb) == expected(inside + outside)
    run(each_dynamodb, NOW + SAFETY_MARGIN)
    assert folded(each_dynamodb) == expected(inside + outside)


def test_an_entry_that_reaches_the_index_within_the_margin_counts_although_later_ones_came_first(
    each_dynamodb: Any,
) -> None:
    missing = {"eazycard#late"}
    late = made(0, id="late", status="settled", recorded_at=NOW)
    in_time = [made(number, recorded_at=NOW + timedelta(seconds=number)) for number in range(40)]
    store(each_dynamodb, [late, *in_time])
    index = LateIndex(each_dynamodb, missing)
    for seconds in (1, 30, 59):
        run(index, NOW + timedelta(seconds=seconds))
        assert read(index) == expected(in_time)
    missing.clear()
    for seconds in (59, 61, 120):
        run(index, NOW + timedelta(seconds=seconds))
        assert read(index) == expected([late, *in_time])


def test_transactions_of_the_same_moment_in_a_shard_all_count(each_dynamodb: Any) -> None:
    transactions = [made(number, recorded_at=NOW - timedelta(minutes=5)) for number in range(60)]
    store(each_dynamodb, transactions)
    run(Counting(each_dynamodb, page=3))
    assert folded(each_dynamodb) == expected(transactions)


def test_a_run_whose_clock_is_behind_another_runs_changes_nothing(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    assert run(each_dynamodb, NOW - timedelta(hours=1)) == 0
    assert folded(each_dynamodb) == expected(transactions)


def test_two_jobs_at_once_count_everything_once(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    with ThreadPoolExecutor(4) as pool:
        steps = list(pool.map(lambda _: run(each_dynamodb), range(4)))
    run(each_dynamodb)
    assert 1 <= sum(steps) <= 4
    assert folded(each_dynamodb) == expected(transactions)


@pytest.mark.each_moment
@pytest.mark.parametrize("call", range(12))
def test_a_job_that_another_one_overtakes_at_any_call_makes_no_step_twice(each_dynamodb: Any, call: int) -> None:
    transactions = [made(number) for number in range(60)]
    store(each_dynamodb, transactions)
    run(Interrupted(each_dynamodb, lambda: run(each_dynamodb), at=call))
    assert folded(each_dynamodb) == expected(transactions)
    assert run(each_dynamodb) == 0


def test_a_step_that_is_only_half_to_be_seen_is_not_built_upon(each_dynamodb: Any) -> None:
    # The checkpoint says that it was made, the roll-ups are still the old ones: adding to those would lose it.
    old, new = [made(number) for number in range(8)], [made(number, recorded_at=NOW) for number in range(8, 16)]
    store(each_dynamodb, old + new)
    later = NOW + timedelta(minutes=2)
    refused: list[Day] = []

    def run_another() -> None:
        with pytest.raises(RollUpBroken) as broken:
            run(each_dynamodb, later)
        refused.append(broken.value.day)

    run(SeenByHalves(each_dynamodb, run_another))
    assert set(refused) <= set(expected(old))
    assert len(refused) >= 4
    assert run(each_dynamodb, later) == 1
    assert folded(each_dynamodb) == expected(old + new)


def test_a_step_of_other_days_is_not_made_on_top_of_one_that_is_only_half_to_be_seen(each_dynamodb: Any) -> None:
    # It would put its own days into the checkpoint, and no reader would know any more that others are on their way.
    old = [made(number, timestamp=NOW - timedelta(days=40)) for number in range(8)]
    new = [made(number, recorded_at=NOW) for number in range(8, 16)]
    store(each_dynamodb, old + new)
    later = NOW + timedelta(minutes=2)

    def read_behind_another_job() -> None:
        with pytest.raises(RollUpBroken):
            run(each_dynamodb, later)
        with pytest.raises(TemporarilyUnavailable):
            read(each_dynamodb)

    run(SeenByHalves(each_dynamodb, read_behind_another_job))
    assert run(each_dynamodb, later) == 1
    assert folded(each_dynamodb) == expected(old + new)


@pytest.mark.each_moment
@pytest.mark.parametrize("answer_lost", [False, True], ids=["before the call", "after the call"])
def test_a_job_that_dies_at_any_call_is_made_good_by_the_next_one(each_dynamodb: Any, answer_lost: bool) -> None:
    stored: list[Transaction] = []
    deaths = 0
    for call in range(100):
        now = NOW + timedelta(minutes=5 * call)
        new = [made(30 * call + n, recorded_at=now + timedelta(microseconds=n)) for n in range(20)]
        store(each_dynamodb, new)
        stored += new
        try:
            run(DyingAt(each_dynamodb, call, answer_lost=answer_lost), now + timedelta(minutes=2))
        except Died:
            deaths += 1
            assert read(each_dynamodb) == expected(stored)
        else:
            break
        run(each_dynamodb, now + timedelta(minutes=4))  # the dead one's lease is over
        assert folded(each_dynamodb) == expected(stored)
        assert_baselines(each_dynamodb, stored)
    # The checkpoint, a page of each shard, and at least a step: roll-ups, lease, baselines read and written, commit.
    assert deaths >= 1 + SHARDS + 5
    assert folded(each_dynamodb) == expected(stored)
    assert_baselines(each_dynamodb, stored)


def test_more_days_than_one_dynamodb_transaction_takes_are_committed_in_steps_and_read_once(
    each_dynamodb: Any,
) -> None:
    transactions = of_one_shard(2 * MAX_DAYS + 1)
    store(each_dynamodb, transactions)
    counting = Counting(each_dynamodb)
    assert run(counting) == 3
    assert folded(each_dynamodb) == expected(transactions)
    assert counting.items == len(transactions)


def test_on_dynamodb_a_step_has_as_many_days_as_a_transaction_takes(dynamodb: Any, table_names: dict[str, str]) -> None:
    transactions = of_one_shard(MAX_ROLL_UPS_A_STEP + 1)
    store(dynamodb, transactions)
    actions: list[int] = []

    class Noting:
        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

        def transact_write_items(self, TransactItems: list[Any]) -> Any:  # noqa: N803
            actions.append(len(TransactItems))
            return dynamodb.transact_write_items(TransactItems=TransactItems)

    assert run(Noting(), max_days=MAX_ROLL_UPS_A_STEP) == 2
    assert actions == [100, 2]
    assert folded(dynamodb) == expected(transactions)


def test_a_shard_whose_rows_fill_every_step_leaves_no_other_waiting(each_dynamodb: Any) -> None:
    filling = of_one_shard(3 * MAX_DAYS)
    waiting = [made(number, recorded_at=NOW - timedelta(minutes=2)) for number in range(20)]
    store(each_dynamodb, filling + waiting)
    enough_for_steps = iter([20.0] * SHARDS)
    job(each_dynamodb).run(lambda: next(enough_for_steps, 0.0))
    assert set(roll_ups_of(each_dynamodb).checkpoint().positions) == set(shards_of(SHARDS))
    assert read(each_dynamodb) == expected(filling + waiting)


def test_a_job_that_dies_between_two_steps_of_a_page_goes_on_from_the_first(each_dynamodb: Any) -> None:
    transactions = of_one_shard(MAX_DAYS + 1)
    store(each_dynamodb, transactions)
    with pytest.raises(Died):
        run(DyingAt(each_dynamodb, 1, "transact_write_items", answer_lost=False))
    assert len(folded(each_dynamodb)) == MAX_DAYS
    # The bank's own step, everybody's, and the one after which the bank is as far as the others.
    assert run(each_dynamodb, NOW + timedelta(minutes=2)) == 3
    assert folded(each_dynamodb) == expected(transactions)
    assert_baselines(each_dynamodb, transactions)


def test_a_job_that_runs_out_of_time_stops_at_a_step_and_goes_on_in_the_next_run(each_dynamodb: Any) -> None:
    transactions = of_one_shard(3 * MAX_DAYS)
    store(each_dynamodb, transactions)
    seconds = iter([20.0, 10.0, *[9.9] * 100])
    assert job(each_dynamodb).run(lambda: next(seconds)) == 2
    assert len(folded(each_dynamodb)) == 2 * MAX_DAYS
    assert run(each_dynamodb) == 1
    assert folded(each_dynamodb) == expected(transactions)


def test_a_step_that_another_run_is_just_making_is_left_to_it(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    assert run(Cancelling(each_dynamodb, "TransactionConflict")) == 0
    assert folded(each_dynamodb) == {}
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_step_that_is_throttled_fails_the_run_and_the_next_one_makes_it(each_dynamodb: Any, reason: str) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    with pytest.raises(TemporarilyUnavailable):
        run(Cancelling(each_dynamodb, reason))
    assert folded(each_dynamodb) == {}
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_step_that_can_never_be_made_fails_loudly(each_dynamodb: Any) -> None:
    store(each_dynamodb, [made(0)])
    with pytest.raises(ClientError):
        run(Cancelling(each_dynamodb, "ValidationError"))


@pytest.mark.parametrize("call", range(7))
def test_a_throttled_table_fails_the_run_and_the_next_one_makes_it_good(each_dynamodb: Any, call: int) -> None:
    transactions = [made(number) for number in range(20)]
    store(each_dynamodb, transactions)
    with pytest.raises(TemporarilyUnavailable):
        run(Failing(each_dynamodb, refusal("ProvisionedThroughputExceededException"), at=call))
    run(each_dynamodb)
    assert folded(each_dynamodb) == expected(transactions)


def test_a_run_costs_what_is_new_and_not_what_is_stored(each_dynamodb: Any) -> None:
    store(each_dynamodb, [made(number) for number in range(200)])
    run(each_dynamodb)
    idle = Counting(each_dynamodb)
    run(idle, NOW + timedelta(seconds=1))
    assert idle.calls == {"get_item": 1, "query": SHARDS}
    assert idle.items == 0
    new = made(999, status="settled", recorded_at=NOW)
    store(each_dynamodb, [new])
    busy = Counting(each_dynamodb)
    run(busy, NOW + timedelta(minutes=2))
    assert busy.calls - idle.calls == {
        "batch_get_item": 2,  # roll-ups, baselines
        "update_item": 1,
        "batch_write_item": 1,
        "transact_write_items": 1,
    }
    assert busy.items == 1


def test_a_bank_reads_roll_ups_and_what_came_since_and_nobody_elses(each_dynamodb: Any) -> None:
    old = [made(number) for number in range(60)]
    store(each_dynamodb, old)
    run(each_dynamodb)
    new = [made(number, recorded_at=NOW) for number in range(60, 90)]
    store(each_dynamodb, new)
    for bank in BANKS:
        days, as_of = reader(each_dynamodb).of_bank(bank, date.min, date.max)
        assert days == expected(one for one in old + new if one.bank == bank)
        assert as_of == NOW
    assert reader(each_dynamodb).of_bank("nobody", date.min, date.max)[0] == {}


def test_a_bank_whose_name_begins_another_ones_reads_its_own(each_dynamodb: Any) -> None:
    transactions = [made(0, id=bank, bank=bank, status="settled") for bank in ("eazy", "eazycard", "eazy-card")]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    for one in transactions:
        assert reader(each_dynamodb).of_bank(one.bank, date.min, date.max)[0] == expected([one])


@pytest.mark.parametrize("is_folded", [True, False], ids=["roll-ups", "tail"])
def test_the_days_asked_for_are_inclusive(each_dynamodb: Any, is_folded: bool) -> None:
    first, last = datetime(2026, 1, 8, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC) - timedelta(microseconds=1)
    around = [first - timedelta(microseconds=1), first, last, last + timedelta(microseconds=1)]
    transactions = [made(0, id=f"t{n}", status="settled", timestamp=moment) for n, moment in enumerate(around)]
    store(each_dynamodb, transactions)
    run(each_dynamodb, NOW if is_folded else NOW - timedelta(hours=1))
    days, _ = reader(each_dynamodb).of_bank("eazycard", first.date(), last.date())
    assert days == expected(transactions[1:3])


def test_reading_takes_six_calls(each_dynamodb: Any) -> None:
    store(each_dynamodb, [made(number) for number in range(60)])
    run(each_dynamodb)
    counting = Counting(each_dynamodb)
    reader(counting).of_bank("eazycard", date.min, date.max)
    assert counting.calls == {"get_item": 1, "query": 1 + SHARDS}


@pytest.mark.each_moment
@pytest.mark.parametrize("call", range(6))
def test_an_answer_is_whole_although_the_job_makes_steps_at_any_call_of_it(each_dynamodb: Any, call: int) -> None:
    old = [made(number) for number in range(30)]
    new = [made(number, recorded_at=NOW + timedelta(microseconds=number)) for number in range(30, 60)]
    store(each_dynamodb, old)
    run(each_dynamodb)
    store(each_dynamodb, new)
    interrupted = Interrupted(each_dynamodb, lambda: run(each_dynamodb, NOW + timedelta(minutes=2)), at=call)
    days, _ = reader(interrupted).of_bank("eazycard", date.min, date.max)
    assert days == expected(one for one in old + new if one.bank == "eazycard")


@pytest.mark.parametrize("last", [False, True], ids=["checkpoint first", "checkpoint last"])
def test_a_reader_that_meets_a_step_half_done_says_nothing_rather_than_something_wrong(
    each_dynamodb: Any, last: bool
) -> None:
    old = [made(number) for number in range(30)]
    store(each_dynamodb, old)
    run(each_dynamodb)
    new = [made(number, recorded_at=NOW) for number in range(30, 60)]
    store(each_dynamodb, new)
    answers: list[dict[Day, Sums] | None] = []

    def look() -> None:
        try:
            answers.append(read(each_dynamodb))
        except TemporarilyUnavailable:
            answers.append(None)

    run(SeenByHalves(each_dynamodb, look, last=last), NOW + timedelta(minutes=2))
    assert None in answers
    assert all(answer in (None, expected(old + new)) for answer in answers)
    assert folded(each_dynamodb) == expected(old + new)


def test_a_reader_waits_for_a_step_that_is_half_done(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(8)]
    store(each_dynamodb, transactions)
    run(each_dynamodb)
    day = min(roll_ups_of(each_dynamodb).checkpoint().changed)
    key = {"owner": {"S": f"bank#{day.bank}"}, "entry": {"S": f"day#{day.date}#{day.currency}"}}
    late = each_dynamodb.get_item(TableName="AnalyticsTable", Key=key)["Item"]
    each_dynamodb.put_item(TableName="AnalyticsTable", Item={**late, "version": {"N": "0"}})
    waits: list[float] = []

    def wait(wait_s: float) -> None:
        waits.append(wait_s)
        if len(waits) == 3:
            each_dynamodb.put_item(TableName="AnalyticsTable", Item=late)

    source = TransactionRepository(each_dynamodb, "TransactionsTable")
    waiting = AnalyticsReader(roll_ups_of(each_dynamodb), source, lambda: NOW, wait)
    days, _ = waiting.of_bank(day.bank, date.min, date.max)
    assert days == expected(one for one in transactions if one.bank == day.bank)
    assert len(waits) == 3
    assert waits == sorted(waits)
    assert sum(waits) < 1


def test_far_behind_the_job_an_answer_is_whole_up_to_the_time_that_it_names(each_dynamodb: Any) -> None:
    pages = 32 // SHARDS  # that are read of a shard
    transactions = [made(number, recorded_at=NOW + timedelta(seconds=number)) for number in range(100)]
    store(each_dynamodb, transactions)
    paged = Counting(each_dynamodb, page=1)
    days, as_of = reader(paged, NOW + timedelta(hours=1)).of_bank("eazycard", date.min, date.max)
    assert NOW + timedelta(seconds=pages) < as_of < NOW + timedelta(seconds=99)
    read_of = {
        shard: [one for one in transactions if transaction_item(one)["recorded_shard"]["S"] == shard][:pages]
        for shard in shards_of(SHARDS)
    }
    within = [one for page in read_of.values() for one in page]
    assert {one.id for one in transactions if one.recorded_at <= as_of} <= {one.id for one in within}
    assert days == expected(one for one in within if one.bank == "eazycard")
    assert paged.calls["query"] == 1 + 32


def test_behind_another_banks_flood_a_bank_reads_all_of_its_own(each_dynamodb: Any) -> None:
    flood = [made(2 * number, recorded_at=NOW + timedelta(seconds=number)) for number in range(100)]
    own = [made(2 * number + 1, recorded_at=NOW + timedelta(seconds=101 + number)) for number in range(5)]
    store(each_dynamodb, flood + own)
    now = NOW + timedelta(hours=1)
    days, as_of = reader(Counting(each_dynamodb, page=10), now).of_bank("other-bank", date.min, date.max)
    assert days == expected(own)
    assert as_of == now


def test_a_banks_flood_is_counted_apart_and_another_banks_before_its_end(each_dynamodb: Any) -> None:
    flood = [
        made(
            0,
            id=f"f{number}",
            status="settled",
            timestamp=NOW - timedelta(days=number),
            recorded_at=NOW - timedelta(hours=1),
        )
        for number in range(5 * MAX_DAYS)
    ]
    own = [made(2 * number + 1, timestamp=NOW) for number in range(5)]
    store(each_dynamodb, flood + own)
    enough_for_a_step = iter([20.0])
    assert job(each_dynamodb).run(lambda: next(enough_for_a_step, 0.0)) == 1
    at = roll_ups_of(each_dynamodb).checkpoint()
    assert [one.bank for one in at.behind] == ["eazycard"]
    assert {day: sums for day, sums in folded(each_dynamodb).items() if day.bank == "other-bank"} == expected(own)
    assert len(folded(each_dynamodb)) < 5 * MAX_DAYS
    assert read(each_dynamodb) == expected(flood + own)
    for bank in (None, *BANKS):
        assert reconciliation(each_dynamodb).of_day(DAY, bank).differences == []
    run(each_dynamodb)
    assert roll_ups_of(each_dynamodb).checkpoint().behind == ()
    assert folded(each_dynamodb) == expected(flood + own)
    assert_baselines(each_dynamodb, flood + own)


def test_a_malformed_row_in_the_tail_is_passed_over(each_dynamodb: Any) -> None:
    store(each_dynamodb, [made(0, status="settled"), made(2, status="settled")])
    malformed = {**transaction_item(made(4, status="settled")), "amount": {"S": "twelve"}}
    each_dynamodb.put_item(TableName="TransactionsTable", Item=malformed)
    assert read(each_dynamodb) == expected([made(0, status="settled"), made(2, status="settled")])


def test_an_account_reads_its_own_settled_transactions_of_the_days_asked_for(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(120)]
    store(each_dynamodb, transactions)
    days, as_of = reader(Counting(each_dynamodb, page=3)).of_account(
        "eazycard", "A2", date(2026, 1, 8), date(2026, 1, 9)
    )
    own = [one for one in transactions if (one.bank, one.account) == ("eazycard", "A2")]
    assert days == {day: sums for day, sums in expected(own).items() if day.date in ("2026-01-08", "2026-01-09")}
    assert days
    assert as_of == NOW


def test_an_account_reads_its_own_flags_of_the_days_asked_for(each_dynamodb: Any) -> None:
    transactions = [made(number) for number in range(40)]
    flagged = [(one, FLAGS[number % 5 :]) for number, one in enumerate(transactions)]
    store(each_dynamodb, transactions)
    flag(each_dynamodb, *flagged)
    days, _ = reader(Counting(each_dynamodb, page=3)).of_account("eazycard", "A2", date(2026, 1, 8), date(2026, 1, 9))

    def is_own(one: Transaction) -> bool:
        return (one.bank, one.account, one.timestamp.day in (8, 9)) == ("eazycard", "A2", True)

    own, own_flags = filter(is_own, transactions), [(one, names) for one, names in flagged if is_own(one)]
    assert days == expected(own, own_flags)
    assert sum(len(sums.flags) for sums in days.values()) > 3


def test_an_accounts_days_are_inclusive_to_the_microsecond(each_dynamodb: Any) -> None:
    first, last = datetime(2026, 1, 8, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC) - timedelta(microseconds=1)
    around = [first - timedelta(microseconds=1), first, last, last + timedelta(microseconds=1)]
    transactions = [made(0, id=f"t{n}", status="settled", timestamp=moment) for n, moment in enumerate(around)]
    store(each_dynamodb, transactions)
    days, _ = reader(each_dynamodb).of_account("eazycard", "A0", first.date(), last.date())
    assert days == expected(transactions[1:3])
    whole, _ = reader(each_dynamodb).of_account("eazycard", "A0", date.min, date.max)
    assert whole == expected(transactions)


def test_a_checkpoint_is_read_back_as_it_was_committed(each_dynamodb: Any) -> None:
    roll_ups = roll_ups_of(each_dynamodb)
    assert roll_ups.checkpoint() == Checkpoint(0, {}, frozenset())
    days = expected([made(number) for number in range(6)])
    first = roll_ups.commit(Checkpoint(), {"00": "2026#a"}, days)
    assert roll_ups.checkpoint() == first == Checkpoint(1, {"00": "2026#a"}, frozenset(days))
    second = roll_ups.commit(first, {"00": "2026#b"}, {})
    assert roll_ups.checkpoint() == second == Checkpoint(2, {"00": "2026#b"}, frozenset())
    assert roll_ups.read(days, second) == days


def test_a_step_from_a_checkpoint_that_is_no_more_changes_nothing(each_dynamodb: Any) -> None:
    roll_ups = roll_ups_of(each_dynamodb)
    days = expected([made(number) for number in range(6)])
    first = roll_ups.commit(Checkpoint(), {}, days)
    for stale in (Checkpoint(), Checkpoint(2)):
        with pytest.raises(RollUpsMoved):
            roll_ups.commit(stale, {"00": "x"}, dict.fromkeys(days, Sums(1, Decimal(1))))
        assert roll_ups.checkpoint() == first
        assert roll_ups.read(days, first) == days


def test_an_emptied_roll_up_is_none_to_whoever_reads(each_dynamodb: Any) -> None:
    roll_ups = roll_ups_of(each_dynamodb)
    days = expected([made(4)])
    at = roll_ups.commit(Checkpoint(), {}, days)
    at = roll_ups.commit(at, {}, dict.fromkeys(days, Sums()))
    (day,) = days
    assert roll_ups.days(day.bank, day.date, day.date, at) == {}
    assert roll_ups.read(days, at) == {}


class NoBaselines:
    """Baselines that note only how many accounts each step adds to."""

    def __init__(self) -> None:
        self.added: list[int] = []

    def add(self, accounts: dict[str, Any]) -> None:
        self.added.append(len(accounts))


def test_a_step_writes_2500_baselines_at_most_so_that_it_ends_in_time(dynamodb: Any, table_names: Any) -> None:
    # Of two shards, each of which is read in one page.
    rows = [{**row(id=f"t{n}", account=f"A{n}"), "recorded_shard": f"0{n % 2}"} for n in range(2_501)]
    baselines = NoBaselines()
    later = NOW + timedelta(minutes=2)
    AnalyticsJob(roll_ups_of(dynamodb), baselines, RecordedRows(rows), lambda: later).run(lambda: PLENTY_S)  # type: ignore[arg-type]
    assert sum(baselines.added) == 2_501
    assert max(baselines.added) == 2_500


def told(logged: str, message: str) -> dict[str, Any]:
    """Return the one line with this message."""
    (line,) = lines_saying(logged, message)
    return line


def test_a_run_says_its_steps_its_lag_and_who_is_behind(
    dynamodb: Any, table_names: dict[str, str], logged: Any
) -> None:
    store(dynamodb, [made(number) for number in range(5)])
    steps = run(dynamodb)
    text = logged()
    line = told(text, "analytics_run")
    assert (line["steps"], line["behind"]) == (steps, [])
    assert counted(text, "AnalyticsSteps") == steps > 0
    assert counted(text, "AnalyticsBanksBehind") == 0
    assert counted(text, "JobLag") == line["lag_s"] == SAFETY_MARGIN.total_seconds()
    (lag,) = [line for line in lines(text) if "JobLag" in line]
    assert lag["job"] == "analytics_job"


def test_a_run_with_nothing_to_do_lags_by_the_safety_margin(
    dynamodb: Any, table_names: dict[str, str], logged: Any
) -> None:
    assert run(dynamodb) == 0
    assert told(logged(), "analytics_run")["lag_s"] == SAFETY_MARGIN.total_seconds()


def test_a_run_that_has_no_time_and_no_checkpoint_knows_no_lag(
    dynamodb: Any, table_names: dict[str, str], logged: Any
) -> None:
    store(dynamodb, [made(0)])
    assert job(dynamodb).run(lambda: 9.9) == 0
    assert told(logged(), "analytics_run")["lag_s"] == 0


def test_a_run_that_is_cut_short_says_how_old_is_what_it_has_of_the_shard_that_is_furthest_behind(
    dynamodb: Any, table_names: dict[str, str], logged: Any
) -> None:
    def at(shard: str, number: int, time: datetime) -> dict[str, Any]:
        return {**row(id=f"t{number}", bank=f"bank{number}", recorded_at=time), "recorded_shard": shard}

    # More banks than a step has room for: the step ends within the second shard.
    an_hour_ago = [at("01", number, NOW - timedelta(hours=1, seconds=-number)) for number in range(MAX_DAYS + 3)]
    recorded = RecordedRows([at("00", 0, NOW - timedelta(minutes=5)), *an_hour_ago])
    now = NOW + timedelta(seconds=2.34)
    one_job = AnalyticsJob(roll_ups_of(dynamodb), NoBaselines(), recorded, lambda: now, MAX_DAYS)  # type: ignore[arg-type]
    enough_for_a_step = iter([20.0])
    assert one_job.run(lambda: next(enough_for_a_step, 0.0)) == 1
    assert told(logged(), "analytics_run")["lag_s"] == round(3600 - (MAX_DAYS - 1) + 2.3, 1)


def test_a_run_says_which_banks_are_behind(dynamodb: Any, table_names: dict[str, str], logged: Any) -> None:
    store(dynamodb, [*of_one_shard(5 * MAX_DAYS), made(1, timestamp=NOW)])
    enough_for_a_step = iter([20.0])
    assert job(dynamodb).run(lambda: next(enough_for_a_step, 0.0)) == 1
    text = logged()
    assert told(text, "analytics_run")["behind"] == ["eazycard"]
    assert counted(text, "AnalyticsBanksBehind") == 1


def test_a_step_that_another_run_makes_is_logged_with_the_version_that_it_began_from(
    dynamodb: Any, table_names: dict[str, str], logged: Any
) -> None:
    store(dynamodb, [made(number) for number in range(20)])
    run(Cancelling(dynamodb, "TransactionConflict"))
    assert told(logged(), "analytics_step_taken")["version"] == 0
