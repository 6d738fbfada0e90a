"""The mix of a run: which postings are new, duplicates, conflicts and invalid."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of duplicates, conflicts and invalid postings: 0 to 1 each, at most 1 together."""

    duplicates: float = 0
    conflicts: float = 0
    invalid: float = 0


def kinds(rng: Random, count: int | None, shares: Shares) -> Iterator[str]:
    """Yield `new`, `duplicate`, `conflict` or `invalid` for each of `count` postings (None: endless).

    Each block of 1,000 is shuffled and has the exact shares. It begins with a new posting, so that there is one to
    repeat.
    """
    left = count
    while left is None or left > 0:
        size = _BLOCK if left is None else min(left, _BLOCK)
        block = (
            ["duplicate"] * round(size * shares.duplicates)
            + ["conflict"] * round(size * shares.conflicts)
            + ["invalid"] * round(size * shares.invalid)
        )[:size]
        block += ["new"] * (size - len(block))
        rng.shuffle(block)
        if "new" in block:
            first = block.index("new")
            block[0], block[first] = block[first], block[0]
        yield from block
        left = None if left is None else left - size
