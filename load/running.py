"""Locust as a process: started with the plan of a run, watched until it ends."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bank_simulator.progress import Progress
from infra.failures import CommandFailed
from load.banks import LoadedBank

PROJECT = Path(__file__).parent.parent
LOCUST = PROJECT / ".venv-load" / "bin" / "locust"
REPORT = "locust.html"
_LOOK_EVERY_S = 0.5
_ENDS_WITHIN_S = 60


class LocustFailed(CommandFailed):
    """Locust is not installed, or ended before the load did; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The final answer to a transaction: by the bank's name in the scenario, and its index in what that bank posts.

    `posted_at` is when its first try began (UTC); `taken_ms` what its last try took.
    """

    bank: str
    index: int
    answer: str
    posted_at: datetime
    taken_ms: float

    @property
    def is_recorded(self) -> bool:
        """Whether the transaction is stored, or will be."""
        return self.answer in ("created", "replayed", "queued")


def run_locust(url: str, banks: Sequence[LoadedBank], folder: Path, progress: Progress) -> list[Answered]:
    """Let Locust's users post what the banks have; return the answers. Raises LocustFailed.

    Locust's report and figures go to the folder; the plan, which has the banks' keys, doesn't stay.
    """
    if not LOCUST.exists():
        raise LocustFailed("Locust is not installed: `make scenario NAME=…` installs it once.")
    answers = folder / "answers.jsonl"
    with tempfile.TemporaryDirectory() as plans:  # readable by this user alone
        plan = _write_plan(banks, answers, Path(plans))
        clients = str(sum(bank.load.clients for bank in banks))
        command = [
            str(LOCUST),
            *("-f", str(Path(__file__).parent / "locustfile.py"), "--headless", "--host", url),
            *("-u", clients, "-r", clients, "--exit-code-on-error", "0", "--only-summary"),
            *("--html", str(folder / REPORT), "--csv", str(folder / "locust"), "--csv-full-history"),
        ]
        environment = {**os.environ, "LOAD_PLAN": str(plan), "PYTHONPATH": str(PROJECT)}
        with (
            (folder / "locust.log").open("w") as log,
            _ended(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)) as process,
        ):
            _watch(process, answers, progress)
    found = _read(answers)
    expected = sum(len(bank.bodies) for bank in banks)
    if process.returncode != 0 or len(found) != expected:
        raise LocustFailed(
            f"Locust ended with status {process.returncode} and {len(found)} of {expected} answers: "
            f"{folder / 'locust.log'} says why."
        )
    return found


def _write_plan(banks: Sequence[LoadedBank], answers: Path, folder: Path) -> Path:
    loads = []
    for bank in banks:
        bodies = folder / f"{bank.load.bank}.jsonl"
        bodies.write_bytes(b"\n".join(bank.bodies))
        loads.append(
            {
                "bank": bank.load.bank,
                "clients": bank.load.clients,
                "batch": bank.load.batch,
                "queued_every": bank.load.queued_every,
                "phases": [(phase.seconds, phase.begins, phase.ends) for phase in bank.load.phases],
                "key": bank.target.api_key,
                "bodies": str(bodies),
            }
        )
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"answers": str(answers), "loads": loads}))
    return plan


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """End the process on the way out, also after Ctrl-C: it then writes its report first."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_ENDS_WITHIN_S)


def _watch(process: "subprocess.Popen[bytes]", answers: Path, progress: Progress) -> None:
    """Show how many answers there are, until the process ends."""
    seen = position = 0
    while process.poll() is None:
        time.sleep(_LOOK_EVERY_S)
        if answers.exists():
            with answers.open("rb") as file:
                file.seek(position)
                new = file.read()
            position += len(new)
            seen += (count := new.count(b"\n"))
            progress.update(count)


def _read(answers: Path) -> list[Answered]:
    if not answers.exists():
        return []
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    return [
        Answered(one["bank"], one["index"], one["answer"], datetime.fromisoformat(one["at"]), one["ms"])
        for one in lines
    ]
