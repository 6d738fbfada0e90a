"""A histogram of durations with fixed bounds, so that counts of many functions and hours can be added up. Pure."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

# The upper bounds of the buckets, in seconds. What is longer than the last one is in one more bucket. The bounds are
# not stored: changing them changes what stored counts mean.
_BOUNDS = "0.05 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 1.5 2 3 5 7.5 10 15 30 60 120 300 900 3600"
BOUNDS_S = tuple(Decimal(bound) for bound in _BOUNDS.split())
_EDGES_S = tuple(map(float, BOUNDS_S))  # as durations are, and faster
BUCKETS = len(BOUNDS_S) + 1
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations there are in each bucket."""

    counts: tuple[int, ...] = (0,) * BUCKETS

    @classmethod
    def of(cls, durations_s: Iterable[float]) -> "Histogram":
        """Return the histogram of durations in seconds. A negative one, of clocks that differ, counts as none."""
        counts = [0] * BUCKETS
        for duration_s in durations_s:
            counts[bisect_left(_EDGES_S, duration_s)] += 1
        return cls(tuple(counts))

    @property
    def count(self) -> int:
        return sum(self.counts)

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram(tuple(map(sum, zip(self.counts, other.counts, strict=True))))

    def quantile(self, of: Decimal) -> Decimal | None:
        """Return the duration, in seconds, that this part (0 to 1) of all durations doesn't exceed; None without any.

        Within a bucket the durations count as spread evenly. Of the last bucket, the lower bound is returned.
        """
        rank, before = of * self.count, 0
        if not self.count:
            return None
        for number, count in enumerate(self.counts):
            if count and before + count >= rank:
                lower = BOUNDS_S[number - 1] if number else Decimal(0)
                upper = BOUNDS_S[number] if number < len(BOUNDS_S) else lower
                return (lower + (upper - lower) * (rank - before) / count).quantize(_HUNDREDTH)
            before += count
        raise AssertionError("a quantile is at most 1")


EMPTY = Histogram()
