"""Shares: who wants little has it, and what is left is divided alike."""

import dataclasses
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics.shares import Shares, level
from tests.analytics_world import NOW, made, row


def rows(bank: str, days: int = 1, accounts: int = 1, number: int | None = None) -> list[dict[str, Any]]:
    """Return rows of a bank, on so many days and of so many accounts."""
    return [
        row(
            dataclasses.replace(
                made(0, bank=bank, id=f"{bank}-{n}", account=f"A{n % accounts}"),
                timestamp=NOW - timedelta(days=n % days),
            )
        )
        for n in range(number or max(days, accounts))
    ]


def allowed(shares: Shares, wanted: Iterable[dict[str, Any]]) -> int:
    return sum(shares.allow(each) for each in wanted)


@pytest.mark.parametrize(
    ("wanted", "bound", "share"),
    [
        ([], 5, None),
        ([2, 3], 5, None),
        ([2, 4], 5, 3),
        ([1, 1, 100], 10, 8),
        ([100, 100], 10, 5),
        ([1, 1, 1], 2, 1),
    ],
)
def test_the_level_is_what_each_may_have(wanted: list[int], bound: int, share: int | None) -> None:
    assert level(wanted, bound) == share


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 200))
def test_the_level_is_the_largest_that_all_can_have(wanted: list[int], bound: int) -> None:
    share = level(wanted, bound)
    if share is None:
        assert sum(wanted) <= bound
    else:
        assert sum(wanted) > bound
        assert sum(min(each, share) for each in wanted) <= bound or share == 1
        assert sum(min(each, share + 1) for each in wanted) > bound


def test_a_bank_with_many_days_leaves_the_others_theirs() -> None:
    flood, quiet = rows("flooding", days=20), rows("quiet", days=2)
    shares = Shares([*flood, *quiet], 10, 100, None)
    assert allowed(shares, flood) == 8
    assert allowed(shares, quiet) == 2


def test_a_bank_with_many_accounts_leaves_the_others_theirs() -> None:
    flood, quiet = rows("flooding", accounts=20), rows("quiet", accounts=3)
    shares = Shares([*flood, *quiet], 100, 10, None)
    assert allowed(shares, flood) == 7
    assert allowed(shares, quiet) == 3


def test_rows_count_only_where_a_bound_is_given() -> None:
    flood, quiet = rows("flooding", number=50), rows("quiet")
    assert allowed(Shares([*flood, *quiet], 10, 10, None), flood) == 50
    assert allowed(Shares([*flood, *quiet], 10, 10, 20), flood) == 19


def test_a_bank_that_has_its_share_still_has_more_rows_of_what_is_in_it() -> None:
    flood, quiet = rows("flooding", accounts=20, number=60), rows("quiet", accounts=3)
    shares = Shares([*flood, *quiet], 100, 10, None)
    # The first seven of twenty accounts, in each of three rounds.
    assert [shares.allow(each) for each in flood] == [number % 20 < 7 for number in range(60)]
