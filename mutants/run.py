"""A run: first all tests pass on the code as it is, then each mutant is made, and the tests that reach it are run.

A test that reaches no line of the change can't notice it, so the tests that do are run first, the fastest ones first.
A mutant counts as not noticed only after all the other tests of its module passed, too.
"""

import contextlib
import queue
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mutants.instrumented import instrumented
from mutants.modules import Module
from mutants.mutations import Mutant
from mutants.tree import changed
from mutants.worker import Worker

KILLED, EQUIVALENT, NOT_NOTICED = "killed", "equivalent", "not noticed"
# What a test may take beyond what it took; then it hangs.
_LIMIT_S, _TIMES = 10.0, 5.0
_STARTS_WITHIN_S = 60.0


class TestsFail(Exception):
    """The tests don't pass on the code as it is."""


@dataclass(slots=True)
class Tests:
    """What is known of the tests: how long each takes, and which lines it reaches of which file."""

    took_s: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, frozenset[int]]] = field(default_factory=lambda: defaultdict(dict))

    def of_file(self, file: str) -> list[str]:
        return [test for test in self.took_s if test.partition("::")[0] == file]

    def reaching(self, module: Module, mutant: Mutant) -> list[str]:
        """Return the tests of the module's files that reach the mutant, the fastest first."""
        tests = [test for file in module.tests for test in self.of_file(file)]
        lines = {test: self.lines[module.file].get(test, frozenset()) for test in tests}
        # What stands outside of functions is run by the import: whoever uses the module reaches it.
        reaching = [test for test in tests if (mutant.statement in lines[test] if mutant.function else lines[test])]
        return sorted(reaching, key=lambda test: self.took_s[test])

    def limits_s(self, tests: Sequence[str]) -> dict[str, float]:
        return {test: _LIMIT_S + _TIMES * self.took_s[test] for test in tests}


def recorded(workers: "queue.Queue[Worker]", modules: Sequence[Module], said: Callable[[str], None]) -> Tests:
    """Run the modules' tests on the code as it is, and record what they reach. Raises TestsFail."""
    files = list(dict.fromkeys(file for module in modules for file in module.tests))
    known = Tests()

    def record(file: str) -> None:
        worker = workers.get()
        try:
            with contextlib.ExitStack() as stack:
                for module in modules:
                    path = worker.tree / module.file
                    stack.enter_context(changed(path, instrumented(path.read_bytes(), module.file)))
                answer = worker.run([file], is_recorded=True)
        finally:
            workers.put(worker)
        if answer["status"] != 0:
            raise TestsFail(f"{file} doesn't pass on the code as it is:\n{answer['said']}")
        for test, facts in answer["tests"].items():
            known.took_s[test] = facts["took_s"]
            for reached, lines in facts["lines"].items():
                known.lines[reached][test] = frozenset(lines)
        said(file)

    _in_parallel(record, files, workers.qsize())
    return known


def examined(
    workers: "queue.Queue[Worker]",
    modules: Sequence[Module],
    mutants: Sequence[Mutant],
    tests: Tests,
    said: Callable[[Mutant, str], None],
    ends: float | None = None,
) -> None:
    """Make each mutant in turn, and say for each whether it was noticed; none is begun after the monotonic `ends`."""
    by_name = {module.name: module for module in modules}

    def examine(mutant: Mutant) -> None:
        if ends is not None and time.monotonic() > ends:
            return
        worker = workers.get()
        try:
            verdict = KILLED if _is_noticed(worker, by_name[mutant.module], mutant, tests) else NOT_NOTICED
        finally:
            workers.put(worker)
        said(mutant, verdict)

    _in_parallel(examine, mutants, workers.qsize())


def _is_noticed(worker: Worker, module: Module, mutant: Mutant, tests: Tests) -> bool:
    file = worker.tree / module.file
    known = [test for of in module.tests for test in tests.of_file(of)]
    reaching = tests.reaching(module, mutant)
    reaching_too = set(reaching)
    others = [test for test in known if test not in reaching_too]
    with changed(file, mutant.applied_to(file.read_bytes())):
        return any(_fail(worker, part, known, tests) for part in (reaching, others) if part)


def _fail(worker: Worker, part: Sequence[str], known: Sequence[str], tests: Tests) -> bool:
    limits_s = tests.limits_s(part)
    files = dict.fromkeys(test.partition("::")[0] for test in part)
    at_most_s = _STARTS_WITHIN_S + sum(tests.took_s[test] for test in part) * 2 + max(limits_s.values())
    answer = worker.run(list(files), part, known, limits_s, at_most_s=at_most_s)
    return bool(answer["status"] != 0)


def _in_parallel(work: Callable[[Any], None], values: Sequence[Any], count: int) -> None:
    """Do the work for each value; what is raised first ends it."""
    pool = ThreadPoolExecutor(count)
    try:
        for future in [pool.submit(work, value) for value in values]:
            future.result()
    finally:
        # Whoever interrupts does not wait: the workers are stopped next, which ends the work.
        pool.shutdown(wait=False, cancel_futures=True)
