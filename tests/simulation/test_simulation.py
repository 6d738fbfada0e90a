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
    # Each of these two runs notices either: one more than is needed.
    run = simulated("--without", table, part, "--seeds", "2", "--first", "3")

    assert run.returncode == 1
    assert promise in run.stdout


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--seeds", "0", "must be 1 or more"),
        ("--transactions", "0", "must be 1 or more"),
        ("--workers", "-1", "must be 1 or more"),
        ("--days", "0", "must be a number over 0"),
    ],
)
def test_a_number_of_nothing_is_refused(option: str, value: str, says: str) -> None:
    done = simulated(f"{option}={value}")
    assert (done.returncode, done.stderr.count("Traceback")) == (2, 0)
    assert says in done.stderr


@pytest.mark.parametrize(
    ("table", "part", "says"),
    [
        ("NoTable", "", "The tables with conditions:\n  AccountsTable"),
        ("TransactionsTable", "not at all", "\n  attribute_not_exists(transaction_key)\n"),
    ],
)
def test_a_run_without_a_guard_that_there_is_not_fails_and_names_those_that_there_are(
    table: str, part: str, says: str
) -> None:
    done = simulated("--seeds", "1", "--transactions", "5", "--without", table, part)
    assert done.returncode == 1
    assert says in done.stderr
    assert "broken promises: 0 runs" in done.stdout
