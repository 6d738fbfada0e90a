"""A run on a small project: what is noticed, what isn't, what hangs, and that the project stays as it is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mutants import equivalent, known
from mutants.__main__ import main
from tests.mutants.toy import MODULE, TESTS, fingerprint, made

PROJECT = Path(__file__).parents[2]
# The command on the project in the working directory: signals need a process of its own.
COMMAND = """
import sys
from pathlib import Path
from mutants.__main__ import main
from tests.mutants.toy import MODULE
sys.exit(main(["--sample", "0"], Path.cwd(), [MODULE]))
"""
LONG = """

def test_long() -> None:
    import pathlib
    import time
    pathlib.Path("runs").touch()
    time.sleep(600)
"""


def test_survivors_are_reported_what_hangs_ends_and_the_project_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "LIMIT_S", 1.0)
    root = made(tmp_path / "project")
    before = fingerprint(root)

    # Some mutants count for ever.
    status = main(["--sample", "0", "--workers", "2"], root, [MODULE])

    out, err = capsys.readouterr()
    assert status == 1  # less than 97 %
    survivors = [line for line in out.splitlines() if line.startswith("  + ")]
    assert sorted(survivors) == ["  + return number > 10", "  + return number >= 11", "  + return number >= 9"]
    assert "toy/counting.py:6 is_many\n  - return number >= 10\n" in out
    assert "toy.counting:6 return number >= 10  ->  return number > 10" in err
    row = next(line.split() for line in out.splitlines() if line.startswith("toy.counting"))
    mutants, killed, equivalent_ones, not_noticed, per_cent = row[1:]
    assert (int(mutants), equivalent_ones, not_noticed) == (int(killed) + 3, "0", "3")
    assert float(per_cent) == round(100 * int(killed) / int(mutants), 1)
    written = (root / "docs/mutants.md").read_text()
    assert f"| {' | '.join(row)} |" in written
    assert "  - return number >= 10\n  + return number >= 9\n" in written
    assert fingerprint(root) == before | {"docs/mutants.md": fingerprint(root)["docs/mutants.md"]}


def test_a_listed_mutant_is_counted_apart_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {
        ("toy.counting", "is_many", "return number >= 10", f"return number {then}"): "nobody has as many"
        for then in ("> 10", ">= 11", ">= 9")
    }
    monkeypatch.setattr(equivalent, "reasons", lambda: listed)
    monkeypatch.setattr(known, "LIMIT_S", 1.0)
    root = made(tmp_path / "project")

    assert main(["--sample", "0", "--module", "toy.counting"], root, [MODULE]) == 0
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("toy.counting"))
    assert row[3:] == ["3", "0", "100.0"]
    assert not (root / "docs/mutants.md").exists()  # only one module was asked for


def test_after_its_minutes_it_ends_and_reports_what_it_has_examined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(tmp_path / "project")

    assert main(["--sample", "0", "--minutes", "0.0001"], root, [MODULE]) == 1  # none, which shows nothing
    summary = capsys.readouterr().out.splitlines()[-1]
    assert summary.startswith("seed 1: 0 of ")
    assert not (root / "docs/mutants.md").exists()  # not all were examined


def test_tests_that_fail_on_the_code_as_it_is_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = made(tmp_path / "project")
    (root / MODULE.tests[0]).write_text(TESTS.replace("== 3", "== 4"))

    assert main(["--sample", "1"], root, [MODULE]) == 1
    said = capsys.readouterr().err
    assert "tests/test_counting.py doesn't pass on the code as it is:" in said
    assert "assert 3 == 4" in said


def test_a_seed_draws_the_same_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    def drawn(seed: int) -> str:
        assert main(["--list", "--sample", "20", "--seed", str(seed), "--module", "mail.pacing"]) == 0
        return capsys.readouterr().out

    assert drawn(7) == drawn(7) != drawn(8)
    assert len(drawn(7).splitlines()) == 20


def test_a_module_that_is_not_listed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--module", "mail.nothing"]) == 2
    assert capsys.readouterr().err == "no core module: mail.nothing. mutants/modules.py lists them.\n"


@pytest.mark.parametrize("stopping", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_and_leaves_nothing_behind(tmp_path: Path, stopping: signal.Signals) -> None:
    root = made(tmp_path / "project")
    (root / MODULE.tests[0]).write_text(TESTS + LONG)
    before = fingerprint(root)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(PROJECT)}
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 300
    while not list(temporary.glob("mutants-*/tree/runs")) and time.monotonic() < until:
        assert command.poll() is None, command.communicate()
        time.sleep(0.1)
    command.send_signal(stopping)
    _, err = command.communicate(timeout=120)

    assert command.returncode == 130, err
    assert b"interrupted: only these were examined" in err
    assert b"Traceback" not in err
    assert not list(temporary.iterdir())
    assert fingerprint(root) == before


# Each is only noticed if the change is seen where it was imported by name, or was evaluated at the import.
BY_NAME = {
    "toy/counting.py": """LIMIT = 10


def limit():
    return LIMIT


def double(number):
    return number * 2


TWENTY = double(LIMIT)
""",
    "toy/user.py": """from toy.counting import LIMIT, TWENTY, double, limit

DOUBLED = {"double": double, "by": limit}
KEPT = (LIMIT, TWENTY)
""",
    "tests/test_counting.py": """from toy.user import DOUBLED, KEPT


def test_kept():
    assert KEPT == (10, 20)


def test_double():
    assert DOUBLED["by"]() == 10
""",
}


def test_what_is_imported_by_name_or_evaluated_at_the_import_is_noticed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(tmp_path / "project")
    for name, text in BY_NAME.items():
        (root / name).write_text(text)

    assert main(["--sample", "0"], root, [MODULE]) == 0, capsys.readouterr().out
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("toy.counting"))
    assert row[1:] == ["7", "7", "0", "0", "100.0"]


def test_a_test_that_fails_on_the_code_as_it_is_is_not_believed_after_a_run_that_knew_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(tmp_path / "project")
    (root / MODULE.tests[0]).write_text(TESTS)
    assert main(["--sample", "1"], root, [MODULE]) in (0, 1)
    capsys.readouterr()
    # The code that it doesn't test has changed since the last run, whose knowledge is kept.
    (root / "toy/__init__.py").write_text("FAILS = True\n")
    (root / MODULE.tests[0]).write_text(TESTS)
    (root / "tests/conftest.py").write_text(
        "import pytest, toy\n\n\n@pytest.fixture(autouse=True)\ndef one():\n    assert not toy.FAILS\n"
    )

    assert main(["--sample", "1"], root, [MODULE]) == 1
    assert "doesn't pass on the code as it is" in capsys.readouterr().err
