"""Suppressed addresses of a stage: list them, and lift suppressions by address or by time.

    python -m operations.suppressions --stage prod list --bank eazycard
    python -m operations.suppressions --stage prod lift --address awa@example.com
    python -m operations.suppressions --stage prod lift --since 2026-01-10T14:00:00Z --until 2026-01-10T16:00:00Z

By time is for an outage of a mail provider, in which thousands of addresses bounced that are well. A lifting that was
interrupted is finished by the next one. A suppression that is put off can only be lifted when it is made: `lift` says
whether there are any. The table has no addresses, only their hashes: the list shows the beginnings.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from tqdm import tqdm

from chalicelib.aws.calls import call, error_code
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address, Entry
from chalicelib.ledger.times import format_time, parse_time
from chalicelib.stores import Stores
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import operators_changes
from operations.bank_registry import known_bank, registry
from operations.listing import add_json_option, print_list
from operations.selecting import NothingSelected
from operations.stage_stores import stores_of

COLUMNS = ("bank", "address (hash)", "reason", "since", "until")
_SHOWN = 12  # characters of a hash


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.suppressions", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="list the suppressed addresses, by their hashes")
    add_json_option(listing)
    lift = commands.add_parser("lift", help="send to addresses again: to one, or to those suppressed within a time")
    lift.add_argument("--address", help="the address; it is not logged")
    lift.add_argument("--yes", action="store_true", help="don't ask whether to go on")
    for command in (listing, lift):
        command.add_argument("--bank", help="only this bank's; default: all banks'")
        command.add_argument("--since", type=_time, help="suppressed at or after this time, like 2026-01-10T14:00:00Z")
        command.add_argument("--until", type=_time, help="suppressed before this time")
    options = parser.parse_args(arguments)
    if options.command == "lift" and not (options.address or (options.since and options.until)):
        parser.error("lift needs --address, or --since and --until")
    if options.since and options.until and options.since >= options.until:
        parser.error("--until must be after --since")
    work = {"list": _list, "lift": _lift}[options.command]
    return run("suppressions", lambda: work(open_stage(options), options, datetime.now(UTC)))


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _stores(stage: Stage, bank: str | None) -> Stores:
    """Return the stage's stores; raises BankRefused if there is no such bank."""
    stores = stores_of(stage, "AddressesTable", "AccountsTable", "BanksTable", "CursorSecretArn")
    if bank is not None:
        known_bank(stores.bank_store, bank)
    return stores


def _list(stage: Stage, options: argparse.Namespace, now: datetime) -> int:
    stores = _stores(stage, options.bank)

    def rows() -> Iterator[tuple[Any, ...]]:
        for entry in _entries(stores, options, now):
            if (found := entry.standing.suppressed) is not None:
                until = format_time(found.until) if found.until else None
                bank, digest = entry.address
                yield bank, digest[:_SHOWN], found.reason, format_time(found.since), until

    print_list(COLUMNS, rows(), options.json)
    return 0


def _lift(stage: Stage, options: argparse.Namespace, now: datetime) -> int:
    stores = _stores(stage, options.bank)
    _warn_of_what_may_come(stage)
    if options.address:
        banks = [options.bank] if options.bank else [bank.id for bank in registry(stage).banks()]
        found = [stores.addresses.entry(Address.of(bank, options.address)) for bank in banks]
    else:
        found = list(_entries(stores, options, now))
    wanted = [entry.address for entry in found if _is_suppressed(entry, now)]
    unfinished = [entry for entry in found if entry.standing.suppressed is None and entry.has_marks_left]
    # Its sweep may have been given up, with the marks of an earlier one left that doesn't lapse.
    lapsed = [entry for entry in found if entry.standing.suppressed is not None and not _is_suppressed(entry, now)]
    if not options.address and not _is_confirmed(len(wanted), options):
        print("Nothing was lifted.")
        return 1
    lifted = 0
    changes = {bank: operators_changes(stage, bank) for bank in {address.bank for address in wanted}}
    for address in tqdm(wanted, desc="lifting", unit="address", delay=2):
        changes[address.bank].of_address("suppression.lift", address.digest)
        lifted += stores.enrolment.lift_address(address, now)
    for entry in (*unfinished, *lapsed):
        stores.enrolment.complete_lift(entry, now)
    not_suppressed = len(found) - lifted - len(unfinished) - len(lapsed)
    print(
        f"{lifted} lifted"
        + f", {len(unfinished)} that an earlier lifting had begun completed" * bool(unfinished)
        + f", {len(lapsed)} that had lapsed (its holders' records say so, too)" * bool(lapsed)
        + f", {not_suppressed} not suppressed" * bool(not_suppressed)
        + "."
    )
    if options.address and not lifted and not unfinished and not lapsed:
        who = f"{options.bank} has not" if options.bank else "no bank has"
        raise NothingSelected(f"{who} suppressed this address: `list` shows the hashes of those that are.")
    return 0


def _warn_of_what_may_come(stage: Stage) -> None:
    """Say how many suppressions are put off: they are in no table yet, so none can be lifted before it is made.

    One that is just being tried is not counted.
    """
    name = "ApproximateNumberOfMessagesDelayed"  # of this queue's messages only these are sent with a delay
    queue = {"QueueUrl": stage.output("FeedbackQueueUrl"), "AttributeNames": [name]}
    again = "Run this again when the metric SuppressionsPutOff has been 0 for ten minutes."
    try:
        put_off = int(call(stage.session.client("sqs").get_queue_attributes, **queue)["Attributes"][name])
    except (ClientError, TemporarilyUnavailable) as error:
        why = error_code(error) if isinstance(error, ClientError) else "temporarily unavailable"
        print(f"suppressions: what waits to be retried could not be counted ({why}). {again}", file=sys.stderr)
        return
    if put_off:
        what = "suppressions or steps of sweeps wait" if put_off > 1 else "suppression or step of a sweep waits"
        print(f"suppressions: about {put_off} {what} to be retried, and may still come. {again}", file=sys.stderr)


def _is_suppressed(entry: Entry, now: datetime) -> bool:
    found = entry.standing.suppressed
    return found is not None and not found.has_lapsed(now)


def _entries(stores: Stores, options: argparse.Namespace, now: datetime) -> Iterator[Entry]:
    """Yield what is suppressed now and fits the options, and every lifting that was interrupted."""
    with tqdm(desc="reading", unit="entry", delay=2) as progress:
        for entry in stores.addresses.all_standings(options.bank or "", progress.update):
            found = entry.standing.suppressed
            if found is None or (
                _is_suppressed(entry, now)
                and (options.since is None or options.since <= found.since)
                and (options.until is None or found.since < options.until)
            ):
                yield entry


def _is_confirmed(number: int, options: argparse.Namespace) -> bool:
    if options.yes or number == 0:
        return True
    if not sys.stdin.isatty():
        print(f"suppressions: {number} addresses would be lifted: run this again with --yes.", file=sys.stderr)
        return False
    return input(f"Lift {number} addresses? [y/N] ").strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
