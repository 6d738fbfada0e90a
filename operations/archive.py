"""The archive of a stage: list its objects, show one, replay them into the table.

    python -m operations.archive --stage prod list --bank eazycard --from 2026-01-01 --to 2026-01-31
    python -m operations.archive --stage prod show bank=eazycard/date=2026-01-10/4421…-17-9f86d081884c.jsonl.gz
    python -m operations.archive --stage prod replay --bank eazycard --dry-run
    python -m operations.archive --stage prod add eazycard card-417 card-418

Dates are the UTC days on which transactions arrived. A replay records the transactions that the table lacks, and
changes no other. `add` archives stored transactions that the archiver has left out, each on the day on which it
arrived. Both can be run again at any time.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import NoReturn

from tqdm import tqdm

from chalicelib.errors import TransactionNotFound
from chalicelib.ledger.archive import Archiver, checked_line
from chalicelib.ledger.intake import Intake
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.archive_reader import Archive, Selection
from operations.auditing import note_change, noted_once
from operations.bank_registry import known_bank
from operations.listing import add_json_option, print_list
from operations.replay import CLIENT, Replay
from operations.selecting import check_named
from operations.stage_stores import PATIENT, stores_of

_UNAVAILABLE = "the table can't be reached or takes nothing for now. Run the command again later."


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command in ("list", "replay") and options.first and options.last and options.first > options.last:
        parser.error("--from is after --to")
    work = {"list": _list, "show": _show, "replay": _replay, "add": _add}[options.command]
    return run("archive", lambda: work(open_stage(options), options), unavailable=_UNAVAILABLE)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date like 2026-01-31") from None


def _parser() -> argparse.ArgumentParser:
    parser = stage_parser("operations.archive", __doc__)
    selection = argparse.ArgumentParser(add_help=False)
    selection.add_argument("--bank", help="only this bank")
    selection.add_argument("--from", dest="first", type=_date, help="first day of arrival, YYYY-MM-DD")
    selection.add_argument("--to", dest="last", type=_date, help="last day of arrival, YYYY-MM-DD")
    commands = parser.add_subparsers(dest="command", required=True)
    add_json_option(
        commands.add_parser("list", parents=[selection], help="list objects with their size and number of lines")
    )
    commands.add_parser("show", help="print an object's lines").add_argument("key")
    replay = commands.add_parser("replay", parents=[selection], help="record the transactions that the table lacks")
    replay.add_argument("--dry-run", action="store_true", help="print what would happen and write nothing")
    add = commands.add_parser("add", help="archive stored transactions that the archiver has left out")
    add.add_argument("bank")
    add.add_argument("transaction", nargs="+", help="its id, as the log line `not_archived` has it")
    return parser


def _archive(stage: Stage) -> Archive:
    return Archive(stage.session.client("s3"), stage.output("ArchiveBucket"))


def _selected(stage: Stage, options: argparse.Namespace) -> Archive:
    """Return the archive; raises NothingSelected if the bank that is named neither is one nor has objects there.

    A bank may have none yet, and one that has left may have some.
    """
    archive = _archive(stage)
    if options.bank is not None and stores_of(stage, "BanksTable").bank_store.bank(options.bank) is None:
        check_named("bank in the archive", options.bank, archive.banks())
    return archive


def _selection(options: argparse.Namespace) -> Selection:
    return Selection(options.bank, options.first, options.last)


def _list(stage: Stage, options: argparse.Namespace) -> int:
    archive, total = _selected(stage, options), Counter[str]()

    def rows() -> Iterator[tuple[str, int, int | None]]:
        for found in archive.objects(_selection(options)):
            total.update(objects=1, bytes=found.size, lines=found.lines or 0)
            yield found.key, found.size, found.lines

    # An object that was not written by the archiver doesn't say how many lines it has.
    print_list(("key", "bytes", "lines"), rows(), options.json)
    print(f"{total['objects']} objects, {total['bytes']} bytes, {total['lines']} lines", file=sys.stderr)
    return 0


def _show(stage: Stage, options: argparse.Namespace) -> int:
    for line in _archive(stage).lines(options.key):
        print(line)
    return 0


def _add(stage: Stage, options: argparse.Namespace) -> int:
    stores = stores_of(stage, "TransactionsTable", config=PATIENT)
    archiver = Archiver(stage.session.client("s3"), stage.output("ArchiveBucket"))
    known_bank(stores_of(stage, "BanksTable").bank_store, options.bank)
    note = noted_once(stage, options.bank, "archive.add", ["transactions"])
    failed = 0
    for transaction_id in dict.fromkeys(options.transaction):
        try:
            transaction = stores.transactions.get(options.bank, transaction_id)
            checked_line(transaction)
        except TransactionNotFound:
            failed += 1
            print(f"archive: {options.bank} has no transaction {transaction_id}.", file=sys.stderr)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            failed += 1
            print(
                f"archive: {transaction_id} can't be read ({type(error).__name__}): put its row in the table right.",
                file=sys.stderr,
            )
        else:
            note()
            print(archiver.add(transaction))
    return 1 if failed else 0


def _no_queue() -> NoReturn:
    raise AssertionError("a replay waits for the table and never queues")


def _replay(stage: Stage, options: argparse.Namespace) -> int:
    archive = _selected(stage, options)
    total = sum(1 for _ in archive.objects(_selection(options)))
    if total and not options.dry_run:
        note_change(stage, options.bank, "archive.replay", ["transactions"])
    stores = stores_of(stage, "TransactionsTable", config=CLIENT)
    replay = Replay(archive, Intake(stores.transactions, _no_queue), options.dry_run, report=tqdm.write)
    counts, done = replay.counts, 0
    try:
        with tqdm(total=total, desc="replaying", unit="object", delay=2) as progress:
            for found in archive.objects(_selection(options)):
                replay.take(found)
                done += 1
                progress.update()
    finally:
        # Printed also when the replay is interrupted or fails: what was recorded is kept.
        print(
            f"{done} of {total} objects{' (dry run)' * options.dry_run}: "
            f"{counts['created']} {'to be created' if options.dry_run else 'created'}, "
            f"{counts['replayed']} already there, {counts['conflict']} conflicts, "
            f"{counts['unreadable line']} unreadable lines, {counts['unreadable object']} unreadable objects"
        )
    return 0 if counts.keys() <= {"created", "replayed"} else 1


if __name__ == "__main__":
    sys.exit(main())
