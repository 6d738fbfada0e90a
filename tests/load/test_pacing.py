"""When each transaction of a load is due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.pacing import Phase, count_of, due

PHASES = st.lists(st.builds(Phase, st.floats(1, 120), st.floats(0.1, 100), st.floats(0.1, 100)), min_size=1, max_size=4)


def test_an_even_rate_is_a_transaction_each_so_many_seconds() -> None:
    phases = [Phase(10, 2, 2)]
    assert count_of(phases) == 20
    assert [due(phases, index) for index in (0, 1, 19)] == [0, 0.5, 9.5]


def test_a_rising_rate_puts_more_transactions_into_its_end() -> None:
    phases = [Phase(10, 1, 9)]
    assert count_of(phases) == 50
    assert due(phases, 0) == 0
    halves = [sum(due(phases, index) < 5 for index in range(50)), sum(due(phases, index) >= 5 for index in range(50))]
    assert halves == [15, 35]  # 5 s at 1 to 5 a second are 15


def test_a_phase_begins_where_the_one_before_ends() -> None:
    phases = [Phase(10, 1, 1), Phase(10, 2, 2)]
    assert [due(phases, index) for index in (9, 10, 11, 29)] == [9, 10, 10.5, 19.5]


def test_without_phases_all_is_due_at_once() -> None:
    assert due([], 1_000) == 0


@given(PHASES)
def test_every_transaction_is_due_within_the_phases_and_none_before_another(phases: list[Phase]) -> None:
    times = [due(phases, index) for index in range(min(500, count_of(phases)))]
    assert times == sorted(times)
    assert all(0 <= time <= sum(phase.seconds for phase in phases) + 1e-6 for time in times)


@given(PHASES)
def test_in_any_second_there_are_about_as_many_as_the_rate_says(phases: list[Phase]) -> None:
    first = phases[0]
    number = int(first.count / 2)
    assert first.begins * first.due(number) + (first.ends - first.begins) / first.seconds / 2 * first.due(
        number
    ) ** 2 == pytest.approx(number, abs=1e-6, rel=1e-6)
