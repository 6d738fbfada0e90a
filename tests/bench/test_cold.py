"""The benchmark of cold starts: each function and each contender really answers, from the release's own zip."""

import subprocess
import sys

import pytest

from bench.own_process import PROJECT
from tests import wheels
from tests.cloud import BUILD

pytestmark = pytest.mark.cloud


def test_every_function_and_every_contender_gives_its_first_answer() -> None:
    wheels.share(BUILD.with_name("bench"))
    command = [sys.executable, "-m", "bench.cold", "--rounds", "1"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    names = [line.split("  ")[0] for line in done.stdout.splitlines()[1:]]
    assert names == [*["cold: POST"] * 3, "cold: POST", "cold: stream handler", "cold: mailer", "cold: analytics job"]
    assert done.returncode == (1 if "MISSED" in done.stdout else 0), done.stderr
