"""Forks end with what they have started, also those that hang."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mutants.forks import begun, ended

# A process that forks, whose fork starts another process, and waits.
NESTED = """
import subprocess, sys, time
from pathlib import Path
from mutants.forks import begun, end_with_this_process, ended
end_with_this_process()
fork = begun()
if not fork:
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("started.new").write_text(str(started.pid))
    Path("started.new").rename("started")
    time.sleep(600)
ended(fork, 600)
"""


@pytest.mark.parametrize("status", [0, 1, 71])
def test_the_status_is_the_fork_s(status: int) -> None:
    fork = begun()
    if not fork:
        os._exit(status)

    assert ended(fork, 60) == status


def test_one_that_hangs_is_killed() -> None:
    fork = begun()
    if not fork:
        time.sleep(600)
        os._exit(0)

    assert ended(fork, 0.1) == -signal.SIGKILL


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_sigterm_ends_the_process_its_forks_and_what_they_have_started(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", NESTED], cwd=tmp_path, env=environment) as process:
        while not (tmp_path / "started").exists():
            assert process.poll() is None
            time.sleep(0.05)
        started = int((tmp_path / "started").read_text())
        assert is_running(started)

        process.terminate()
        assert process.wait(60) == 0
    until = time.monotonic() + 60
    while is_running(started) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(started)
