"""The transactions of a run: made up, or from a file."""

import itertools
import threading
from argparse import Namespace
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from bank_simulator import replay, verify
from bank_simulator.files.file_report import FileReport
from bank_simulator.generate import MAX_AGE, SimulatedBank, default_prefix
from bank_simulator.mix import Shares
from bank_simulator.postings import NEW, NEW_OR_KNOWN, Posting
from bank_simulator.progress import Reading, progress_bar
from chalicelib.api.json_body import read_json


@dataclass(frozen=True, slots=True)
class Source:
    """What to send, and how many transactions that is (None: endless).

    `should_be_stored` gives, after the run, the bodies that should be stored then. `own` says which transactions only
    this run can have stored. `file_report` says what came of each entry of an MT940 or CAMT file. `id_prefix` begins
    the ids of what is made up, of which `planted`, filled as they are made, are fraud.
    """

    postings: Iterator[Posting]
    total: int | None
    should_be_stored: Callable[[], Iterable[verify.Body]]
    own: verify.Own | None = None
    file_report: FileReport | None = None
    id_prefix: str = ""
    planted: Collection[str] = ()


def source_of(options: Namespace, stop: threading.Event) -> Source:
    """Return the source that the options ask for; raises UnreadableFile and Interrupted."""
    return _from_file(options, stop) if options.replay else _made_up(options)


def _from_file(options: Namespace, stop: threading.Event) -> Source:
    with progress_bar("reading", None, unit="entries") as bar:
        file = replay.read(
            options.replay,
            options.limit,
            notify=options.notify,
            now=options.now or datetime.now(UTC),
            advance=Reading(bar, stop).advance,
        )
    return Source(replay.postings(file.bodies()), file.total, file.bodies, file_report=file.report)


def _made_up(options: Namespace) -> Source:
    began = datetime.now(UTC)
    prefix = options.id_prefix or default_prefix(began)
    count = None if options.forever else options.count
    shares = Shares(options.duplicates, options.conflicts, options.invalid, options.fraud)
    # An earlier run may have sent the same ids, and other transactions under the same prefix.
    expected = NEW_OR_KNOWN if options.id_prefix else NEW
    span = timedelta(days=options.days)
    since = (options.now or began) - span - MAX_AGE - timedelta(seconds=1)
    own = None if options.id_prefix else verify.Own(f"{prefix}.", options.accounts, since)
    bank = SimulatedBank(Random(options.seed), options.accounts, prefix, count, shares, expected)
    clock = lambda: options.now or datetime.now(UTC)  # noqa: E731
    postings = bank.postings(_spread(options.now or began, span, count) if span and count else clock)
    sent: list[bytes] = []
    if options.verify:
        postings = _noted(postings, sent)
    return Source(postings, count, lambda: map(read_json, sent), own, id_prefix=prefix, planted=bank.planted)


def _spread(end: datetime, span: timedelta, count: int) -> Callable[[], datetime]:
    """Return a clock that is asked `count` times, in equal steps of the span that ends at `end`."""
    asked = itertools.count(1)
    return lambda: end - span * (1 - next(asked) / count)


def _noted(postings: Iterator[Posting], to_be_stored: list[bytes]) -> Iterator[Posting]:
    for posting in postings:
        if posting.is_valid and not posting.repeats:
            to_be_stored.append(posting.body)
        yield posting
