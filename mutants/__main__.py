"""Change the core modules' code in small ways, one at a time, and count which changes no test notices.

The project's files stay as they are: a copy is changed. When all were examined (--sample 0), the report
is also written to docs/mutants.md.
"""

import argparse
import queue
import random
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mutants import equivalent
from mutants.known import keep, kept
from mutants.modules import Module, core
from mutants.mutations import Mutant, mutants_of
from mutants.report import Report
from mutants.run import EQUIVALENT, NOT_NOTICED, TestsFail, begun, examined, recorded
from mutants.worker import Worker, working

ROOT = Path(__file__).parent.parent
WRITTEN = Path("docs/mutants.md")
EXAMPLES = """examples:
  python -m mutants --sample 300 --seed 1
  python -m mutants --module mail.pacing --sample 0     all mutants of one module
"""


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, modules: Sequence[Module] | None = None) -> int:
    modules = core(root) if modules is None else modules
    options = _parser().parse_args(arguments)
    if options.module:
        unknown = set(options.module) - {module.name for module in modules}
        if unknown:
            print(f"no core module: {', '.join(sorted(unknown))}. mutants/modules.py lists them.", file=sys.stderr)
            return 2
        modules = [module for module in modules if module.name in options.module]
    every = [mutant for module in modules for mutant in mutants_of(module.name, (root / module.file).read_bytes())]
    chosen = every
    if options.sample and options.sample < len(every):
        chosen = random.Random(options.seed).sample(every, options.sample)
    if options.list:
        for mutant in chosen:
            print(f"{mutant.module}:{mutant.line} {mutant.source}  ->  {mutant.replacement}")
        return 0

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report, is_whole = _run(root, modules, every, chosen, options)
    except TestsFail as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    print(report.as_text())
    if not is_whole:
        print("interrupted: only these were examined", file=sys.stderr)
        return 130
    if len(report.verdicts) == report.existing and not options.module:
        (root / WRITTEN).write_text(report.as_markdown())
    return 0 if report.per_cent >= options.at_least else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mutants",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sample", type=int, default=300, help="how many mutants, drawn from all (300); 0: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones are drawn (1)")
    parser.add_argument("--module", action="append", help="only of this module, like mail.pacing; may be repeated")
    parser.add_argument("--workers", type=int, default=1, help="how many tests run side by side (1)")
    parser.add_argument("--anew", action="store_true", help="import the code anew for each mutant: slow, to compare")
    parser.add_argument(
        "--longest", type=float, default=3.0, help="leave out tests that take more processor seconds (3)"
    )
    parser.add_argument("--minutes", type=float, help="end after so long, and report on what was examined by then")
    parser.add_argument("--at-least", type=float, default=97.0, help="per cent noticed for the status 0 (97)")
    parser.add_argument("--list", action="store_true", help="list the mutants, and run nothing")
    return parser


def _run(
    root: Path,
    modules: Sequence[Module],
    every: Sequence[Mutant],
    chosen: Sequence[Mutant],
    options: argparse.Namespace,
) -> tuple[Report, bool]:
    """Examine the chosen mutants; return the report, and whether it is whole."""
    began = time.monotonic()
    listed = equivalent.reasons()
    verdicts = {mutant: EQUIVALENT for mutant in chosen if mutant.key in listed}
    others = [mutant for mutant in chosen if mutant not in verdicts]
    progress = _Progress(len(others))

    def told(mutant: Mutant, verdict: str) -> None:
        verdicts[mutant] = verdict
        progress.examined(mutant, verdict)

    is_whole = True
    try:
        with working(root, options.workers) as workers:
            tests = kept(root)
            tests.longest_s = options.longest
            drawn = {mutant.module for mutant in others}
            used = [module for module in modules if module.name in drawn]
            begun(workers, used, tests)
            free: queue.Queue[Worker] = queue.Queue()
            for worker in workers:
                free.put(worker)
            try:
                recorded(free, root, used, tests, progress.recorded)
                ends = began + options.minutes * 60 if options.minutes else None
                examined(free, used, others, tests, told, ends, options.anew)
            finally:
                keep(root, tests)
    except KeyboardInterrupt:
        is_whole = False
    progress.end()
    minutes = (time.monotonic() - began) / 60
    return Report(options.seed, len(every), modules, verdicts, minutes, datetime.now(UTC)), is_whole


class _Progress:
    """A line on the terminal that says how far the run is; elsewhere a line every half minute."""

    def __init__(self, mutants: int) -> None:
        self._mutants = mutants
        self._done = self._not_noticed = self._files = 0
        self._began = self._said = time.monotonic()

    def recorded(self, _file: str) -> None:
        self._files += 1
        self._say(f"{self._files} test files pass on the code as it is")
        self._began = time.monotonic()

    def examined(self, mutant: Mutant, verdict: str) -> None:
        if verdict == NOT_NOTICED:
            self.end()
            print(f"  {mutant.module}:{mutant.line} {mutant.source}  ->  {mutant.replacement}", file=sys.stderr)
        self._done += 1
        self._not_noticed += verdict == NOT_NOTICED
        left_min = (time.monotonic() - self._began) / self._done * (self._mutants - self._done) / 60
        self._say(
            f"{self._done} of {self._mutants} mutants, {self._not_noticed} not noticed, about {left_min:.0f} min left"
        )

    def end(self) -> None:
        if sys.stderr.isatty():
            print(end="\r\x1b[K", file=sys.stderr, flush=True)

    def _say(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K  {text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._said > 30:
            self._said = time.monotonic()
            print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
