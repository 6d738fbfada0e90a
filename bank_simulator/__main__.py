"""A bank that drives the API over HTTP: made-up transactions, or a file of real ones.

python -m bank_simulator --count 1000 --rate 50 --duplicates 0.05 --invalid 0.02
"""

import contextlib
import json
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from bank_simulator import dry_run, replay, report, verify
from bank_simulator.generate import Shares, SimulatedBank, default_prefix
from bank_simulator.options import parse
from bank_simulator.postings import NEW, NEW_OR_KNOWN, Posting
from bank_simulator.sender import BankApi, Target, send

STACK_FILE = Path(__file__).parent.parent / ".local" / "stack.json"
INTERRUPTED = 130


class NothingToTalkTo(Exception):
    """There is no API to send to; the message says what to do."""


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
    postings, total = _postings(options)
    with _progress("checking", total) as bar:
        checked = dry_run.check(postings, options.default_currency, options.now or datetime.now(UTC), bar, stop)
    print(dry_run.as_text(checked))
    if options.replay:
        print(replay.totals_as_text({"valid": checked.totals}))
    return checked.ok, dry_run.as_json(checked) | _source(options)


def _send(options: Namespace, target: Target, stop: threading.Event) -> tuple[bool, dict[str, Any]]:
    postings, total = _postings(options)
    with BankApi(target, clients=1) as api:
        if not api.answers():
            raise NothingToTalkTo(f"Nothing answers at {target.url}. The local cloud is started by `make run`.")
    with _progress("posting", total) as bar:
        sent = send(
            postings,
            target,
            clients=options.clients,
            rate=options.rate,
            progress=bar,
            stop=stop,
            keep_created=False,
        )
    print(report.as_text(sent) + ("" if options.replay else f"\n  seed        {options.seed:>9}"))
    outcome = report.as_json(sent) | _source(options)
    if not options.verify or stop.is_set():
        return sent.ok, outcome
    with _progress("reading back", total) as bar:
        verification = verify.verify(replay.bodies(options.replay, options.limit), target, options.clients, bar, stop)
    if not stop.is_set():
        print(verify.as_text(verification))
        outcome["verification"] = verify.as_json(verification)
    return sent.ok and verification.ok, outcome


def _postings(options: Namespace) -> tuple[Iterator[Posting], int | None]:
    """What to send, and how many that is: None for endless."""
    if options.replay:
        # Read to its end before anything is sent: a broken file sends nothing.
        total = sum(1 for _ in replay.bodies(options.replay, options.limit))
        return replay.postings(options.replay, options.limit), total
    prefix = options.id_prefix or default_prefix(datetime.now(UTC))
    count = None if options.forever else options.count
    shares = Shares(options.duplicates, options.conflicts, options.invalid)
    # Ids that were chosen may have been sent before.
    expected = NEW_OR_KNOWN if options.id_prefix else NEW
    bank = SimulatedBank(Random(options.seed), options.accounts, prefix, count, shares, expected)
    return bank.postings(lambda: options.now or datetime.now(UTC)), count


def _source(options: Namespace) -> dict[str, Any]:
    return {"file": options.replay.name} if options.replay else {"seed": options.seed}


def _target(options: Namespace, stack_file: Path) -> Target:
    api_key = options.api_key or os.environ.get("BANK_API_KEY")
    if options.url:
        if not api_key:
            raise NothingToTalkTo("--url needs the bank's key: in BANK_API_KEY, or with --api-key.")
        return Target(options.url, api_key)
    try:
        stack = json.loads(stack_file.read_text(encoding="utf-8"))
        return Target(stack["api_url"], api_key or stack["api_key"])
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
