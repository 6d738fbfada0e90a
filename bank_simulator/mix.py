"""The mix of a run: which postings are new, planted fraud, duplicates, conflicts and invalid."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bank_simulator.fraud import bursts

_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of duplicates, conflicts, invalid postings and fraud: 0 to 1 each, at most 1 together."""

    duplicates: float = 0
    conflicts: float = 0
    invalid: float = 0
    fraud: float = 0


def kinds(rng: Random, count: int | None, shares: Shares) -> Iterator[str]:
    """Yield `new`, `theft`, `fraud`, `duplicate`, `conflict` or `invalid` for each of `count` postings (None: endless).

    Each block of 1,000 is shuffled and has the exact shares. It begins with a new posting, so that there is one to
    repeat. Fraud comes in bursts, one for each theft: its first posting is `theft`, the others are `fraud`.
    """
    left = count
    while left is None or left > 0:
        size = _BLOCK if left is None else min(left, _BLOCK)
        block = (
            ["duplicate"] * round(size * shares.duplicates)
            + ["conflict"] * round(size * shares.conflicts)
            + ["invalid"] * round(size * shares.invalid)
        )[:size]
        planted = min(round(size * shares.fraud), size - len(block))
        block += ["new"] * (size - len(block) - planted)
        rng.shuffle(block)
        if "new" in block:
            first = block.index("new")
            block[0], block[first] = block[first], block[0]
        yield from _with_thefts(rng, block, list(bursts(rng, planted)))
        left = None if left is None else left - size


def _with_thefts(rng: Random, block: list[str], sizes: list[int]) -> Iterator[str]:
    """Yield the block's kinds with bursts of fraud between them, none before its first."""
    begin = min(1, len(block))
    places = sorted(rng.randint(begin, len(block)) for _ in sizes)
    last = 0
    for place, size in zip(places, sizes, strict=True):
        yield from block[last:place]
        yield from ["theft"] + ["fraud"] * (size - 1)
        last = place
    yield from block[last:]
