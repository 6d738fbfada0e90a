"""Turns: what a step takes, who is left behind, and that no bank waits longer for another one than is stated.

The model is seeded: two to fifty banks, random floods, runs that die before or after a commit.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics.checkpoint import Checkpoint
from chalicelib.analytics.rollups import Day, Sums, merged
from chalicelib.analytics.turns import PAGES_AT_ONCE, Step, Turn, Turns
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, shards_of
from chalicelib.ledger.times import format_time, sortable
from chalicelib.ledger.transaction import STATUSES, Transaction
from tests.analytics_world import NOW, expected, made, row
from tests.recorded_rows import RecordedRows
from tests.sizes import size


def flag_row(one: Transaction, *names: str) -> dict[str, Any]:
    return {
        **{name: value for name, value in row(one).items() if name not in ("type", "status", "amount")},
        "flags": {name: {"count": Decimal(3)} for name in names},
        "shadow": [],
    }


def test_folding_gives_the_sums_by_day_and_the_place_of_the_last_row() -> None:
    transactions = [made(number) for number in range(40)]
    step = Step(99, 2_500)
    assert step.fold(map(row, transactions)) == row(transactions[-1])["recorded_key"]
    assert step.days == expected(transactions)


def test_no_rows_fold_to_nothing() -> None:
    step = Step(99, 2_500)
    assert step.fold([]) is None
    assert (step.days, step.rows) == ({}, {})


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "settled"])
def test_what_is_not_settled_is_in_no_sum_but_counted_by_its_status(status: str) -> None:
    step = Step(99, 2_500)
    not_settled = row(made(1, status=status))
    assert step.fold([not_settled]) == not_settled["recorded_key"]
    assert list(step.days.values()) == [Sums(statuses={status: 1})]


def test_folding_gives_each_accounts_rows_in_order_but_reversals_and_flags() -> None:
    transactions = [made(number) for number in range(40)]
    rows = [row(one) for one in transactions]
    step = Step(99, 2_500)
    step.fold([*rows, flag_row(transactions[0], "velocity")])
    remembered = [each for each in rows if each["status"] != "reversed"]
    assert len(remembered) < len(rows)
    accounts = {account_key(each["bank"], each["account"]) for each in remembered}
    assert step.rows == {
        account: [each for each in remembered if account_key(each["bank"], each["account"]) == account]
        for account in accounts
    }


def test_flags_count_in_the_day_and_currency_of_their_transaction_settled_or_not() -> None:
    flagged = [
        (made(1, status="settled"), ["velocity", "large_amount"]),
        (made(7, status="settled"), ["velocity"]),
        (made(3, status="authorized"), ["new_country"]),
    ]
    step = Step(99, 2_500)
    step.fold([flag_row(one, *names) for one, names in flagged])
    assert step.days == expected([], flagged)
    assert step.rows == {}


@pytest.mark.parametrize(
    "spoilt", [{"amount": "twelve"}, {"amount": Decimal("NaN")}, {"currency": None}, {"currency": ["EUR"]}, {"bank": 1}]
)
def test_a_malformed_row_is_passed_over_and_told_without_its_content(
    spoilt: dict[str, Any], logged: Callable[[], str]
) -> None:
    rows = [row(made(1)), {**row(made(2)), "account": "A-secret", **spoilt}, row(made(3))]
    step = Step(99, 2_500)
    assert step.fold(rows) == rows[-1]["recorded_key"]
    assert step.days == expected([made(1), made(3)])
    assert sum(map(len, step.rows.values())) == 2
    told = logged()
    assert '"malformed_row"' in told
    assert '"MalformedRows"' in told
    assert rows[1]["recorded_key"] in told
    assert "A-secret" not in told


def test_folding_stops_before_the_row_that_would_need_one_day_too_many() -> None:
    rows = [row(made(0, timestamp=NOW - timedelta(days=day))) for day in (0, 1, 0, 2, 0)]
    for number, each in enumerate(rows):
        each["recorded_key"] = str(number)
    step = Step(2, 2_500)
    assert step.fold(rows) == "2"
    assert [day.date for day in step.days] == ["2026-01-10", "2026-01-09"]
    assert sum(map(len, step.rows.values())) == 3


def test_folding_stops_before_the_row_that_would_need_one_account_too_many() -> None:
    rows = [row(made(0, account=account, timestamp=NOW)) for account in ("A1", "A2", "A1", "A3", "A1")]
    for number, each in enumerate(rows):
        each["recorded_key"] = str(number)
    step = Step(99, 2)
    assert step.fold(rows) == "2"
    assert {account: len(own) for account, own in step.rows.items()} == {"eazycard#A1": 2, "eazycard#A2": 1}
    assert sum(sums.count for sums in step.days.values()) == sum(each["status"] == "settled" for each in rows[:3])


@given(st.lists(st.integers(0, 300).map(made)), st.integers(1, 5), st.integers(1, 5))
def test_any_rows_folded_in_steps_give_the_same_as_at_once(
    transactions: list[Transaction], max_days: int, max_accounts: int
) -> None:
    rows = [{**row(transaction), "recorded_key": str(number)} for number, transaction in enumerate(transactions)]
    steps: list[Step] = []
    start = 0
    while start < len(rows):
        steps.append(Step(max_days, max_accounts))
        position = steps[-1].fold(rows[start:])
        assert position is not None
        start = int(position) + 1
        assert len(steps[-1].days) <= max_days
        assert len(steps[-1].rows) <= max_accounts
    assert merged(step.days for step in steps) == expected(transactions)
    whole = Step(1_000, 1_000)
    whole.fold(rows)
    assert {
        account: [each for step in steps for each in step.rows.get(account, ())] for account in whole.rows
    } == whole.rows


# The model: an index in memory, whose pages have so many rows, and steps with so many days and accounts.
PAGE, DAYS, ACCOUNTS = 240, 110, 120
SEEDS, ROUNDS = size(2, 100), 2


class Index(RecordedRows):
    """The rows of a model, each behind all that were added before."""

    def __init__(self) -> None:
        super().__init__(page=PAGE)
        self._numbers = itertools.count()
        self._like = row(made(0))

    def add(self, bank: str, day: int, account: int, shard: str) -> dict[str, Any]:
        place = f"{self.now}#{bank}"
        added = self._like | {
            "bank": bank,
            "id": f"t{next(self._numbers)}",
            "account": f"A{account}",
            "timestamp": format_time(NOW - timedelta(days=day)),
            "recorded_shard": shard,
            "recorded_key": place,
        }
        self.shards[shard].append(added)
        return added

    @property
    def now(self) -> str:
        """A place behind all that was added, and before what will be."""
        return sortable(NOW + timedelta(milliseconds=next(self._numbers)))


class Job:
    """The job's commits in memory: roll-ups, the checkpoint, and the number of the step that took each row."""

    def __init__(self, index: Index, max_behind: int = 50) -> None:
        self.index = index
        self.at = Checkpoint()
        self.days: dict[Day, Sums] = {}
        self.taken: dict[str, int] = {}
        self._max_behind = max_behind
        self.waited: dict[str, int] = {}
        self.longest_wait = 0

    def run(self, dies: Callable[[], str | None] = lambda: None) -> Iterator[Turn]:
        """Make steps up to now. A run that dies before its commit has changed nothing, one after it all."""
        turns = self._turns(self.index.now)
        while (turn := turns.next(self.at)) is not None:
            death = dies()
            if death != "before":
                self._commit(turn)
                yield turn
            if death is not None:
                turns = self._turns(self.index.now)

    def _turns(self, watermark: str) -> Turns:
        return Turns(cast(TransactionRepository, self.index), watermark, DAYS, ACCOUNTS, PAGE, self._max_behind)

    def _commit(self, turn: Turn) -> None:
        assert len(turn.step.days) <= DAYS
        assert len(turn.step.rows) <= ACCOUNTS
        for one in self.at.behind:
            is_served = one not in turn.behind or one.positions == self.at.positions
            self.waited[one.bank] = 0 if is_served else self.waited.get(one.bank, 0) + 1
            self.longest_wait = max(self.longest_wait, self.waited[one.bank])
        self.at = Checkpoint(self.at.version + 1, turn.positions, frozenset(turn.step.days), turn.behind)
        self.days = merged([self.days, turn.step.days])
        for rows in turn.step.rows.values():
            for each in rows:
                assert each["recorded_key"] not in self.taken, "nothing counts twice"
                self.taken[each["recorded_key"]] = self.at.version


def flood(index: Index, bank: str, chance: random.Random, size: int) -> None:
    """Let a bank post a flood: of many days, of many accounts, or of many rows, in one shard or in all."""
    days, accounts = chance.choice([(400, 1), (1, 400), (1, 1), (400, 400)])
    shards = chance.choice([shards_of(SHARDS), shards_of(SHARDS)[:1]])
    for _ in range(size):
        index.add(bank, chance.randrange(days), chance.randrange(accounts), chance.choice(shards))


@pytest.mark.parametrize("banks", [2, 3, 5, 10, 25, 50])
def test_no_bank_waits_for_anothers_flood_longer_than_is_stated(banks: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Stated: with so many floods, what a bank posts within its share is counted after twice (floods + 2) steps; and a
    bank that is behind waits for its next step of its own for twice as many as there are floods at most."""
    worst = in_order = longest_turn = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        names = [f"bank-{number}" for number in range(banks)]
        floods = chance.sample(names, chance.randint(1, banks - 1))
        quiet = [name for name in names if name not in floods]
        index = Index()
        job, old = Job(index), Job(index, max_behind=0)
        # So many rows at most of a shard are before a quiet bank's that is posted last: fewer than a read goes on.
        size = (PAGES_AT_ONCE - 1) * PAGE // len(floods)
        for _ in range(ROUNDS):
            for name in floods:
                flood(index, name, chance, size)
            posted = [
                index.add(name, 0, number % 3, chance.choice(shards_of(SHARDS)))
                for name in quiet
                for number in range(chance.randint(1, 2))
            ]
            steps = [job.at.version, old.at.version]
            deaths = iter(chance.choices([None, "before", "after"], [8, 1, 1], k=10_000))
            for _ in job.run(lambda deaths=deaths: next(deaths)):
                pass
            for _ in old.run():
                pass
            worst = max(worst, *(job.taken[one["recorded_key"]] - steps[0] for one in posted))
            in_order = max(in_order, *(old.taken[one["recorded_key"]] - steps[1] for one in posted))
            assert max(job.taken[one["recorded_key"]] for one in posted) - steps[0] <= 2 * (len(floods) + 2)
        assert job.at.behind == ()
        assert job.days == old.days == merged(_sums_of(each) for rows in index.shards.values() for each in rows)
        assert job.longest_wait <= 2 * len(floods)
        longest_turn = max(longest_turn, job.longest_wait)
    with capsys.disabled():
        print(
            f"\n{banks} banks, {SEEDS} seeds: what a bank posts within its share is counted after {worst} steps at most"
            f" ({in_order} in order of recording); a bank that is behind waits {longest_turn} steps at most"
        )


def _sums_of(each: dict[str, Any]) -> dict[Day, Sums]:
    step = Step(1, 1)
    step.fold([each])
    return step.days
