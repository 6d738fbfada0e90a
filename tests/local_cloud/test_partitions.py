"""Queries that look at a part of their partition have the answers of those that look at all of it."""

import json
import subprocess

import pytest

from local_cloud.server import EXECUTABLE, PROJECT_DIR


@pytest.mark.parametrize("seed", [1, 2])
def test_a_narrower_query_has_the_same_answer(seed: int) -> None:
    command = [str(EXECUTABLE), "-m", "tests.local_cloud.both_queries", str(seed), "2000"]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["differ"] == []
    assert found["narrower"] > found["queries"] / 2
