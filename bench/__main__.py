"""Measures the hot path, and prints a table with the measurements, the targets, and whether they are met.

python -m bench --quick
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from bench import environment, events, memory, report, stub_server, timing
from bench.report import Line

# The limits (docs/performance.md).
ONE_POST = 0.75
BATCH_OF_100 = {"client": 0.35, "network": 0.40}
OF_FLOOR = {"network": 1.20, "wire": 1.00}
GROWTH_MB, PEAK_MB = 2, 128

_BODIES = {"smallest": events.smallest, "every field": events.every_field}
_PEAKS = {"every_field": "every field", "largest": "4 MB", "digits": "megabytes of digits in one"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if a target is missed."""
    options = _parse(arguments)
    output = environment.divert_output()
    lines = [*_timings(options.rounds, options.tries), *_memory(options.posts)]
    print(report.as_text(lines), file=output)
    if options.report:
        options.report.write_text(json.dumps(report.as_json(lines), indent=2) + "\n", encoding="utf-8")
    return 0 if all(line.is_met for line in lines) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure POST /transactions and batches beside a naive handler, and the function's memory.",
        epilog="The status is 0 when every target is met, 1 when a target is missed.",
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the time, for a first impression")
    parser.add_argument("--rounds", type=_count, metavar="N", help="rounds in which everything is timed (default: 40)")
    parser.add_argument(
        "--tries",
        type=_count,
        default=timing.TRIES,
        metavar="N",
        help="how often a round tries each work: the quickest counts (default: %(default)s)",
    )
    parser.add_argument("--posts", type=_count, metavar="N", help="POSTs for the growth of memory (default: 50000)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write the table as JSON")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (6 if options.quick else 40)
    options.posts = options.posts or (5_000 if options.quick else 50_000)
    return options


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return int(text)


def _timings(rounds: int, tries: int) -> Iterator[Line]:
    # Beyond the client most of the time is the network's, in every work: fewer rounds are enough.
    rounds_of = {"client": rounds, "network": -(-rounds // 5), "wire": -(-rounds // 5)}
    total = sum(rounds_of.values()) * len(_BODIES)
    with (
        stub_server.running() as url,
        tqdm(total=total, desc="timing", unit="round", delay=2, mininterval=memory.PROGRESS_S) as bar,
    ):
        for level, count in rounds_of.items():
            for name, body in _BODIES.items():
                seconds = timing.rounds(_works(level, url, body), count, bar.update, tries)
                yield from _lines(level, name, seconds)


def _works(level: str, url: str, body: Callable[[int], events.Body]) -> dict[str, timing.Work]:
    from bench import function  # Imported late, because it sets the environment.

    def all_posts(handler: function.Handler) -> timing.Work:
        return lambda: [handler(post) for post in posts]

    posts = [events.post(body(number)) for number in range(100)]
    batches = {count: events.post_batch(map(body, range(count))) for count in (100, 500)}
    service = function.service(level, url)
    works = {
        "posts": all_posts(service),
        "naive handler": all_posts(function.naive_handler(level, url)),
        "batch of 100": lambda: service(batches[100]),
        "batch of 500": lambda: service(batches[500]),
    }
    if level != "client":
        works["floor"] = all_posts(function.floor_handler(level, url))
        works["Powertools"] = all_posts(function.powertools_handler(level, url))
        works["by botocore"] = all_posts(function.service(level, url, botocore_only=True))
    return works


def _lines(level: str, body: str, seconds: dict[str, list[float]]) -> Iterator[Line]:
    def each(work: str) -> list[float]:
        return [total / 100 for total in seconds[work]]

    targets = {"naive handler": ONE_POST if level == "client" else None, "floor": OF_FLOOR.get(level)}
    for beside in ("naive handler", "floor", "Powertools", "by botocore"):
        if beside in seconds:
            yield _line(f"{level}: POST, {body}", each("posts"), beside, each(beside), targets.get(beside))
    for count in (100, 500):
        posts = [total * count for total in each("posts")]
        target = BATCH_OF_100.get(level) if count == 100 and body == "smallest" else None
        yield _line(f"{level}: batch of {count}, {body}", seconds[f"batch of {count}"], f"{count} POSTs", posts, target)


def _line(name: str, seconds: list[float], beside: str, beside_seconds: list[float], target: float | None) -> Line:
    return Line(
        name,
        report.duration,
        statistics.median(seconds),
        beside,
        statistics.median(beside_seconds),
        timing.ratio(seconds, beside_seconds),
        target,
    )


def _memory(posts: int) -> Iterator[Line]:
    early, late = memory.peak_after_posts(posts)
    growth = (late - early) / 2**20
    yield Line(f"memory: {posts:,} POSTs", report.memory, late, f"{posts // 10:,} POSTs", early, growth, GROWTH_MB)
    idle = memory.peak_of("idle")
    for case, name in _PEAKS.items():
        peak = memory.peak_of(case)
        yield Line(f"memory: batch of 500, {name}", report.memory, peak, "one POST", idle, peak / 2**20, PEAK_MB)


if __name__ == "__main__":
    sys.exit(main())
