"""When each transaction of a load is due: rates that hold, rise or fall. Pure rules; Locust's process uses them too."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phase:
    """`seconds` in which the rate goes evenly from `begins` to `ends` transactions a second; both are over 0."""

    seconds: float
    begins: float
    ends: float

    @property
    def count(self) -> float:
        return (self.begins + self.ends) / 2 * self.seconds

    def due(self, number: float) -> float:
        """Return after how many seconds of the phase so many transactions are due."""
        growth = (self.ends - self.begins) / self.seconds
        if growth == 0:
            return number / self.begins
        # The root of number = begins * t + growth / 2 * t².
        root = max(0.0, self.begins**2 + 2 * growth * number) ** 0.5
        return (root - self.begins) / growth


def count_of(phases: Sequence[Phase]) -> int:
    """Return how many transactions the phases have together."""
    return int(sum(phase.count for phase in phases) + 1e-6)


def due(phases: Sequence[Phase], index: int) -> float:
    """Return after how many seconds the transaction at `index` (from 0) is due. Without phases it is due at once."""
    began, left = 0.0, float(index)
    for phase in phases:
        if left < phase.count:
            return began + phase.due(left)
        began += phase.seconds
        left -= phase.count
    return began
