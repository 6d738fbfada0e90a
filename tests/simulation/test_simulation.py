"""The whole system in the simulation: its promises hold, its seeds reproduce, and it notices a guard that is gone."""

import re
import subprocess
import sys

import pytest

SEEDS = 12


def simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A process of its own: the simulation has its own time and threads.
    command = [sys.executable, "-m", "simulation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_promise_holds_on_bad_days() -> None:
    run = simulated("--seeds", str(SEEDS))

    assert run.returncode == 0, run.stdout
    closing = run.stdout.splitlines()
    assert closing[-1] == "broken promises: 0 runs"
    figures = {name: int(number.replace(",", "")) for number, name in re.findall(r"(\d[\d,]*) ([a-z-]+)", run.stdout)}
    assert figures["transactions"] >= 40 * SEEDS
    assert all(figures[what] > 0 for what in ("statements", "answers", "deferred", "digests", "rows"))
    # The days were bad.
    assert all(
        figures[fault] > 0 for fault in ("killed", "lost", "slow", "throttled", "twice", "partly", "unreachable")
    )


def test_a_seed_gives_the_same_run() -> None:
    first, second = (simulated("--seeds", "2", "--first", "7").stdout for _ in range(2))

    assert re.sub(r"in \d+ s", "", first) == re.sub(r"in \d+ s", "", second)


@pytest.mark.parametrize(
    ("table", "part", "promise"),
    [
        ("TransactionsTable", "attribute_not_exists(transaction_key)", "a stored transaction stays as it is"),
        ("NotificationsTable", "claim_id = :ended", "nobody is told twice"),
    ],
)
def test_a_guard_that_is_gone_is_noticed(table: str, part: str, promise: str) -> None:
    run = simulated("--without", table, part, "--seeds", "6")

    assert run.returncode == 1
    assert promise in run.stdout
