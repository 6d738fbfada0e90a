"""How much a search may cost: a number of steps, which are counted down."""

import sys


class TooMuchToSearch(Exception):
    """A search needs more steps than are left."""


class Steps:
    """The steps that a search has left; each takes about a microsecond. Counted, not timed: the same text always costs
    the same, so what is left out of a transaction is left out of its replay too.
    """

    __slots__ = ("left",)

    def __init__(self, most: int = sys.maxsize) -> None:
        self.left = most

    def take(self, count: int = 1) -> None:
        """Take steps away; raises TooMuchToSearch when there are not as many."""
        self.left -= count
        if self.left < 0:
            raise TooMuchToSearch
