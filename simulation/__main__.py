"""`python -m simulation`: many runs of the whole system, each with a seed of its own."""

import argparse
import math
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from simulation import before

_COUNTED = ("transactions", "emails", "calls", "steps")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=_at_least_one, default=20, help="how many runs (20)")
    parser.add_argument("--first", type=int, default=1, help="the first run's seed (1); a run that fails names its own")
    parser.add_argument("--transactions", type=_at_least_one, default=40, help="transactions of a run (40)")
    parser.add_argument("--days", type=_over_0, help="over how many days the transactions come (seconds to hours)")
    cpus = os.cpu_count() or 1
    parser.add_argument("--workers", type=_at_least_one, default=cpus, help="on so many processors (all)")
    parser.add_argument("--guards", action="store_true", help="take each guard out in turn, and look who notices")
    parser.add_argument(
        "--without", nargs=2, metavar=("TABLE", "PART"), help="take out the conditions on a table that have this part"
    )
    options = parser.parse_args()

    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed gives the same run only if sets have the same order
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "simulation", *sys.argv[1:]])  # noqa: S606
    from simulation.template import environment

    before.prepare(environment())
    if options.guards:
        from simulation.guards import examine

        return examine(options.first, options.seeds, options.transactions, options.workers)
    return _simulate(options)


def _at_least_one(text: str) -> int:
    # As in infra.command_line, which a run must not import before its own time and chance are in place.
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def _over_0(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError("must be a number over 0")
    return number


class _Progress:
    """Says how far the runs are: every two seconds on a screen, each minute in a file."""

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._end, self._every_s = ("\r", 2) if sys.stderr.isatty() else ("\n", 60)

    def say(self, text: str) -> None:
        if time.monotonic() - self._said > self._every_s:
            self._said = time.monotonic()
            print(f"  {text}", end=self._end, file=sys.stderr, flush=True)


def _simulate(options: argparse.Namespace) -> int:
    from simulation.guards import is_at
    from simulation.run import Guard, run, run_all

    over_s = options.days * 86_400 if options.days else None
    out: dict[str, Any] = {"is_out": partial(is_at, tuple(options.without))} if options.without else {}
    seeds = range(options.first, options.first + options.seeds)
    progress = _Progress()
    if len(seeds) == 1:
        out["say"] = lambda now: progress.say(f"{now:%Y-%m-%d %H:%M} on the virtual clock")
    one = partial(run, transactions=options.transactions, over_s=over_s, **out)

    began = time.monotonic()
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    failed = []
    done = 0
    guards: set[Guard] = set()
    try:
        for outcome in run_all(seeds, one, options.workers):
            done += 1
            guards |= outcome.conditions
            sums["faults"].update(outcome.faults)
            sums["killed"].update(outcome.killed)
            sums["among them"].update(outcome.happened)
            sums["all"].update({name: getattr(outcome, name) for name in _COUNTED})
            if outcome.broken:
                failed.append(outcome.seed)
                print(f"seed {outcome.seed}:")
                for text in outcome.broken[:10]:
                    print(f"  {text}")
            progress.say(f"{done} of {len(seeds)} runs")
    except KeyboardInterrupt:
        print(f"interrupted after {done} of {len(seeds)} runs", file=sys.stderr)
    print(
        f"{done} runs, seeds {seeds[0]} to {options.first + done - 1}: {sums['all']['transactions']:,} transactions, "
        f"{sums['all']['emails']:,} e-mails, {sums['all']['calls']:,} calls, {sums['all']['steps']:,} steps in "
        f"{time.monotonic() - began:.0f} s"
    )
    for name in ("among them", "faults", "killed"):
        print(f"{name}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(sums[name].items())))
    print(f"broken promises: {len(failed)} runs" + (f", seeds {failed}" if failed else ""))
    if options.without and not any(is_at(tuple(options.without), guard) for guard in guards):
        return _without_nothing(options.without[0], guards)
    return 130 if done < len(seeds) else 1 if failed else 0


def _without_nothing(table: str, guards: Iterable[tuple[str, str, str]]) -> int:
    """Say which conditions could be taken out: those of the table, or else the tables that have some."""
    of_table = sorted({text for _, its_table, text in guards if its_table == table})
    there = of_table or sorted({its_table for _, its_table, _ in guards})
    of = f"The conditions on {table}" if of_table else "The tables with conditions"
    print(f"--without took nothing out. {of}:", *there, sep="\n  ", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
