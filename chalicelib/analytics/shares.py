"""Shares: how much each bank may have of one step of the analytics job."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.analytics.rollups import Day, day_of
from chalicelib.ledger.keys import account_key

_Row = Mapping[str, Any]


class Shares:
    """Which rows of a step's are within their bank's share: of days, of accounts, and of rows, all divided alike.

    What a bank doesn't need of its share, the others have: see `level`.
    """

    def __init__(self, rows: Iterable[_Row], max_days: int, max_accounts: int, max_rows: int | None) -> None:
        wanted = [_Wanted() for _ in range(3)]
        for row in rows:
            for each, thing in zip(wanted, _needs(row), strict=True):
                each[row["bank"]].add(thing)
        bounds = max_days, max_accounts, max_rows
        self._levels = [
            None if bound is None else level([len(things) for things in each.values()], bound)
            for each, bound in zip(wanted, bounds, strict=True)
        ]
        self._had = [_Wanted() for _ in range(3)]
        self._is_enough = not any(self._levels)

    def allow(self, row: _Row) -> bool:
        """Count a row as its bank's, if that is within the bank's share; return whether it is."""
        if self._is_enough:
            return True
        had = [each[row["bank"]] for each in self._had]
        needs = _needs(row)
        for things, thing, most in zip(had, needs, self._levels, strict=True):
            if thing not in things and len(things) == most:
                return False
        for things, thing in zip(had, needs, strict=True):
            things.add(thing)
        return True


class _Wanted(defaultdict[str, set[Any]]):
    """Things by bank."""

    def __init__(self) -> None:
        super().__init__(set)


def level(wanted: Iterable[int], bound: int) -> int | None:
    """Return how much each may have so that all together have no more than the bound; None if it is enough for all.

    The largest such number, and at least 1: who wants less has all of it.
    """
    left = bound
    rising = sorted(wanted)
    for number, each in enumerate(rising):
        if each * (len(rising) - number) > left:
            return max(1, left // (len(rising) - number))
        left -= each
    return None


def _needs(row: _Row) -> tuple[Day, str, str]:
    """Return what a row needs of a step."""
    return day_of(row), account_key(row["bank"], row["account"]), row["recorded_key"]
