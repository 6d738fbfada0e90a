"""Waits between tries: as many as tries, longer and longer, and never longer than the bound."""

from chalicelib.aws.retries import back_off


def test_there_is_a_wait_after_each_try() -> None:
    assert len(list(back_off(5, first_s=0.1))) == 5
    assert list(back_off(0, first_s=0.1)) == []


def test_the_longest_wait_doubles_up_to_its_bound() -> None:
    waits = [list(back_off(6, first_s=0.05)) for _ in range(1_000)]
    longest = [max(waits_after) for waits_after in zip(*waits, strict=True)]
    for found, bound in zip(longest, [0.05, 0.1, 0.2, 0.4, 0.8, 1.0], strict=True):
        assert 0.9 * bound < found <= bound


def test_waits_are_random_so_that_callers_do_not_come_back_together() -> None:
    waits = {tuple(back_off(4, first_s=0.1)) for _ in range(20)}
    assert len(waits) == 20
    assert all(0 <= wait <= 0.1 * 2**attempt for one in waits for attempt, wait in enumerate(one))
