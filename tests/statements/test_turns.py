"""Turns of banks among statements: what one bank's large accounts can do to another bank's statements."""

import math
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.mail.ses import Email
from chalicelib.statements.index import Expected
from tests.statement_world import DUE, Morning

RUN_S = 55.0
HEAVY_S = 10.0
# A run begins nothing in its last 22 seconds (12 for sending, 10 for reading).
TURNS_A_RUN = math.ceil((RUN_S - 22) / HEAVY_S)


class Readings:
    """A composer whose reading takes time: ten seconds for the accounts of the banks in `heavy`."""

    def __init__(self, morning: Morning, heavy: set[str]) -> None:
        self.morning = morning
        self.heavy = heavy

    def email(self, expected: Expected, holder: Any) -> Email:
        self.morning.now += timedelta(seconds=HEAVY_S if expected.bank in self.heavy else 0)
        tags = (("bank", expected.bank), ("transaction", expected.id), ("holder", holder.id))
        return Email(holder.email, "a statement", "text", "<p>html</p>", tags)


@pytest.fixture
def morning(dynamodb: Any, table_names: dict[str, str]) -> Morning:
    return Morning(dynamodb, table_names)


class Minutes:
    """Runs of one process, a minute apart, each as long as its time lasts."""

    def __init__(self, morning: Morning, heavy: set[str]) -> None:
        self.morning = morning
        self.job = morning.job(composer=Readings(morning, heavy))
        self.begins = DUE
        morning.skip_to(DUE)

    def run(self, times: int = 1) -> None:
        for _ in range(times):
            self.morning.now = self.begins = max(self.begins + timedelta(minutes=1), self.morning.now)
            self.job.run(lambda: RUN_S - (self.morning.now - self.begins).total_seconds())

    def sent(self, bank: str) -> int:
        return sum(email["tags"]["bank"] == bank for email in self.morning.ses.accepted)


@pytest.mark.parametrize("heavy", ["aaa", "mmm", "zzz"])
def test_a_bank_s_large_accounts_delay_no_other_bank_s_statements_by_a_run(morning: Morning, heavy: str) -> None:
    for number in range(180):
        morning.subscribe(f"h{number}", bank=heavy)
    for number in range(60):
        morning.subscribe(f"l{number}", bank="bbb")
        morning.subscribe(f"l{number}", bank="yyy")
    minutes = Minutes(morning, {heavy})
    minutes.run()
    assert (minutes.sent("bbb"), minutes.sent("yyy")) == (60, 60)
    assert minutes.sent(heavy) >= 1
    before = minutes.sent(heavy)
    minutes.run(3)
    assert minutes.sent(heavy) - before == 3 * TURNS_A_RUN  # and it gets all the time that nobody else needs


def test_a_bank_that_is_due_later_does_not_wait_for_what_is_left_of_an_earlier_hour(morning: Morning) -> None:
    for number in range(30):
        morning.subscribe(f"h{number}", bank="aaa")
    morning.subscribe("l0", bank="later", timezone="America/Los_Angeles")
    minutes = Minutes(morning, {"aaa"})
    minutes.begins = DUE + timedelta(hours=7)  # when it is due in Los Angeles, and no run was before
    minutes.run()
    assert minutes.sent("later") == 1
    assert 0 < minutes.sent("aaa") < 30


@pytest.mark.parametrize("banks", [1, 6, 9])
def test_however_many_banks_have_large_accounts_each_has_a_turn_in_turn(morning: Morning, banks: int) -> None:
    heavy = {f"b{number}" for number in range(banks)}
    for bank in heavy:
        for number in range(20):
            morning.subscribe(f"h{number}", bank=bank)
    morning.subscribe("l0", bank="b4-light")
    minutes = Minutes(morning, heavy)
    rounds = math.ceil((banks + 1) / TURNS_A_RUN)
    minutes.run(rounds)
    assert minutes.sent("b4-light") == 1
    minutes.run(2 * rounds)
    assert min(minutes.sent(bank) for bank in heavy) >= 2
    assert max(minutes.sent(bank) for bank in heavy) - min(minutes.sent(bank) for bank in heavy) <= 1 + (banks == 1)


def test_what_a_turn_has_no_time_for_stays_in_the_index_as_it_is(morning: Morning) -> None:
    for number in range(12):
        morning.subscribe(f"h{number}", bank="aaa")
    due = set(morning.expected)
    minutes = Minutes(morning, {"aaa"})
    minutes.run()
    assert 0 < minutes.sent("aaa") < 12
    assert len(due & set(morning.expected)) == 12 - minutes.sent("aaa")
    minutes.run(3)
    assert minutes.sent("aaa") == 12
