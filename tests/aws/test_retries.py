"""Waits between tries: one less than tries, longer and longer, and never longer than the bound."""

import pytest

from chalicelib.aws.retries import each_try


def waits_of(tries: int, first_s: float) -> list[float]:
    waits: list[float] = []
    assert len(list(each_try(tries, first_s, waits.append))) == tries
    return waits


@pytest.mark.parametrize(("tries", "waits"), [(5, 4), (2, 1), (1, 0), (0, 0)])
def test_nobody_waits_before_the_first_try_nor_after_the_last(tries: int, waits: int) -> None:
    assert len(waits_of(tries, first_s=0.1)) == waits


def test_who_needs_no_further_try_does_not_wait() -> None:
    waits: list[float] = []
    for _ in each_try(5, 0.1, waits.append):
        break
    assert waits == []


def test_the_longest_wait_doubles_up_to_its_bound() -> None:
    waits = [waits_of(7, first_s=0.05) for _ in range(1_000)]
    longest = [max(waits_before) for waits_before in zip(*waits, strict=True)]
    for found, bound in zip(longest, [0.05, 0.1, 0.2, 0.4, 0.8, 1.0], strict=True):
        assert 0.9 * bound < found <= bound


def test_waits_are_random_so_that_callers_do_not_come_back_together() -> None:
    waits = {tuple(waits_of(5, first_s=0.1)) for _ in range(20)}
    assert len(waits) == 20
    assert all(0 <= wait <= 0.1 * 2**number for one in waits for number, wait in enumerate(one))
