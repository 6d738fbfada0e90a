"""A run: the tests that reach a mutant are run first, those first that may soon notice it, until one fails.

A test that reaches no line of the change hardly ever notices it, so the others come last; a mutant counts as not
noticed only after all tests of its module passed, but for very slow ones. A test that fails is believed only if it
passes on the code as it is, behind the same tests.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

from mutants.known import Known
from mutants.modules import Module
from mutants.mutations import Mutant
from mutants.session import NOT_IN_PLACE
from mutants.tree import changed
from mutants.worker import Worker

KILLED, EQUIVALENT, NOT_NOTICED = "killed", "equivalent", "not noticed"


class TestsFail(Exception):
    """The tests don't pass on the code as it is."""


def begun(workers: Sequence[Worker], modules: Sequence[Module], tests: Known) -> None:
    """Let each worker collect the modules' tests. Raises TestsFail."""
    files = list(dict.fromkeys(file for module in modules for file in module.tests))
    watched = [module.file for module in modules]

    def begin(worker: Worker) -> None:
        answer = worker.begin(files, watched)
        if "tests" not in answer:
            raise TestsFail(f"the tests can't be collected:\n{answer['said']}")
        tests.existing = answer["tests"]

    _in_parallel(begin, workers, len(workers))


def recorded(
    workers: "Queue[Worker]", root: Path, modules: Sequence[Module], tests: Known, said: Callable[[str], None]
) -> None:
    """Run those tests on the code as it is of which it isn't known what they reach. Raises TestsFail."""

    def record(file: str) -> None:
        own = [module for module in modules if file in module.tests]
        if tests.is_current(root, file, own):
            return
        worker = workers.get()
        try:
            asked = tests.of_files([file])
            answer = _tried(worker, asked, tests, recorded=[str(worker.tree / module.file) for module in own])
        finally:
            workers.put(worker)
        if answer["status"] != 0:
            raise TestsFail(f"{file} doesn't pass on the code as it is:\n{answer['said']}")
        tests.learn(root, file, own, worker.tree, answer["reached"])
        said(file)

    _in_parallel(record, list(dict.fromkeys(file for module in modules for file in module.tests)), workers.qsize())


def examined(
    workers: "Queue[Worker]",
    modules: Sequence[Module],
    mutants: Sequence[Mutant],
    tests: Known,
    said: Callable[[Mutant, str], None],
    ends: float | None = None,
    is_anew: bool = False,
) -> None:
    """Make each mutant in turn, and say for each whether it was noticed; none is begun after the monotonic `ends`.

    With `is_anew` the code is imported anew for each of them.
    """
    by_name = {module.name: module for module in modules}
    believed: set[str] = set()

    def examine(mutant: Mutant) -> None:
        if ends is not None and time.monotonic() > ends:
            return
        worker = workers.get()
        try:
            is_noticed = _is_noticed(worker, by_name[mutant.module], mutant, tests, believed, is_anew)
        finally:
            workers.put(worker)
        said(mutant, KILLED if is_noticed else NOT_NOTICED)

    _in_parallel(examine, mutants, workers.qsize())


def _is_noticed(
    worker: Worker, module: Module, mutant: Mutant, tests: Known, believed: set[str], is_anew: bool
) -> bool:
    file = worker.tree / module.file
    order = tests.order(module, mutant)
    with changed(file, mutant.applied_to(file.read_bytes())) as source:
        answer: dict[str, Any] = {"status": NOT_IN_PLACE}
        if mutant.function and not is_anew:
            answer = _tried(worker, order, tests, file=str(file), source=source.decode(), line=mutant.line)
        is_anew = answer["status"] == NOT_IN_PLACE
        if is_anew:
            answer = _tried_anew(worker, module, order, tests)
    if answer["status"] == 0:
        return False
    _believe(worker, module, order, tests, answer["failed"], is_anew, believed)
    return True


def _believe(
    worker: Worker,
    module: Module,
    order: Sequence[str],
    tests: Known,
    failed: str | None,
    is_anew: bool,
    believed: set[str],
) -> None:
    """Make sure, once, that what failed passes on the code as it is. `failed` is None if no test did: the import."""
    name = failed or module.name
    if failed in order:
        tests.killed[name] += 1
    if name in believed:
        return
    if failed in order:
        again = _tried(worker, order[: order.index(name) + 1], tests)
    elif is_anew:  # the module can't be imported, or a test that isn't known fails
        again = _tried_anew(worker, module, order[:1], tests)
    else:
        again = _tried(worker, order, tests)
    if again["status"] != 0:
        raise TestsFail(f"{name} doesn't pass on the code as it is:\n{again['said']}")
    believed.add(name)


def _tried_anew(worker: Worker, module: Module, order: Sequence[str], tests: Known) -> dict[str, Any]:
    return worker.server.asked(
        files=list(dict.fromkeys(test.partition("::")[0] for test in order)),
        only=list(order),
        known=tests.of_files(module.tests),
        limits_s=tests.limits_s(order),
        at_most_s=tests.at_most_s(order),
    )


def _tried(
    worker: Worker,
    order: Sequence[str],
    tests: Known,
    *,
    file: str | None = None,
    source: str | None = None,
    line: int = 0,
    recorded: Sequence[str] = (),
) -> dict[str, Any]:
    at_most_s = tests.at_most_s(order) if not recorded else 1800.0
    limits_s = tests.limits_s(order) if not recorded else {}
    return worker.session.asked(
        tests=list(order),
        limits_s=limits_s,
        at_most_s=at_most_s,
        file=file,
        source=source,
        line=line,
        recorded=list(recorded),
        longest_s=tests.longest_s,
    )


def _in_parallel(work: Callable[[Any], None], values: Sequence[Any], count: int) -> None:
    """Do the work for each value; what is raised first ends it."""
    pool = ThreadPoolExecutor(count)
    try:
        for future in [pool.submit(work, value) for value in values]:
            future.result()
    finally:
        # Whoever interrupts does not wait: the workers are stopped next, which ends the work.
        pool.shutdown(wait=False, cancel_futures=True)
