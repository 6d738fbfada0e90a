"""What is known of the tests: how long each takes, which lines it reaches, what it has noticed. Kept between runs.

What is kept decides only which tests run first: a mutant counts as not noticed after the others passed, too.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutants.modules import Module
from mutants.mutations import Mutant

KEPT = Path(".local/mutants.json")
# What a test may take beyond what it took; then it hangs.
LIMIT_S, TIMES = 10.0, 5.0
_STARTS_WITHIN_S = 60.0
_UNKNOWN_TAKES_S = 1.0
TOO_LONG_S = 600.0  # of a test that was cut short
_TIMES_AS_LONG = 2.0  # by the clock, of what a test may take of the processor's time
_LEAST_S = 0.01


@dataclass(slots=True)
class Known:
    """By test: `took_s`, `killed`, `lines` by file. `of` are the digests of the test files and of the modules.

    Tests that took longer than `longest_s` of the processor's time are left out: what they notice, a quicker one should
    notice, too.
    """

    longest_s: float = 3.0
    existing: list[str] = field(default_factory=list)
    took_s: dict[str, float] = field(default_factory=dict)
    killed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lines: dict[str, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    of: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def of_files(self, files: Iterable[str]) -> list[str]:
        wanted = set(files)
        return [test for test in self.existing if test.partition("::")[0] in wanted]

    def order(self, module: Module, mutant: Mutant) -> list[str]:
        """Return the tests of the module: first those that reach the mutant; first those that may soon notice it."""
        lines = self.lines[module.file]

        def place(test: str) -> tuple[bool, float]:
            reached = lines.get(test, ())
            # What stands outside of functions is run by the import: whoever uses the module reaches it.
            reaches = mutant.statement in reached if mutant.function else bool(reached)
            return not reaches, (self._takes_s(test) + _LEAST_S) / (self.killed[test] + 1)

        tests = self.of_files(module.tests)
        return sorted(
            [test for test in tests if self._takes_s(test) <= _TIMES_AS_LONG * self.longest_s] or tests, key=place
        )

    def limits_s(self, tests: Iterable[str]) -> dict[str, float]:
        return {test: LIMIT_S + TIMES * self._takes_s(test) for test in tests}

    def at_most_s(self, tests: Iterable[str]) -> float:
        """Return how long all of these may take together."""
        took_s = [self._takes_s(test) for test in tests]
        return _STARTS_WITHIN_S + 2 * sum(took_s) + LIMIT_S + TIMES * max(took_s, default=0.0)

    def is_current(self, root: Path, file: str, modules: Iterable[Module]) -> bool:
        """Whether the test file and the modules are still those whose lines are known."""
        is_same = _digests(root, file, modules).items() <= self.of.get(file, {}).items()
        return is_same and all(test in self.took_s for test in self.of_files([file]))

    def learn(self, root: Path, file: str, modules: Iterable[Module], tree: Path, reached: dict[str, Any]) -> None:
        """Take over what a recorded run of a test file has found."""
        self.of[file] = _digests(root, file, modules)
        for test, facts in reached.items():
            self.took_s[test] = facts["took_s"]
            for path, lines in facts["lines"].items():
                self.lines[str(Path(path).relative_to(tree))][test] = lines

    def _takes_s(self, test: str) -> float:
        return self.took_s.get(test, _UNKNOWN_TAKES_S)


def _digests(root: Path, file: str, modules: Iterable[Module]) -> dict[str, str]:
    files = [file, *(module.file for module in modules)]
    return {one: hashlib.sha256((root / one).read_bytes()).hexdigest() for one in files}


def kept(root: Path) -> Known:
    """Return what the last run has kept; nothing if there was none, or if it can't be read."""
    tests = Known()
    try:
        found = json.loads((root / KEPT).read_text())
        tests.took_s |= found["took_s"]
        tests.killed |= found["killed"]
        tests.lines |= found["lines"]
        tests.of |= found["of"]
    except (OSError, ValueError, KeyError, TypeError):
        return Known()
    return tests


def keep(root: Path, tests: Known) -> None:
    file = root / KEPT
    file.parent.mkdir(exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(
        json.dumps({"took_s": tests.took_s, "killed": tests.killed, "lines": tests.lines, "of": tests.of}),
    )
    new.replace(file)
