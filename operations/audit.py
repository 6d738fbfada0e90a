"""The audit trail of a stage: who changed what of which bank's data, and when. List its entries, or show one.

    python -m operations.audit --stage prod list --bank eazycard --from 2026-01-10
    python -m operations.audit --stage prod list --bank eazycard --account A123 --holder awa --json
    python -m operations.audit --stage prod show eazycard 2026-01-10T14:00:00.000000Z-5f0c…

An entry names what is changed, never a value. It names a holder by a hash: --account and --holder find the entries of
one. Entries of the whole stage have the bank STAGE.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from chalicelib.audit.entry import STAGE, Author, Entry
from chalicelib.ledger.times import format_time, parse_time
from chalicelib.stores import Stores
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.bank_registry import known_bank, registry
from operations.listing import add_json_option, print_list
from operations.selecting import NothingSelected, Option, Selection, begins_with
from operations.stage_stores import PATIENT, stores_of

COLUMNS = ("id", "bank", "at", "author", "action", "subject", "fields", "source_ip", "request_id")
DAYS = 30


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.audit", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="list entries, oldest first")
    listing.add_argument("--bank", help=f"only this bank's, or {STAGE}; default: all banks' and the stage's")
    listing.add_argument("--from", dest="first", type=_from, help=f"a date or time; default: {DAYS} days ago")
    listing.add_argument("--to", dest="last", type=_to, help="a date, which counts whole, or a time; default: now")
    listing.add_argument("--author", help="only authors whose kind or id begins with this, like operator or arn:aws:…")
    listing.add_argument("--action", help="only actions that begin with this, like holder or settings.put")
    listing.add_argument("--account", help="only entries of a holder of this account; with --bank and --holder")
    listing.add_argument("--holder", help="only entries of the holder with this id")
    add_json_option(listing)
    show = commands.add_parser("show", help="print one entry as JSON")
    show.add_argument("bank", help=f"its bank, or {STAGE}")
    show.add_argument("id", help="its id, as `list` prints it")
    options = parser.parse_args(arguments)
    of_one = [options.bank, options.account, options.holder] if options.command == "list" else []
    if options.command == "list" and options.first and options.last and options.first > options.last:
        parser.error("--from is after --to")
    if any(of_one[1:]) and not all(of_one):
        parser.error("--account and --holder come together, with --bank")
    work = {"list": _list, "show": _show}[options.command]
    return run("audit", lambda: work(open_stage(options), options))


def _from(text: str) -> datetime:
    return _moment(text, time.min)


def _to(text: str) -> datetime:
    return _moment(text, time.max)


def _moment(text: str, in_day: time) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), in_day, UTC) if len(text) == 10 else parse_time(text)
    except ValueError:
        message = "must be a date like 2026-01-31, or a time like 2026-01-31T14:00:00Z"
        raise argparse.ArgumentTypeError(message) from None


def _stores(stage: Stage) -> Stores:
    return stores_of(stage, "AuditTrail", "CursorSecretArn", config=PATIENT)


def _list(stage: Stage, options: argparse.Namespace) -> int:
    stores = _stores(stage)
    selection = Selection(
        "entry of this time",
        Option("--author", options.author, _is_by),
        Option("--action", options.action, begins_with),
    )
    has_entries = False

    def rows() -> Iterator[list[Any]]:
        nonlocal has_entries
        for entry in _entries(stage, stores, options, datetime.now(UTC)):
            has_entries = True
            if selection.takes(_told(entry.author), entry.action):
                yield _row(entry, options.json)

    print_list(COLUMNS, rows(), options.json)
    if not has_entries and options.bank not in (None, STAGE):
        known_bank(registry(stage).store, options.bank)  # entries of a bank that has left stay
    if not has_entries and options.holder:
        _check_holder(stage, options)  # and so do an erased holder's
        print("no entry of this time is about that holder.", file=sys.stderr)
        return 0
    selection.check()
    return 0


def _check_holder(stage: Stage, options: argparse.Namespace) -> None:
    holders = stores_of(stage, "AccountsTable").holders.of_account(options.bank, options.account)
    if options.holder not in [holder.id for holder in holders]:
        raise NothingSelected("no entry of this time is about that holder, and the account has no such holder now.")


def _entries(stage: Stage, stores: Stores, options: argparse.Namespace, now: datetime) -> Iterator[Entry]:
    """Yield the entries of the options' bank, time and holder."""
    banks = [options.bank] if options.bank else [STAGE, *(bank.id for bank in registry(stage).banks())]
    subject = stores.trail.holder(options.bank, options.account, options.holder) if options.holder else ""
    first, last = options.first or now - timedelta(days=DAYS), options.last or now
    for bank in banks:
        for entry in stores.audit_entries.of_bank(bank, first, last):
            if not subject or entry.subject == subject:
                yield entry


def _told(author: Author) -> str:
    return f"{author.kind}:{author.id}"


def _is_by(author: str, wanted: str) -> bool:
    return begins_with(author, wanted) or begins_with(author.partition(":")[2], wanted)


def _row(entry: Entry, as_json: bool) -> list[Any]:
    values = entry.to_json() | {"author": _told(entry.author), "at": format_time(entry.at)}
    if not as_json:
        values["fields"] = ",".join(entry.fields)
    return [values[name] for name in COLUMNS]


def _show(stage: Stage, options: argparse.Namespace) -> int:
    entry = _stores(stage).audit_entries.find(options.bank, options.id)
    if entry is None:
        print(f"audit: {options.bank} has no entry {options.id}.", file=sys.stderr)
        return 1
    print(json.dumps(entry.to_json(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
