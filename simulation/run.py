"""One run: a seed's banks, weather and order of things, until everything has come to rest."""

import io
import multiprocessing
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from simulation import before
from simulation.faults import Weather
from simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from simulation.bank import Banks
    from simulation.stage import Stage
    from simulation.watch import Watch

START = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
_REST = timedelta(hours=2)
_REST_AT_MOST = timedelta(hours=48)  # after the last transaction
_ACCOUNTS = 4  # of a bank
_RUNS_OF_JOB_AT_MOST = 600
_RUNS_OF_PROCESS = 25  # functions that stop in the middle at a run's end are never freed: 10 MB a run
_DAY_S = 86_400.0
_RUSH, _RUSH_WITHIN_S = 3, 60  # three times as many transactions


# A condition of a write: the operation, the table and the expression.
Guard = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: the promises that it broke, and its figures."""

    seed: int
    broken: list[str]
    steps: int
    calls: int
    faults: dict[str, int]
    killed: dict[str, int]
    transactions: int
    emails: int
    happened: dict[str, int]
    conditions: set[Guard]


def run(
    seed: int,
    transactions: int = 40,
    over_s: float | None = None,
    is_out: Callable[[Guard], bool] = lambda _: False,
    say: Callable[[datetime], None] = lambda _: None,
) -> Outcome:
    """Make the run of a seed. Guards that are out are not looked at (see `guards`).

    What is posted comes within seconds, minutes, hours or days, as the seed says, or within `over_s` seconds. `say` is
    called with the time on the virtual clock after each step.
    """
    from chalicelib.aws.telemetry import logger
    from simulation.bank import Banks
    from simulation.stage import Stage
    from simulation.watch import Watch

    random.seed(seed)  # what the app itself leaves to chance: waits, ids of claims
    scheduler = Scheduler(seed, START)
    before.sleep_with(scheduler.sleep)
    over_s = over_s or scheduler.random.choice((15.0, 600.0, 600.0, 3 * 3600.0, 3 * _DAY_S))
    log = io.StringIO()
    for handler in logger.handlers:
        handler.setStream(log)  # type: ignore[attr-defined]
    with redirect_stdout(log):
        stage = Stage(scheduler)
        # A rush: what SES takes in minutes comes within seconds, to many mailers side by side.
        is_rush = over_s < _RUSH_WITHIN_S and scheduler.random.random() < 0.5
        banks = Banks(stage, _ACCOUNTS, START, is_rush)
        watch = Watch(stage, banks)
        stage.dynamodb.is_out = is_out
        _begin(stage, banks, transactions * (_RUSH if is_rush else 1), over_s)
        try:
            found = _end(stage, banks, watch, over_s, log, say)
        except Exception as error:
            if not stage.dynamodb.passed_over:
                error.add_note(f"seed {seed}")
                raise
            found = [f"a function fails: {type(error).__name__}"]
    return Outcome(
        seed,
        [*watch.broken, *found],
        scheduler.steps,
        sum(stage.caller.calls.values()),
        dict(stage.caller.happened),
        dict(stage.counts.killed),
        len(banks.posted),
        len(stage.ses.accepted),
        {
            "repeats": banks.repeats,
            "statements": sum(one.transaction.startswith("statement@") for one in stage.ses.accepted),
            "digests": sum(one.transaction.startswith(("digest@", "alerts@")) for one in stage.ses.accepted),
            "deferred": stage.deferred,
            "answers": sum(len(one.taken) for one in banks.answers.pressed.values()),
            "confirmed": len(banks.confirmations.taken),
            "rows expired": sum(stage.dynamodb.expired.values()),
        },
        set(stage.dynamodb.conditions),
    )


def run_all(seeds: Sequence[int], one: Callable[[int], Outcome], workers: int) -> Iterator[Outcome]:
    """Make the runs of some seeds on so many processors; yield what each came to, in the order of the seeds."""
    if workers == 1 or len(seeds) == 1:
        yield from map(one, seeds)
        return
    import app  # noqa: F401 - once, for all processes

    # Forked: what `before.prepare` has put in place is there too. Ctrl-C ends this process, and that ends the others.
    ignored = (signal.SIGINT, signal.SIG_IGN)
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, signal.signal, ignored, maxtasksperchild=_RUNS_OF_PROCESS) as pool:
        yield from pool.imap(one, seeds)


def _begin(stage: "Stage", banks: "Banks", transactions: int, over_s: float) -> None:
    """Put all on the scheduler that happens by itself: the jobs, what banks do, and the bad day."""
    from simulation.bad_days import let_rows_expire, let_services_fail, put_poison
    from simulation.bank import SETTLED_S
    from simulation.template import SCHEDULED

    stage.begin(Weather.drawn(stage.scheduler.random))
    for function, seconds in SCHEDULED.items():
        stage.every(function, max(seconds, over_s / _RUNS_OF_JOB_AT_MOST))
    banks.post_all(transactions, over_s)
    banks.holders.move_some(over_s, SETTLED_S)
    let_services_fail(stage, over_s)
    put_poison(stage, over_s)
    let_rows_expire(stage)


def _end(
    stage: "Stage", banks: "Banks", watch: "Watch", over_s: float, log: io.StringIO, say: Callable[[datetime], None]
) -> list[str]:
    """Let everything happen and come to rest; return the promises that are broken then."""
    from simulation.promises import broken
    from simulation.rest import Rest

    scheduler = stage.scheduler

    def look() -> None:
        watch.look()
        say(scheduler.now)

    scheduler.run_until(START + timedelta(seconds=over_s + 60), look)
    stage.clear_up()
    end = scheduler.now + _REST
    while scheduler.now < START + timedelta(seconds=over_s) + _REST_AT_MOST:
        scheduler.run_until(end, look)
        if stage.is_quiet():
            break
        end = scheduler.now + timedelta(minutes=30)
    return broken(Rest(stage, banks, log.getvalue()), START)
