"""Failed batches of a stage: records of a stream that Lambda has given up on. List them, show one, send them again.

    python -m operations.failed_batches --stage prod list
    python -m operations.failed_batches --stage prod show aws/lambda/…
    python -m operations.failed_batches --stage prod send --function transaction_stream

A batch goes to its function as the stream would bring it, and is removed when the function has handled it. However
often it is sent, a transaction is archived, judged and notified once.
"""

import argparse
import json
import sys
from collections.abc import Callable

from tqdm import tqdm

from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import note_change
from operations.failed_batch_bucket import FailedBatches, UnreadableBatch


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.failed_batches", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="list the batches without their content")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    commands.add_parser("show", help="print one batch whole").add_argument("key", help="its key, as `list` prints it")
    send = commands.add_parser("send", help="send batches to their functions again")
    send.add_argument("--key", help="only the batch with this key")
    send.add_argument("--function", help="only batches of this function, like transaction_stream")
    options = parser.parse_args(arguments)
    work = {"list": _list, "show": _show, "send": _send}[options.command]
    return run("failed batches", lambda: _do(work, open_stage(options), options))


def _do(work: Callable[[FailedBatches, argparse.Namespace], int], stage: Stage, options: argparse.Namespace) -> int:
    if options.command == "send":
        note_change(stage, None, "failed_batches.send")
    return work(FailedBatches.of(stage), options)


def _list(batches: FailedBatches, options: argparse.Namespace) -> int:
    if not options.json:
        print(f"{'failed at (UTC)':19}  {'function':18}  {'records':>7}  key")
    for key in batches.stored_keys():
        try:
            batch = batches.read(key)
        except UnreadableBatch as error:
            print(f"failed batches: {error}", file=sys.stderr)
            continue
        if options.json:
            found = {"failed_at": batch.failed_at, "function": batch.function, "records": len(batch.records)}
            print(json.dumps({**found, "condition": batch.condition, "key": key}))
        else:
            print(f"{batch.failed_at[:19]:19}  {batch.function:18}  {len(batch.records):>7}  {key}")
    return 0


def _show(batches: FailedBatches, options: argparse.Namespace) -> int:
    print(json.dumps({"Records": batches.read(options.key).records}, indent=2))
    return 0


def _send(batches: FailedBatches, options: argparse.Namespace) -> int:
    sent, kept = 0, 0
    keys = [key for key in batches.stored_keys() if options.key in (None, key)]
    for key in tqdm(keys, desc="sending", unit="batch", delay=2):
        try:
            batch = batches.read(key)
            if options.function in (None, batch.function):
                batches.send(batch)
                sent += 1
        except UnreadableBatch as error:
            kept += 1
            print(f"failed batches: {error}", file=sys.stderr)
    print(f"{sent} sent again, {kept} kept.")
    return 0 if kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
