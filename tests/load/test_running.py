"""Locust as a process: a stand-in here, the real one on the local cloud (on_the_cloud/test_scenarios)."""

import json
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bank_simulator.bank_api import Target
from load import running
from load.banks import LoadedBank
from load.pacing import Phase
from load.running import Answered, LocustFailed, run_locust
from load.scenarios import Load
from tests.fakes import NoProgress

BANKS = [
    LoadedBank(
        Load("one", 3, batch=2, phases=(Phase(1, 2, 2),)), Target("http://here", "its-key"), ("L1",), [b"{}"] * 2
    ),
    LoadedBank(Load("two", 1, count=1), Target("http://here", "another-key"), ("L1",), [b"{}"]),
]
# Writes what it was started with, and an answer to each transaction.
STAND_IN = """
import json, os, sys
plan = json.load(open(os.environ["LOAD_PLAN"]))
json.dump({"plan": plan, "arguments": sys.argv[1:]}, open("saw.json", "w"))
with open(plan["answers"], "w") as answers:
    for load in plan["loads"]:
        for index, _ in enumerate(open(load["bodies"])):
            line = {"bank": load["bank"], "index": index, "answer": "created", "at": "2026-01-10T14:00:00+00:00"}
            answers.write(json.dumps({**line, "ms": 5.5}) + "\\n")
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "locust"
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(running, "LOCUST", path)


def test_every_transaction_is_planned_and_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, STAND_IN)
    found = run_locust("http://here", BANKS, tmp_path, NoProgress())
    at = datetime(2026, 1, 10, 14, tzinfo=UTC)
    assert found == [Answered(*of, "created", at, 5.5) for of in (("one", 0), ("one", 1), ("two", 0))]
    saw = json.loads((tmp_path / "saw.json").read_text())
    one, two = saw["plan"]["loads"]
    assert (one["clients"], one["batch"], one["phases"], one["key"]) == (3, 2, [[1, 2, 2]], "its-key")
    assert (two["clients"], two["phases"]) == (1, [])
    assert saw["arguments"][saw["arguments"].index("-u") + 1] == "4"


def test_the_keys_of_the_banks_are_in_no_argument_and_no_file_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, STAND_IN)
    run_locust("http://here", BANKS, tmp_path, NoProgress())
    saw = json.loads((tmp_path / "saw.json").read_text())
    assert "its-key" not in json.dumps(saw["arguments"])
    assert not Path(saw["plan"]["loads"][0]["bodies"]).exists()
    assert "its-key" not in "".join(path.read_text() for path in tmp_path.iterdir() if path.name != "saw.json")


@pytest.mark.parametrize(("script", "status"), [("raise SystemExit(3)", 3), ("", 0)], ids=["fails", "answers nothing"])
def test_a_locust_that_did_not_do_it_is_a_failure_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: int
) -> None:
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(LocustFailed, match=rf"status {status} and 0 of 3 answers: .*locust\.log"):
        run_locust("http://here", BANKS, tmp_path, NoProgress())


def test_without_locust_it_is_said_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOCUST", tmp_path / "nothing")
    with pytest.raises(LocustFailed, match="make scenario"):
        run_locust("http://here", BANKS, tmp_path, NoProgress())


def test_ctrl_c_ends_locust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = """
import json, os, time
plan = json.load(open(os.environ["LOAD_PLAN"]))
open("pid", "w").write(str(os.getpid()))
open(plan["answers"], "w").write("an answer\\n")
time.sleep(60)
"""
    stand_in(tmp_path, monkeypatch, waits)

    class Interrupting(NoProgress):
        def update(self, n: int = 1, /) -> None:
            if n:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_locust("http://here", BANKS, tmp_path, Interrupting())
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()
