"""A worker's answers, and the way from one change to the next: none of them is left in the process or in the tree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mutants.known import TOO_LONG_S
from mutants.session import NOT_IN_PLACE
from mutants.worker import Stopped, Worker, working
from tests.mutants.toy import MODULE, SOURCE, TESTS, made

LONG = """

def test_long() -> None:
    try:
        for _ in range(10**9):
            pass
    except BaseException:
        raise AssertionError from None
"""
MANY, COUNTING, LONG_ONE = (f"{MODULE.tests[0]}::test_{name}" for name in ("many", "counting", "long"))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    root = made(tmp_path_factory.mktemp("toy") / "project")
    (root / MODULE.tests[0]).write_text(TESTS + LONG)
    with working(root, 1) as (worker,):
        answer = worker.begin(MODULE.tests, [MODULE.file])
        assert answer["tests"] == [MANY, COUNTING, LONG_ONE]
        assert "pytest" in answer["libraries"]
        assert not [name for name in answer["libraries"] if name.startswith(("toy", "tests", "mutants"))]
        yield worker


def tried(worker: Worker, before: str = "", then: str = "", recorded: bool = False, **further: Any) -> dict[str, Any]:
    file = str(worker.tree / MODULE.file)
    change = {"file": None, "source": None, "line": 0}
    if before:
        line = SOURCE[: SOURCE.index(before)].count("\n") + 1
        change = {"file": file, "source": SOURCE.replace(before, then), "line": line}
    asked = {"tests": [MANY, COUNTING], "limits_s": {}, "at_most_s": 60, "recorded": [file] if recorded else []}
    return worker.session.asked(**{**asked, **change, **further})


def test_a_change_is_in_its_own_fork_only(worker: Worker) -> None:
    noticed = tried(worker, "number >= 10", "number >= 100")
    assert (noticed["status"], noticed["failed"]) == (1, MANY)
    assert "assert is_many(50)" in noticed["said"]
    assert tried(worker)["status"] == 0
    noticed = tried(worker, "steps += 1", "steps += 2")
    assert (noticed["status"], noticed["failed"]) == (1, COUNTING)
    assert tried(worker, "number >= 10", "number >= 9")["status"] == 0


def test_only_the_tests_that_are_asked_for_run(worker: Worker) -> None:
    assert tried(worker, "number >= 10", "number >= 100", tests=[COUNTING])["status"] == 0


def test_one_that_hangs_fails(worker: Worker) -> None:
    hangs = tried(worker, "number -= 1", "pass", limits_s={COUNTING: 0.5})
    assert (hangs["status"], hangs["failed"]) == (1, COUNTING)
    assert tried(worker, "number -= 1", "pass", at_most_s=1)["status"] < 0


def test_what_is_in_no_function_is_sent_back(worker: Worker) -> None:
    assert tried(worker, '"""Counting."""', "COUNTING = 1")["status"] == NOT_IN_PLACE


def test_the_lines_that_are_reached_are_told(worker: Worker) -> None:
    reached = tried(worker, recorded=True)["reached"]

    (lines,) = reached[MANY]["lines"].values()
    assert lines == [SOURCE[: SOURCE.index("return number")].count("\n") + 1]
    assert 0 < reached[MANY]["took_s"] < 10
    assert reached.keys() == {MANY, COUNTING}


def test_one_that_takes_long_is_cut_short_when_the_lines_are_asked_for(worker: Worker) -> None:
    answer = tried(worker, recorded=True, longest_s=0.2, tests=[MANY, LONG_ONE, COUNTING])

    assert answer["status"] == 0
    took_s = {test: facts["took_s"] for test, facts in answer["reached"].items()}
    assert took_s[LONG_ONE] == TOO_LONG_S
    assert max(took_s[MANY], took_s[COUNTING]) < 10


def test_code_that_is_imported_anew_and_a_test_whose_name_hangs_on_it(worker: Worker) -> None:
    file = worker.tree / MODULE.file
    file.write_text(SOURCE.replace("number >= 10", "number >= 100"))
    asked: dict[str, Any] = {"files": list(MODULE.tests), "limits_s": {}, "at_most_s": 60}
    by_name = worker.server.asked(**asked, only=[COUNTING, MANY], known=[COUNTING, MANY, LONG_ONE])
    as_unknown = worker.server.asked(**asked, only=[COUNTING], known=[COUNTING, LONG_ONE])
    file.write_text(SOURCE)

    assert (by_name["status"], by_name["failed"]) == (as_unknown["status"], as_unknown["failed"]) == (1, MANY)
    assert worker.server.asked(**asked, only=[COUNTING], known=[COUNTING, MANY, LONG_ONE])["status"] == 0


def test_tests_that_cannot_be_collected_are_an_answer_and_one_who_is_stopped_has_none(tmp_path: Path) -> None:
    root = made(tmp_path / "project")
    (root / MODULE.tests[0]).write_text("import nothing_of_this_name\n")
    with working(root, 1) as (worker,):
        answer = worker.begin(MODULE.tests, [MODULE.file])
        assert (answer["status"], "nothing_of_this_name" in answer["said"]) == (2, True)
        with pytest.raises(Stopped):
            tried(worker)
