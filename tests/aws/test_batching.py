"""Cutting work into parts that fit a service's limits."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.batching import batches, grouped, in_turns


@given(st.lists(st.integers(0, 9)), st.integers(1, 5), st.integers(1, 20))
def test_parts_keep_order_and_limits(values: list[int], max_count: int, max_bytes: int) -> None:
    parts = list(batches(values, max_count, max_bytes, size_of=lambda value: value))
    assert [value for part in parts for value in part] == values
    for part in parts:
        assert 0 < len(part) <= max_count
        assert sum(part) <= max_bytes or len(part) == 1


def test_no_values_make_no_part() -> None:
    assert list(batches([], 10)) == []


def test_full_parts_are_full() -> None:
    assert [len(part) for part in batches(range(101), 50)] == [50, 50, 1]
    parts = batches([4, 6, 5, 5, 6, 5, 11, 0, 10, 1], 10, 10, size_of=lambda value: value)
    assert list(parts) == [[4, 6], [5, 5], [6], [5], [11], [0, 10], [1]]


def test_values_without_a_size_are_cut_by_their_number_alone() -> None:
    assert list(batches(range(5), 3, 1)) == [[0, 1, 2], [3, 4]]


def test_groups_are_in_the_order_in_which_their_keys_come_first() -> None:
    groups = grouped(["bb", "a", "cc", "d", "eee"], len)
    assert list(groups.items()) == [(2, ["bb", "cc"]), (1, ["a", "d"]), (3, ["eee"])]
    assert grouped([], len) == {}


def test_turns_take_one_of_each_group_and_none_is_left_out() -> None:
    assert in_turns(["a1", "a2", "a3", "b1", "c1", "c2"], lambda one: one[0]) == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert in_turns([None, None, 0], type) == [None, 0, None]
    assert in_turns([], len) == []
