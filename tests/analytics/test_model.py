"""Exactness, proven by a model: whatever happens in whatever order, what a bank reads is the plain sum of what was
accepted and flagged, and every account's baseline has each of its transactions once.

Hypothesis interleaves posts, replays, late timestamps, slow writers, late index entries, flags that are decided late
and again, jobs whose clocks are wrong, which die at any call and leave their lease behind, run at once, are throttled
or are met half-way through a step, readers beside them, reconciliations, and roll-ups that other hands have changed.
After each step a bank reads the plain sum; when the job has caught up, so it is with roll-ups and baselines.
`make test-long` takes more than a hundred times as many steps.
"""

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.analytics.reconciliation import Findings, Reconciliation
from chalicelib.analytics.repository import RollUpBroken
from chalicelib.analytics.rollups import Day
from chalicelib.aws.batching import batches
from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import TemporarilyUnavailable, TransactionConflict
from chalicelib.ledger.intake import Intake
from chalicelib.ledger.keys import transaction_key
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from tests.analytics_world import (
    BANKS,
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
    reader,
    roll_ups_of,
)
from tests.fakes import Failing, Interrupted, refusal
from tests.sizes import size

START = datetime(2026, 1, 10, 23, 50, tzinfo=UTC)
STEPS_AN_EXAMPLE = 30
# How many steps an engine takes at least: DynamoDB Local is slow.
STEPS = {"moto": size(240, 30_000), "dynamodb-local": size(30, 5_000), "direct": size(30, 5_000)}
# All that can come between a transaction's time of recording and its being found fits into the job's margin.
SLOWEST_WRITER_S, LATEST_ENTRY_S, WRONGEST_CLOCK_S = 20, 15, 20
TABLES = {"TransactionsTable": ["transaction_key"], "AnalyticsTable": ["owner", "entry"]}
AGES = [timedelta(minutes=-5), *map(timedelta, (0, 0, 0, 1, 2, 400))]
# Smallest units, and as many as an amount can have of the currency.
DECIMALS = {"XAF": 0, "EUR": 2, "KWD": 3}
UNITS = [1, 250, 10**15 - 1]
SPOILT = ("amount", "count", "flags", "deleted", "phantom", "version", "unreadable")
# At which call of a client something happens: its commits are where most is at stake.
calls = st.one_of(
    st.tuples(st.integers(0, 2), st.just("transact_write_items")), st.tuples(st.integers(0, 14), st.none())
)
Call = tuple[int, str | None]
skews = st.integers(-WRONGEST_CLOCK_S, WRONGEST_CLOCK_S)
waits = st.sampled_from([0, 40, 61, 80])
COUNTRIES = ("CM", "FR", "BE")
merchants = st.none() | st.builds(
    lambda name, country: {"name": name, "country": country}, st.sampled_from("ab"), st.sampled_from(COUNTRIES)
)
posts = st.lists(
    st.fixed_dictionaries(
        {
            "bank": st.sampled_from(BANKS),
            "account": st.sampled_from(["A1", "A1", "A2"]),
            "merchant": merchants,
            "currency": st.sampled_from(sorted(DECIMALS)),
            "type": st.sampled_from(TYPES),
            "status": st.sampled_from(("settled",) * 9 + STATUSES),
            "age": st.sampled_from(AGES),
            "units": st.sampled_from(UNITS),
            "writer_s": st.integers(0, SLOWEST_WRITER_S),
            "entry_s": st.integers(0, LATEST_ENTRY_S),
        }
    ),
    min_size=1,
    max_size=4,
)


def clear(client: Any) -> None:
    """Empty the tables: cheaper than to make them anew for every example."""
    for table, key in TABLES.items():
        items = client.scan(TableName=table)["Items"]
        requests = [{"DeleteRequest": {"Key": {name: item[name] for name in key}}} for item in items]
        for part in batches(requests, 25):
            client.batch_write_item(RequestItems={table: part})


class Analytics(RuleBasedStateMachine):
    """The analytics tables of one engine, and what was accepted into them."""

    client: ClassVar[Any]
    taken: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        clear(self.client)
        self.now = START
        self.accepted: list[Transaction] = []
        self.flags: dict[str, tuple[Transaction, list[str]]] = {}  # by transaction key: the first decision
        self.late: dict[str, datetime] = {}  # by transaction key: when the index will have it
        self.missing: set[str] = set()  # what the index has not yet
        self.index = LateIndex(self.client, self.missing)

    # What is recorded

    def record(self, one: Transaction) -> Any:
        return Intake(TransactionRepository(self.client, "TransactionsTable"), _no_queue).record(one)

    @initialize(drafts=posts)
    def begin(self, drafts: list[dict[str, Any]]) -> None:
        self.post(drafts)

    @rule(drafts=posts)
    def post(self, drafts: list[dict[str, Any]]) -> None:
        for draft in drafts:
            recorded_at = self.now - timedelta(seconds=draft["writer_s"])
            one = Transaction(
                id=f"t{len(self.accepted)}",
                amount=Decimal(draft["units"]).scaleb(-DECIMALS[draft["currency"]]),
                timestamp=recorded_at - draft["age"],
                recorded_at=recorded_at,
                **{name: draft[name] for name in ("bank", "account", "merchant", "currency", "type", "status")},
            )
            assert not self.record(one).replayed
            self.accepted.append(one)
            self.late[transaction_key(one.bank, one.id)] = self.now + timedelta(seconds=draft["entry_s"])
        self.wait(0)

    @precondition(lambda self: self.accepted)
    @rule(number=st.integers(0, 999), is_changed=st.booleans())
    def replay(self, number: int, is_changed: bool) -> None:
        again = replace(self.accepted[number % len(self.accepted)], recorded_at=self.now + timedelta(microseconds=1))
        if is_changed:
            with pytest.raises(TransactionConflict):
                self.record(replace(again, amount=again.amount + 1))
        else:
            assert self.record(again).replayed

    @precondition(lambda self: self.accepted)
    @rule(
        numbers=st.lists(st.integers(0, 999), min_size=1, max_size=4),
        names=st.lists(st.sampled_from(FLAGS), min_size=1, max_size=3, unique=True),
        writer_s=st.integers(0, SLOWEST_WRITER_S),
        entry_s=st.integers(0, LATEST_ENTRY_S),
    )
    def flag(self, numbers: list[int], names: list[str], writer_s: int, entry_s: int) -> None:
        """Decide of new and old transactions, some of which are flagged already: the first decision stands."""
        flagged = {transaction_key(one.bank, one.id): one for one in (self._accepted(number) for number in numbers)}
        flag(self.client, *((one, names) for one in flagged.values()), at=self.now - timedelta(seconds=writer_s))
        for key in flagged.keys() - self.flags.keys():
            self.flags[key] = flagged[key], names
            self.late[f"{key}#flags"] = self.now + timedelta(seconds=entry_s)
        self.wait(0)

    def _accepted(self, number: int) -> Transaction:
        return self.accepted[-1 - number % len(self.accepted)]

    @rule(seconds=st.sampled_from([1, 10, 30, 600]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.missing.clear()
        self.missing.update(key for key, moment in self.late.items() if moment > self.now)

    # What the job does

    def run_job(self, client: Any | None = None, skew_s: int = 0, steps: int = 99, days: int = 2) -> int:
        left = iter([60.0] * steps)
        now = self.now + timedelta(seconds=skew_s)
        return job(client or self.index, now, days).run(lambda: next(left, 0.0))

    @rule(
        after_s=waits,
        skew_s=skews,
        steps=st.sampled_from([99, 99, 1, 2]),
        days=st.sampled_from([1, 2, 9]),
        page=st.just(2) | st.none(),
    )
    def job_runs(self, after_s: int, skew_s: int, steps: int, days: int, page: int | None) -> None:
        self.wait(after_s)
        self.run_job(Counting(self.index, page), skew_s, steps, days)

    @rule(after_s=waits, skew_s=skews, call=calls, answer_lost=st.booleans())
    def job_dies(self, after_s: int, skew_s: int, call: Call, answer_lost: bool) -> None:
        self.wait(after_s)
        with contextlib.suppress(Died):
            self.run_job(DyingAt(self.index, *call, answer_lost=answer_lost), skew_s)

    @rule(after_s=waits, skew_s=skews, call=calls)
    def job_is_throttled(self, after_s: int, skew_s: int, call: Call) -> None:
        self.wait(after_s)
        with contextlib.suppress(TemporarilyUnavailable):
            self.run_job(Failing(self.index, refusal("ThrottlingException"), *call), skew_s)

    @rule(after_s=waits, skew_s=skews, other_skew_s=skews, call=calls, days=st.sampled_from([1, 9]))
    def job_is_overtaken_by_another(self, after_s: int, skew_s: int, other_skew_s: int, call: Call, days: int) -> None:
        self.wait(after_s)
        self.run_job(Interrupted(self.index, lambda: self.run_job(skew_s=other_skew_s, days=days), *call), skew_s)

    @rule(after_s=waits, skew_s=skews, checkpoint_last=st.booleans())
    def jobs_steps_are_seen_by_halves(self, after_s: int, skew_s: int, checkpoint_last: bool) -> None:
        def look() -> None:
            with contextlib.suppress(TemporarilyUnavailable):
                self._assert_plain_sum(*BANKS)
            if not checkpoint_last:  # or the other's step would be made first, which DynamoDB keeps apart
                with contextlib.suppress(RollUpBroken):
                    assert self.run_job(skew_s=WRONGEST_CLOCK_S) == 0

        self.wait(after_s)
        self.run_job(SeenByHalves(self.index, look, last=checkpoint_last), skew_s)

    # What others do meanwhile

    @rule(after_s=waits, bank=st.sampled_from(BANKS), call=st.integers(0, 5), skew_s=skews)
    def job_runs_between_two_calls_of_a_reader(self, after_s: int, bank: str, call: int, skew_s: int) -> None:
        self.wait(after_s)
        client = Interrupted(self.index, lambda: self.run_job(skew_s=skew_s), at=call)
        assert reader(client, self.now).of_bank(bank, date.min, date.max)[0] == self._plain_sum(bank)

    def reconcile(self, day: str, bank: str | None, client: Any | None = None, *, repair: bool = False) -> Findings:
        client = client or self.index
        reconciliation = Reconciliation(
            roll_ups_of(client), TransactionRepository(client, "TransactionsTable"), 2, lambda _: None
        )
        return reconciliation.of_day(date.fromisoformat(day), bank, BANKS, repair=repair)

    @rule(data=st.data(), bank=st.none() | st.sampled_from(BANKS), call=calls, repair=st.booleans())
    def nothing_is_found_to_differ(self, data: Any, bank: str | None, call: Call, repair: bool) -> None:
        days = sorted({one.timestamp.date().isoformat() for one in self.accepted} | {"2026-01-10"})
        client = Interrupted(self.index, self.run_job, *call)
        assert self.reconcile(data.draw(st.sampled_from(days)), bank, client, repair=repair).differences == []

    @precondition(lambda self: bool(folded(self.client)))
    @rule(
        data=st.data(),
        how=st.sampled_from(SPOILT),
        call=calls,
        is_found_by_all=st.booleans(),
        meanwhile=st.sampled_from(["job", "death", "lost answer", "nothing"]),
    )
    def other_hands_change_a_roll_up_and_it_is_repaired(
        self, data: Any, how: str, call: Call, is_found_by_all: bool, meanwhile: str
    ) -> None:
        day = data.draw(st.sampled_from(sorted(folded(self.client))))
        if how == "phantom":
            day = replace(day, bank=min(folded(self.client)).bank, date="2020-02-29")
        spoilt = self._spoil(day, how)
        bank = None if is_found_by_all else day.bank
        found = self.reconcile(day.date, bank).differences
        assert {one.day for one in found} == {day}
        assert self._item(day) == spoilt

        client = {
            "job": Interrupted(self.index, self._run_job_if_it_can, *call),
            "death": DyingAt(self.index, *call, answer_lost=False),
            "lost answer": DyingAt(self.index, *call, answer_lost=True),
            "nothing": self.index,
        }[meanwhile]
        try:
            repaired = self.reconcile(day.date, bank, client, repair=True)
        except Died:
            self.reconcile(day.date, bank, repair=True)
        else:
            assert {one.day for one in repaired.differences} == {day}
            assert repaired.broken_elsewhere == []
        assert self.reconcile(day.date, bank).differences == []

    def _run_job_if_it_can(self) -> None:
        with contextlib.suppress(RollUpBroken):
            self.run_job()

    def _item(self, day: Day) -> Any:
        key = {"owner": {"S": f"bank#{day.bank}"}, "entry": {"S": f"day#{day.date}#{day.currency}"}}
        return self.client.get_item(TableName="AnalyticsTable", Key=key).get("Item")

    def _spoil(self, day: Day, how: str) -> Any:
        item = self._item(min(folded(self.client)) if how == "phantom" else day)
        item["entry"] = {"S": f"day#{day.date}#{day.currency}"}
        if how == "deleted":
            self.client.delete_item(
                TableName="AnalyticsTable", Key={name: item[name] for name in TABLES["AnalyticsTable"]}
            )
            return None
        changes = {
            "amount": {"debit": {"N": "12345.678"}},
            "count": {"credit_count": {"N": str(int(item["credit_count"]["N"]) + 1)}},
            "flags": {"flags": {"M": {"velocity": {"N": "999"}}}},
            "phantom": {},
            "version": {"version": {"N": "999999"}},
            "unreadable": {"credit": {"S": "twelve"}},
        }
        self.client.put_item(TableName="AnalyticsTable", Item={**item, **changes[how]})
        return self._item(day)

    # What must hold

    def _plain_sum(self, bank: str) -> dict[Day, Any]:
        visible = [one for one in self.accepted if transaction_key(one.bank, one.id) not in self.missing]
        flags = [flagged for key, flagged in self.flags.items() if f"{key}#flags" not in self.missing]
        return expected(
            (one for one in visible if one.bank == bank), ((one, names) for one, names in flags if one.bank == bank)
        )

    @invariant()
    def a_bank_reads_the_plain_sum(self) -> None:
        self.taken["states"] += 1
        # The banks take turns: what is wrong with one's roll-ups doesn't go away until the next step.
        self._assert_plain_sum(BANKS[self.taken["states"] % 2])

    def _assert_plain_sum(self, *banks: str) -> None:
        for bank in banks:
            days, as_of = reader(self.index, self.now).of_bank(bank, date.min, date.max)
            assert days == self._plain_sum(bank)
            assert as_of == self.now

    def teardown(self) -> None:
        self.taken["examples"] += 1
        self._assert_plain_sum(*BANKS)
        self.now += timedelta(hours=1)
        self.wait(0)
        self.run_job()
        assert folded(self.client) == expected(self.accepted, self.flags.values())
        assert_baselines(self.client, self.accepted)


def _no_queue() -> Any:
    raise AssertionError("nothing is queued")


def test_whatever_happens_every_bank_reads_the_plain_sum(
    each_dynamodb: Any, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = request.node.callspec.params["each_dynamodb"]
    taken = Counter[str]()
    machine = type("Model", (Analytics,), {"client": each_dynamodb, "taken": taken})
    settings = hypothesis.settings(max_examples=5, stateful_step_count=STEPS_AN_EXAMPLE)
    while taken["states"] - taken["examples"] < STEPS[engine]:
        run_state_machine_as_test(machine, settings=settings)
    with capsys.disabled():
        print(f"\n{engine}: {taken['states'] - taken['examples']} steps in {taken['examples']} histories")
