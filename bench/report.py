"""The lines of the report: a measurement, what it is compared with, and whether the target is met."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_HEADINGS = ("", "measured", "beside", "", "figure", "target", "")
_FIGURES = (1, 3, 4, 5)  # The columns of numbers, which are aligned on the right.


def duration(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 0.001 else f"{seconds * 1e3:.1f} ms"


def memory(size: float) -> str:
    return f"{size / 2**20:.1f} MB"


@dataclass(frozen=True, slots=True)
class Line:
    """A measurement beside another, both in seconds or bytes. `figure`, a ratio or MB, may be `target` at most."""

    name: str
    shown: Callable[[float], str]
    measured: float
    beside: str
    beside_measured: float
    figure: float
    target: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its target. Without a target it always is."""
        return self.target is None or self.figure <= self.target


def as_text(lines: Sequence[Line]) -> str:
    """Return the report as a table."""
    rows = [_HEADINGS, *map(_cells, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in _FIGURES else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_json(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the report as JSON values, in seconds and bytes."""
    names = ("name", "measured", "beside", "beside_measured", "figure", "target", "is_met")
    return {
        "is_met": all(line.is_met for line in lines),
        "lines": [{name: getattr(line, name) for name in names} for line in lines],
    }


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.name,
        line.shown(line.measured),
        line.beside,
        line.shown(line.beside_measured),
        f"{line.figure:.2f}" if line.shown is duration else f"{line.figure:.1f} MB",
        "" if line.target is None else f"<= {line.target:g}",
        "" if line.target is None else "met" if line.is_met else "MISSED",
    )
