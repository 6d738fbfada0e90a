"""A bank that calls the API over HTTP, with made-up transactions or with those of a file.

python -m bank_simulator --count 1000 --batch 100 --rate 50 --duplicates 0.05 --invalid 0.02 --verify
python -m bank_simulator --count 4000 --batch 50 --holders 100 --days 28 --fraud 0.02
python -m bank_simulator --replay statement.sta --dry-run
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
from typing import Any

from bank_simulator import dry_run, holders, report, totals, verify
from bank_simulator.bank_api import BankApi, Target
from bank_simulator.files import file_report
from bank_simulator.files.contents import UnreadableFile
from bank_simulator.options import parse
from bank_simulator.postings import QUEUED
from bank_simulator.progress import Interrupted, progress_bar
from bank_simulator.sender import Mode, send
from bank_simulator.source import Source, source_of

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
    except Interrupted:
        print("Stopped while reading the file: nothing was sent.", file=sys.stderr)
        return INTERRUPTED
    except (NothingToTalkTo, UnreadableFile) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The program that reads the output has enough of it: `head`, for example.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (verify.CannotRead, holders.CannotEnrol, holders.CannotAnswer, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if stop.is_set():
        return INTERRUPTED
    return 0 if is_ok else 1


def _check(options: Namespace, stop: threading.Event) -> tuple[bool, dict[str, Any]]:
    source = source_of(options, stop)
    output = sys.stdout
    if source.file_report is not None:
        # The mapped transactions alone, for other programs; what people read goes beside them.
        output = sys.stderr
        sys.stdout.writelines(f"{line}\n" for line in dry_run.as_lines(source.should_be_stored(), stop))
        sys.stdout.flush()
    with progress_bar("checking", source.total) as bar:
        checked = dry_run.check(source.postings, options.default_currency, options.now or datetime.now(UTC), bar, stop)
    print(dry_run.as_text(checked), file=output)
    if options.replay:
        print(totals.as_text({"valid": checked.totals}), file=output)
    outcome = dry_run.as_json(checked) | _origin(options)
    return _report_file(source, outcome, output) and checked.ok, outcome


def _send(options: Namespace, target: Target, stop: threading.Event) -> tuple[bool, dict[str, Any]]:
    source = source_of(options, stop)
    with BankApi(target, clients=1) as api:
        if not api.answers():
            raise NothingToTalkTo(f"Nothing answers at {target.url}. The local cloud is started by `make run`.")
        if options.holders:
            holders.enrol(api, options.accounts)
    with progress_bar("posting", source.total) as bar:
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
    if options.fraud and not stop.is_set():
        _answer(options, target, source, stop, outcome)
    is_ok = sent.ok and source.total in (None, sent.sent + sent.skipped)
    if options.verify and not stop.is_set():
        is_ok = _verify(options, target, source, bool(sent.answers[QUEUED]), stop, outcome) and is_ok
    return _report_file(source, outcome, sys.stdout) and is_ok, outcome


def _answer(options: Namespace, target: Target, source: Source, stop: threading.Event, outcome: dict[str, Any]) -> None:
    """Have the holders answer the alerts, print what they answered, and put it into `outcome`."""
    if options.inbox is None:
        print(f"Planted {len(source.planted)} fraudulent transactions. Nobody answers: --inbox names no inbox.")
        return
    with progress_bar("answering", None, unit="alerts") as bar:
        answers = holders.answer_alerts(
            options.inbox,
            target.url,
            source.id_prefix,
            source.planted,
            seed=options.seed,
            quiet_s=holders.QUIET_S,
            progress=bar,
            stop=stop,
        )
    print(answers.as_text())
    outcome["holders"] = answers.as_json()


def _verify(
    options: Namespace, target: Target, source: Source, was_queued: bool, stop: threading.Event, outcome: dict[str, Any]
) -> bool:
    """Read back, print the result, put it into `outcome`, and return whether all is stored as it was sent."""
    bodies = list(source.should_be_stored())
    patience_s = verify.QUEUE_PATIENCE_S if was_queued else verify.INDEX_PATIENCE_S
    with progress_bar("reading back", len(bodies)) as bar:
        verification = verify.verify(bodies, target, options.clients, bar, stop, own=source.own, patience_s=patience_s)
    if not stop.is_set():
        print(verify.as_text(verification))
        outcome["verification"] = verify.as_json(verification)
    return verification.ok


def _report_file(source: Source, outcome: dict[str, Any], output: Any) -> bool:
    """Print the report of an MT940 or CAMT file, put it into `outcome`, and return whether all in it is right."""
    if source.file_report is None:
        return True
    print(file_report.as_text(source.file_report), file=output)
    outcome["file_report"] = file_report.as_json(source.file_report)
    return source.file_report.ok


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
        target = Target(stack["api_url"], api_key or stack["api_key"], options.signing_secret)
        options.inbox = options.inbox or stack.get("inbox_url")
        return target
    except FileNotFoundError:
        raise NothingToTalkTo("The local cloud is not running: `make run` starts it.") from None
    except (ValueError, KeyError, TypeError):
        raise NothingToTalkTo(f"{stack_file.name} is broken: `make run` writes it anew.") from None


@contextlib.contextmanager
def _stopped_by_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the process at once."""
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
