"""A bank that drives the API over HTTP: made-up transactions, or a file of real ones.

python -m bank_simulator --count 1000 --batch 100 --rate 50 --duplicates 0.05 --invalid 0.02 --verify
"""

import contextlib
import json
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from bank_simulator import dry_run, replay, report, verify
from bank_simulator.bank_api import BankApi, Target
from bank_simulator.generate import MAX_AGE, Shares, SimulatedBank, default_prefix
from bank_simulator.options import parse
from bank_simulator.postings import NEW, NEW_OR_KNOWN, QUEUED, Posting
from bank_simulator.sender import Mode, send
from chalicelib.api.json_body import read_json

STACK_FILE = Path(__file__).parent.parent / ".local" / "stack.json"
INTERRUPTED = 130


class NothingToTalkTo(Exception):
    """There is no API to send to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """What to send, and how many that is (None: endless); then what should be stored, and what is the run's `own`."""

    postings: Iterator[Posting]
    total: int | None
    should_be_stored: Callable[[], Iterable[verify.Body]]
    own: verify.Own | None = None


def main(arguments: Sequence[str] | None = None, stack_file: Path = STACK_FILE) -> int:
    """Run the command and return its status: 0, 1 unexpected answers, 2 nothing could be sent, 130 interrupted."""
    options = parse(arguments)
    try:
        with _stopped_by_interrupt() as stop:
            if options.dry_run:
                is_ok, outcome = _check(options, stop)
            else:
                is_ok, outcome = _send(options, _target(options, stack_file), stop)
            outcome["interrupted"] = stop.is_set()
            if options.report:
                options.report.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    except (NothingToTalkTo, replay.UnreadableFile) as error:
        print(error, file=sys.stderr)
        return 2
    except (verify.CannotRead, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if stop.is_set():
        return INTERRUPTED
    return 0 if is_ok else 1


def _check(options: Namespace, stop: threading.Event) -> tuple[bool, dict[str, Any]]:
    source = _source(options)
    with _progress("checking", source.total) as bar:
        checked = dry_run.check(source.postings, options.default_currency, options.now or datetime.now(UTC), bar, stop)
    print(dry_run.as_text(checked))
    if options.replay:
        print(replay.totals_as_text({"valid": checked.totals}))
    return checked.ok, dry_run.as_json(checked) | _origin(options)


def _send(options: Namespace, target: Target, stop: threading.Event) -> tuple[bool, dict[str, Any]]:
    source = _source(options)
    with BankApi(target, clients=1) as api:
        if not api.answers():
            raise NothingToTalkTo(f"Nothing answers at {target.url}. The local cloud is started by `make run`.")
    with _progress("posting", source.total) as bar:
        sent = send(
            source.postings,
            target,
            mode=Mode(options.batch, options.respond_async),
            clients=options.clients,
            rate=options.rate,
            progress=bar,
            stop=stop,
            keep_created=False,
        )
    print(report.as_text(sent) + ("" if options.replay else f"\n  seed        {options.seed:>9}"))
    outcome = report.as_json(sent) | _origin(options)
    is_ok = sent.ok and source.total in (None, sent.sent + sent.skipped)
    if not options.verify or stop.is_set():
        return is_ok, outcome
    bodies = list(source.should_be_stored())
    patience_s = verify.QUEUE_PATIENCE_S if sent.answers[QUEUED] else verify.INDEX_PATIENCE_S
    with _progress("reading back", len(bodies)) as bar:
        verification = verify.verify(bodies, target, options.clients, bar, stop, own=source.own, patience_s=patience_s)
    if not stop.is_set():
        print(verify.as_text(verification))
        outcome["verification"] = verify.as_json(verification)
    return is_ok and verification.ok, outcome


def _source(options: Namespace) -> Source:
    if options.replay:
        # Read to its end before anything is sent: a broken file sends nothing.
        total = sum(1 for _ in replay.bodies(options.replay, options.limit))
        postings = replay.postings(options.replay, options.limit)
        return Source(postings, total, lambda: replay.bodies(options.replay, options.limit))
    began = datetime.now(UTC)
    prefix = options.id_prefix or default_prefix(began)
    count = None if options.forever else options.count
    shares = Shares(options.duplicates, options.conflicts, options.invalid)
    # Ids that were chosen may have been sent before, and others with them.
    expected = NEW_OR_KNOWN if options.id_prefix else NEW
    since = (options.now or began) - MAX_AGE - timedelta(seconds=1)
    own = None if options.id_prefix else verify.Own(f"{prefix}.", options.accounts, since)
    bank = SimulatedBank(Random(options.seed), options.accounts, prefix, count, shares, expected)
    postings = bank.postings(lambda: options.now or datetime.now(UTC))
    sent: list[bytes] = []
    if options.verify:
        postings = _noted(postings, sent)
    return Source(postings, count, lambda: map(read_json, sent), own)


def _noted(postings: Iterator[Posting], to_be_stored: list[bytes]) -> Iterator[Posting]:
    for posting in postings:
        if posting.is_valid and not posting.repeats:
            to_be_stored.append(posting.body)
        yield posting


def _origin(options: Namespace) -> dict[str, Any]:
    return {"file": options.replay.name} if options.replay else {"seed": options.seed}


def _target(options: Namespace, stack_file: Path) -> Target:
    api_key = options.api_key or os.environ.get("BANK_API_KEY")
    if options.url:
        if not api_key:
            raise NothingToTalkTo("--url needs the bank's key: in BANK_API_KEY, or with --api-key.")
        return Target(options.url, api_key, options.signing_secret)
    try:
        stack = json.loads(stack_file.read_text(encoding="utf-8"))
        return Target(stack["api_url"], api_key or stack["api_key"], options.signing_secret)
    except FileNotFoundError:
        raise NothingToTalkTo("The local cloud is not running: `make run` starts it.") from None
    except (ValueError, KeyError, TypeError):
        raise NothingToTalkTo(f"{stack_file.name} is broken: `make run` writes it anew.") from None


def _progress(what: str, total: int | None) -> "tqdm[Any]":
    # Where nobody watches, only what takes long shows anything, and seldom.
    is_watched = sys.stderr.isatty()
    return tqdm(total=total, desc=what, unit="tx", mininterval=0.1 if is_watched else 10, delay=0 if is_watched else 2)


@contextlib.contextmanager
def _stopped_by_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second ends the process at once."""
    stop = threading.Event()

    def on_interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # first: a second one must not wait for the event's lock
        stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
