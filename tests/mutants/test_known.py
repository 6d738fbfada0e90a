"""Which tests run first, how long they may take, and what is kept for the next run."""

from pathlib import Path
from typing import Any

import pytest

from mutants.known import KEPT, TOO_LONG_S, Known, keep, kept
from mutants.modules import Module
from mutants.mutations import Mutant, mutants_of

MODULE = Module("toy.counting", "toy/counting.py", ("tests/test_a.py", "tests/test_b.py"))
SOURCE = b"LIMIT = 1\n\n\ndef many(number):\n    return number > LIMIT\n"
QUICK, SLOW, ELSEWHERE, OTHER = "tests/test_b.py::quick", "tests/test_a.py::slow", "tests/test_a.py::e", "tests/c.py::o"


@pytest.fixture
def tests() -> Known:
    tests = Known(existing=[SLOW, ELSEWHERE, QUICK, OTHER])
    tests.took_s |= {SLOW: 2.0, QUICK: 0.1, ELSEWHERE: 0.0, OTHER: 0.0}
    tests.lines[MODULE.file] = {SLOW: [5], QUICK: [5], OTHER: [5]}
    return tests


def mutant(line: int) -> Mutant:
    return next(one for one in mutants_of(MODULE.name, SOURCE) if one.line == line)


@pytest.mark.parametrize("line", [1, 5])
def test_those_that_reach_it_are_first_and_the_fastest_of_them(tests: Known, line: int) -> None:
    # What stands outside of functions is reached by whoever uses the module.
    assert tests.order(MODULE, mutant(line)) == [QUICK, SLOW, ELSEWHERE]


def test_one_that_has_noticed_many_comes_sooner(tests: Known) -> None:
    tests.killed[SLOW] = 100

    assert tests.order(MODULE, mutant(5)) == [SLOW, QUICK, ELSEWHERE]


def test_one_that_was_cut_short_is_left_out_unless_there_is_no_other(tests: Known) -> None:
    tests.took_s[SLOW] = TOO_LONG_S
    assert tests.order(MODULE, mutant(5)) == [QUICK, ELSEWHERE]
    tests.took_s |= {QUICK: TOO_LONG_S, ELSEWHERE: TOO_LONG_S}
    assert set(tests.order(MODULE, mutant(5))) == {QUICK, SLOW, ELSEWHERE}


def test_a_test_hangs_after_a_multiple_of_what_it_took(tests: Known) -> None:
    assert tests.limits_s([SLOW, "unknown"]) == {SLOW: 20.0, "unknown": 15.0}
    assert tests.at_most_s([SLOW, QUICK]) == 60 + 4.2 + 20


def learnt(root: Path) -> Known:
    tests = Known(existing=[QUICK])
    reached: dict[str, Any] = {QUICK: {"took_s": 0.5, "lines": {str(root / "tree" / MODULE.file): [5]}}}
    tests.learn(root, "tests/test_b.py", [MODULE], root / "tree", reached)
    return tests


def test_what_is_kept_is_known_until_the_test_file_or_the_module_changes(tmp_path: Path) -> None:
    for name in (MODULE.file, "tests/test_b.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    learnt_once = learnt(tmp_path)
    learnt_once.killed[QUICK] += 1
    keep(tmp_path, learnt_once)

    tests = kept(tmp_path)
    tests.existing = [QUICK]
    assert (tests.took_s, tests.killed, tests.lines) == ({QUICK: 0.5}, {QUICK: 1}, {MODULE.file: {QUICK: [5]}})
    assert tests.is_current(tmp_path, "tests/test_b.py", [MODULE])
    assert tests.is_current(tmp_path, "tests/test_b.py", [])
    tests.existing.append("tests/test_b.py::new")
    assert not tests.is_current(tmp_path, "tests/test_b.py", [MODULE])
    tests.existing.pop()
    (tmp_path / MODULE.file).write_text("changed = 1")
    assert not tests.is_current(tmp_path, "tests/test_b.py", [MODULE])


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"took_s": 1}'])
def test_what_cannot_be_read_is_as_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / KEPT).parent.mkdir()
        (tmp_path / KEPT).write_text(text)

    assert kept(tmp_path) == Known()
