"""The archive of a stage: list its objects, show one, replay them into the table.

    python -m operations.archive --stage prod list --bank eazycard --from 2026-01-01 --to 2026-01-31
    python -m operations.archive --stage prod show bank=eazycard/date=2026-01-10/4421…-17-9f86d081884c.jsonl.gz
    python -m operations.archive --stage prod replay --bank eazycard --dry-run

Dates are the UTC days on which transactions arrived. A replay records what the table lacks and leaves what it has as it
is, however often it is run.
"""

import argparse
import contextlib
import gzip
import io
import re
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NoReturn

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import error_code
from chalicelib.aws.clients import WRITERS
from chalicelib.errors import TemporarilyUnavailable, TransactionConflict
from chalicelib.ledger.archive import SUFFIX, from_line
from chalicelib.ledger.intake import Intake, RecordResult
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction
from chalicelib.stores import utc_now
from infra.sessions import gave_up, session_for
from infra.stacks import DEFAULT_REGION, StackFailed, outputs, stack_name

AT_ONCE = 200
# The analytics job takes it that a row is stored within a minute of its time of recording: short tries, each part of
# an object begun anew after this time, and what was put off is given a later time of recording.
PART_TAKES_AT_MOST_S = 30
_CLIENT = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=WRITERS,
)
_NAME = re.compile(rf"-(\d+)-[0-9a-f]+{re.escape(SUFFIX)}\Z")
_WAITS_S = (1, 2, 4, 8, 15, 30, 30, 30)
# Deleted since it was listed, or moved to where it must be restored from first.
_OUT_OF_REACH = ("NoSuchKey", "InvalidObjectState")


class UnreadableObject(Exception):
    """An object of the archive that can't be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects are meant: of one bank or of all, of the days from `first` to `last`, both included."""

    bank: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class ArchiveObject:
    """An object of the archive; `lines` is None if its name, which is not the archiver's, doesn't tell."""

    key: str
    bank: str
    size: int
    lines: int | None


class Archive:
    """A stage's archive, to be read."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def objects(self, selection: Selection) -> Iterator[ArchiveObject]:
        """Yield the objects that are meant, by bank and then by day. The cost grows with them, not with all."""
        for bank in self._banks() if selection.bank is None else [selection.bank]:
            folder = f"bank={bank}/date="
            last_day = f"{folder}{selection.last or '9999-12-31'}"
            for entry in self._listed("Contents", Prefix=folder, StartAfter=f"{folder}{selection.first or ''}"):
                if entry["Key"][: len(last_day)] > last_day:
                    break
                if entry["Key"].endswith(SUFFIX):
                    yield _object(entry, bank)

    def lines(self, key: str) -> list[str]:
        """Return an object's lines; raises UnreadableObject."""
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) not in _OUT_OF_REACH:
                raise
            raise UnreadableObject(f"{key}: {error_code(error)}") from None
        try:
            return gzip.decompress(content).decode().removesuffix("\n").split("\n")
        except (EOFError, OSError, UnicodeDecodeError, zlib.error):
            raise UnreadableObject(f"{key}: no gzip of UTF-8 text, or not all of it") from None

    def _banks(self) -> Iterator[str]:
        for found in self._listed("CommonPrefixes", Prefix="bank=", Delimiter="/"):
            yield found["Prefix"].removeprefix("bank=").removesuffix("/")

    def _listed(self, what: str, **arguments: str) -> Iterator[Any]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **arguments):
            yield from page.get(what, ())


def _object(entry: dict[str, Any], bank: str) -> ArchiveObject:
    named = _NAME.search(entry["Key"])
    return ArchiveObject(entry["Key"], bank, entry["Size"], int(named[1]) if named else None)


class Replay:
    """Puts archived transactions through the intake, or with `is_dry_run` only asks it what it would do.

    `counts` says what has become of them so far: created, replayed, conflict, unreadable line, unreadable object.
    `report` is told of every conflict and of all that can't be read.
    """

    def __init__(
        self,
        archive: Archive,
        intake: Intake,
        is_dry_run: bool = False,
        report: Callable[[str], None] = print,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._archive = archive
        self._intake = intake
        self._is_dry_run = is_dry_run
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._readers = ThreadPoolExecutor(WRITERS)
        self.counts = Counter[str]()

    def take(self, found: ArchiveObject) -> None:
        """Replay one object; raises TemporarilyUnavailable when the table takes nothing for minutes."""
        try:
            lines = self._archive.lines(found.key)
        except UnreadableObject as error:
            self._unreadable("object", str(error))
            return
        for part in batches(self._transactions(found, lines), AT_ONCE):
            pending = part
            for wait_s in _WAITS_S:
                outcomes = self._attempt(pending)
                for transaction, outcome in zip(pending, outcomes, strict=True):
                    self._note(transaction, outcome)
                pending = [
                    transaction
                    for transaction, outcome in zip(pending, outcomes, strict=True)
                    if isinstance(outcome, TemporarilyUnavailable)
                ]
                if not pending:
                    break
                self._sleep(wait_s)
            else:
                raise TemporarilyUnavailable

    def _transactions(self, found: ArchiveObject, lines: Sequence[str]) -> Iterator[Transaction]:
        for number, line in enumerate(lines, 1):
            try:
                yield from_line(line, found.bank)
            except ValueError as error:
                self._unreadable("line", f"{found.key}: line {number}: {error}")

    def _attempt(self, transactions: Sequence[Transaction]) -> list[RecordResult]:
        if self._is_dry_run:
            return list(self._readers.map(self._foreseen, transactions))
        now = self._clock()
        end = time.monotonic() + PART_TAKES_AT_MOST_S
        # Metrics are lines on standard output, which mean nothing but on Lambda.
        with contextlib.redirect_stdout(io.StringIO()):
            return self._intake.record_all(
                [replace(transaction, recorded_at=now) for transaction in transactions], lambda: end - time.monotonic()
            )

    def _foreseen(self, transaction: Transaction) -> RecordResult:
        try:
            return self._intake.foresee(transaction)
        except (TransactionConflict, TemporarilyUnavailable) as error:
            return error

    def _note(self, transaction: Transaction, outcome: RecordResult) -> None:
        match outcome:
            case TransactionConflict():
                self.counts["conflict"] += 1
                self._report(f"conflict\t{transaction.bank}\t{transaction.id}\t{', '.join(outcome.differing)}")
            case TemporarilyUnavailable():
                pass  # it is tried again
            case _:
                self.counts[outcome.status] += 1

    def _unreadable(self, what: str, where: str) -> None:
        self.counts[f"unreadable {what}"] += 1
        self._report(f"unreadable\t{where}")


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command != "show" and options.first and options.last and options.first > options.last:
        parser.error("--from is after --to")
    try:
        session = session_for(options.stage, options.region)
        data = outputs(session.client("cloudformation"), stack_name(options.stage, "data"))
        if "ArchiveBucket" not in data:
            raise StackFailed(f"stage {options.stage} has no archive yet: provisioning it again makes one.")
        archive = Archive(session.client("s3"), data["ArchiveBucket"])
        if options.command == "replay":
            repository = TransactionRepository(session.client("dynamodb", config=_CLIENT), data["TransactionsTable"])
            return _replay(archive, Intake(repository, _no_queue), options)
        status = {"list": _list, "show": _show}[options.command](archive, options)
        sys.stdout.flush()
        return status
    except (StackFailed, UnreadableObject, ClientError, BotoCoreError) as error:
        print(f"archive: {error}", file=sys.stderr)
        return 1
    except TemporarilyUnavailable:
        print("archive: the table can't be reached or takes no more for now: run it again later.", file=sys.stderr)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return gave_up("archive")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date like 2026-01-31") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations.archive", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    selection = argparse.ArgumentParser(add_help=False)
    selection.add_argument("--bank", help="only this bank's")
    selection.add_argument("--from", dest="first", type=_date, help="first day of arrival, YYYY-MM-DD")
    selection.add_argument("--to", dest="last", type=_date, help="last day of arrival, YYYY-MM-DD")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", parents=[selection], help="list objects with their size and number of lines")
    commands.add_parser("show", help="print an object's lines").add_argument("key")
    replay = commands.add_parser("replay", parents=[selection], help="record what the table lacks")
    replay.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
    return parser


def _selection(options: argparse.Namespace) -> Selection:
    return Selection(options.bank, options.first, options.last)


def _no_queue() -> NoReturn:
    raise AssertionError("a replay waits for the table and never queues")


def _list(archive: Archive, options: argparse.Namespace) -> int:
    objects, size, lines = 0, 0, 0
    for found in archive.objects(_selection(options)):
        print(f"{found.key}\t{found.size}\t{'?' if found.lines is None else found.lines}")
        objects, size, lines = objects + 1, size + found.size, lines + (found.lines or 0)
    print(f"{objects} objects, {size} bytes, {lines} lines", file=sys.stderr)
    return 0


def _show(archive: Archive, options: argparse.Namespace) -> int:
    for line in archive.lines(options.key):
        print(line)
    return 0


def _replay(archive: Archive, intake: Intake, options: argparse.Namespace) -> int:
    replay = Replay(archive, intake, options.dry_run, report=tqdm.write)
    counts = replay.counts
    total = sum(1 for _ in archive.objects(_selection(options)))
    done = 0
    try:
        with tqdm(total=total, desc="replaying", unit="object", delay=2) as progress:
            for found in archive.objects(_selection(options)):
                replay.take(found)
                done += 1
                progress.update()
    finally:
        # Also when it ends early: what was done is done.
        print(
            f"{done} of {total} objects{' (dry run)' * options.dry_run}: "
            f"{counts['created']} {'to be created' if options.dry_run else 'created'}, "
            f"{counts['replayed']} already there, {counts['conflict']} conflicts, "
            f"{counts['unreadable line']} unreadable lines, {counts['unreadable object']} unreadable objects"
        )
    return 0 if counts.keys() <= {"created", "replayed"} else 1


if __name__ == "__main__":
    sys.exit(main())
