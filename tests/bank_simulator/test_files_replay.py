"""The command line with MT940 and CAMT files: what is sent, printed and reported."""

import contextlib
import gzip
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bank_simulator.__main__ import INTERRUPTED, main
from bank_simulator.options import parse
from bank_simulator.progress import Interrupted
from bank_simulator.source import source_of
from tests.bank_files import Booked, camt, mt940
from tests.cloud import eventually
from tests.fake_api import KEY, FakeBankApi, Reaction, problem, served
from tests.samples import PROJECT_DIR

DATA = PROJECT_DIR / "tests" / "data"
SAMPLE = DATA / "two-accounts.sta"


class RecordsAnything(FakeBankApi):
    """An API that knows every field: it stores bodies as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: dict[str, dict[str, Any]] = {}

    def record(self, raw: bytes) -> Reaction:
        body = json.loads(raw)
        known = self.bodies.setdefault(body["id"], body)
        if known is body:
            return 201, {}, body
        return (200, {"Idempotency-Replayed": "true"}, body) if known == body else problem(409, "transaction_conflict")


@pytest.fixture
def api() -> RecordsAnything:
    return RecordsAnything()


@pytest.fixture
def url(api: RecordsAnything, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("BANK_API_KEY", KEY)
    with served(api) as served_at:
        yield served_at


def mapped(sample: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{sample}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_dry_run_writes_one_line_of_json_for_each_transaction_and_the_rest_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    status = main(["--replay", str(SAMPLE), "--dry-run", "--report", str(report)])
    output, errors = capsys.readouterr()
    assert [json.loads(line) for line in output.splitlines()] == mapped(SAMPLE)
    assert "Read 12 entries of 2 statements (MT940)" in errors
    assert "this reversal is sent as a settled credit" in errors
    found = json.loads(report.read_text())
    assert (found["file"], found["file_report"]["mapped"]) == ("two-accounts.sta", 11)
    assert status == 0


@pytest.mark.parametrize("more", [[], ["--batch", "4"]], ids=["alone", "in batches"])
@pytest.mark.parametrize("sample", ["two-accounts.sta", "camt053-v08.xml"])
def test_each_transaction_is_sent_as_the_dry_run_shows_it_and_again_as_a_replay(
    api: RecordsAnything, url: str, sample: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--url", url, "--replay", str(DATA / sample), *more]
    assert main(command) == 0
    assert api.bodies == {body["id"]: body for body in mapped(DATA / sample)}
    assert all(body["notify"] is False for body in api.bodies.values())
    assert main(command) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["replayed", str(len(api.bodies))] in lines
    assert ["mapped", str(len(api.bodies))] in lines


@pytest.mark.parametrize("sample", ["two-accounts.sta", "camt053-v02.xml", "camt053-v08.xml", "camt054-v08.xml"])
def test_what_is_stored_is_what_the_file_has(sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_API_KEY", KEY)
    with served(FakeBankApi()) as url:
        assert main(["--url", url, "--replay", str(DATA / sample), "--verify"]) == 0


def test_holders_are_notified_when_asked_for(api: RecordsAnything, url: str) -> None:
    assert main(["--url", url, "--replay", str(SAMPLE), "--notify"]) == 0
    assert not any("notify" in body for body in api.bodies.values())


def test_a_packed_file_and_a_limit_are_taken(api: RecordsAnything, url: str, tmp_path: Path) -> None:
    path = tmp_path / "statement"
    path.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    assert main(["--url", url, "--replay", str(path), "--limit", "3"]) == 0
    assert api.bodies == {body["id"]: body for body in mapped(SAMPLE)[:3]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (mt940([Booked(Decimal(1))]).replace(":61:", ":61:?"), "this :61: line doesn't have the form"),
        (mt940([Booked(Decimal(1))]).replace("EUR100", "EUR99", 1), "is missing"),
        (camt([Booked(Decimal(1))], currency="DEM"), "DEM is no active currency"),
    ],
)
def test_what_is_not_right_in_a_file_gives_status_1_after_the_rest_is_sent(
    api: RecordsAnything, url: str, tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    assert main(["--url", url, "--replay", str(path)]) == 1
    assert says in capsys.readouterr().out
    assert len(api.bodies) == (1 if "is missing" in says else 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<Document>", "no well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Document/>', "DTD or an entity"),
        (b"<Document><CstmrCdtTrfInitn/></Document>", "no camt.052, camt.053 or camt.054 message"),
        (b"PK\x03\x04", "unpack it"),
    ],
)
def test_a_file_that_can_t_be_read_sends_nothing_and_says_why(
    api: RecordsAnything, url: str, tmp_path: Path, content: bytes, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.xml"
    path.write_bytes(content)
    assert main(["--url", url, "--replay", str(path)]) == 2
    assert says in capsys.readouterr().err
    assert api.posts == 0


def test_reading_ends_at_once_when_the_run_is_stopped() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        source_of(parse(["--replay", str(SAMPLE)]), stop)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows how far another process has read a file")
def test_ctrl_c_while_a_file_is_read_sends_nothing_and_says_so(api: RecordsAnything, url: str, tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    path.write_text(camt([Booked(Decimal(1), text="x" * 100)] * 60_000), encoding="utf-8")
    command = [sys.executable, "-m", "bank_simulator", "--url", url, "--replay", str(path)]
    with subprocess.Popen(command, cwd=PROJECT_DIR, stderr=subprocess.PIPE, text=True) as process:
        # More than what shows the file's format: the entries are being read.
        eventually(lambda: _read_by(process.pid, path) > 1_000_000 or process.poll() is not None, every_s=0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert errors.endswith("Stopped while reading the file: nothing was sent.\n")
    assert api.posts == 0


def _read_by(pid: int, path: Path) -> int:
    """Return how many bytes of the file the process has read; 0 while it doesn't have the file open."""
    with contextlib.suppress(FileNotFoundError):  # closed, or ended, between two looks
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            if opened.resolve() == path:
                return int(Path(f"/proc/{pid}/fdinfo/{opened.name}").read_text().split()[1])
    return 0


def test_a_program_that_reads_only_the_first_lines_breaks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(mt940([Booked(Decimal(1), text="x" * 60)] * 2_000), encoding="utf-8")
    command = f"{sys.executable} -m bank_simulator --replay {path} --dry-run | head -n 1"
    done = subprocess.run(command, shell=True, cwd=PROJECT_DIR, capture_output=True, check=True)
    assert json.loads(done.stdout)["amount"] == "1.00"
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
