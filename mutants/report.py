"""The report: a table by module, then each mutant that was not noticed; as text, and as Markdown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mutants.modules import Module
from mutants.mutations import Mutant
from mutants.run import EQUIVALENT, KILLED, NOT_NOTICED

HEAD = ("module", "mutants", "killed", "equivalent", "not noticed", "per cent")


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found. `verdicts` has those mutants that were examined; `existing` counts all of the modules."""

    seed: int
    existing: int
    modules: Sequence[Module]
    verdicts: Mapping[Mutant, str]
    minutes: float
    on: datetime

    @property
    def per_cent(self) -> float:
        return per_cent(self._counts(self.verdicts))

    @property
    def survivors(self) -> list[Mutant]:
        found = [mutant for mutant, verdict in self.verdicts.items() if verdict == NOT_NOTICED]
        return sorted(found, key=lambda mutant: (mutant.module, mutant.line, mutant.replacement))

    def place(self, mutant: Mutant) -> str:
        file = next(module.file for module in self.modules if module.name == mutant.module)
        return f"{file}:{mutant.line}"

    def rows(self) -> list[tuple[str, ...]]:
        rows = []
        for module in self.modules:
            own = {mutant: verdict for mutant, verdict in self.verdicts.items() if mutant.module == module.name}
            if own:
                rows.append(_row(module.name, self._counts(own)))
        return [*rows, _row("all", self._counts(self.verdicts))]

    def _counts(self, verdicts: Mapping[Mutant, str]) -> Counter[str]:
        return Counter(verdicts.values())

    def summary(self) -> str:
        return (
            f"seed {self.seed}: {len(self.verdicts):,} of {self.existing:,} mutants of {len(self.modules)} modules, "
            f"{self.per_cent:.1f} % of those that are not equivalent were noticed; {self.minutes:.0f} min"
        )

    def as_text(self) -> str:
        rows = [HEAD, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        lines = [
            "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in cells)
            for cells in (list(enumerate(zip(row, widths, strict=True))) for row in rows)
        ]
        for mutant in self.survivors:
            lines += [
                "",
                f"{self.place(mutant)} {mutant.function}",
                f"  - {mutant.source}",
                f"  + {mutant.replacement}",
            ]
        return "\n".join([*lines, "", self.summary()])

    def as_markdown(self) -> str:
        table = [" | ".join(row).join(("| ", " |")) for row in (HEAD, ("---", *["---:"] * 5), *self.rows())]
        found: list[str] = []
        for mutant in self.survivors:
            found += [
                f"- `{self.place(mutant)}` ({mutant.function or 'module'}: {mutant.operator})",
                "  ```diff",
                f"  - {mutant.source}",
                f"  + {mutant.replacement}",
                "  ```",
            ]
        return "\n".join(
            [
                "# Mutants",
                "Small changes of the core modules, one at a time: does a test notice? Written by `make mutants`;",
                "[maintenance.md](maintenance.md#mutants) says how to read and use it.",
                "",
                f"{self.on:%Y-%m-%d}, {self.summary()}.",
                "",
                *table,
                "",
                "## Not noticed",
                *(found or ["None."]),
                "",
            ]
        )


def per_cent(counts: Counter[str]) -> float:
    """Return how many of those that aren't equivalent were noticed; 0 if none was examined: that shows nothing."""
    relevant = counts[KILLED] + counts[NOT_NOTICED]
    if not relevant:
        return 100.0 if counts.total() else 0.0
    return 100 * counts[KILLED] / relevant


def _row(name: str, counts: Counter[str]) -> tuple[str, ...]:
    numbers = [counts.total(), counts[KILLED], counts[EQUIVALENT], counts[NOT_NOTICED]]
    return (name, *map(str, numbers), f"{per_cent(counts):.1f}")
