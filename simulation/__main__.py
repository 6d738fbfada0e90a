"""`python -m simulation`: many runs of the whole system, each with a seed of its own."""

import argparse
import os
import sys
import time
from collections import Counter

from simulation import before


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many runs (20)")
    parser.add_argument("--first", type=int, default=1, help="the first run's seed (1); a run that fails names its own")
    parser.add_argument("--transactions", type=int, default=40, help="transactions of a run (40)")
    parser.add_argument("--days", type=float, help="over how many days the transactions come (seconds to hours)")
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

        return examine(options.first, options.seeds, options.transactions)
    return _simulate(options)


def _simulate(options: argparse.Namespace) -> int:
    from simulation.run import run

    first, seeds, without = options.first, options.seeds, options.without
    over_s = options.days * 86_400 if options.days else None
    is_out = (lambda guard: guard[1] == without[0] and without[1] in guard[2]) if without else (lambda _: False)

    began = said = time.monotonic()
    faults: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    failed = []
    for seed in range(first, first + seeds):
        outcome = run(seed, options.transactions, over_s, is_out)
        faults.update(outcome.faults)
        killed.update(outcome.killed)
        happened.update(outcome.happened)
        sums.update(steps=outcome.steps, calls=outcome.calls, transactions=outcome.transactions, emails=outcome.emails)
        if outcome.broken:
            failed.append(seed)
            print(f"seed {seed}:")
            for text in outcome.broken[:10]:
                print(f"  {text}")
        if time.monotonic() - said > 2:
            said = time.monotonic()
            done = seed - first + 1
            print(f"  {done} of {seeds} runs", end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    print(
        f"{seeds} runs, seeds {first} to {first + seeds - 1}: {sums['transactions']:,} transactions, "
        f"{sums['emails']:,} e-mails, {sums['calls']:,} calls, {sums['steps']:,} steps in "
        f"{time.monotonic() - began:.0f} s"
    )
    print("among them: " + ", ".join(f"{count:,} {name}" for name, count in sorted(happened.items())))
    print("faults: " + ", ".join(f"{count:,} {name}" for name, count in sorted(faults.items())))
    print("killed: " + ", ".join(f"{count:,} {name}" for name, count in sorted(killed.items())))
    print(f"broken promises: {len(failed)} runs" + (f", seeds {failed}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
