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
from collections.abc import Callable, Iterator

from tqdm import tqdm

from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import noted_once
from operations.failed_batch_bucket import FailedBatches, UnreadableBatch
from operations.listing import add_json_option, print_list
from operations.selecting import Option, Selection, is_same, is_same_function

COLUMNS = ("failed_at", "function", "records", "condition", "key")


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.failed_batches", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_json_option(commands.add_parser("list", help="list the batches without their content"))
    commands.add_parser("show", help="print one batch whole").add_argument("key", help="its key, as `list` prints it")
    send = commands.add_parser("send", help="send batches to their functions again")
    send.add_argument("--key", help="only the batch with this key")
    send.add_argument("--function", help="only batches of this function, like transaction_stream or TransactionStream")
    options = parser.parse_args(arguments)
    work = {"list": _list, "show": _show, "send": _send}[options.command]
    return run("failed batches", lambda: work(open_stage(options), options))


def _list(stage: Stage, options: argparse.Namespace) -> int:
    batches = FailedBatches.of(stage)

    def rows() -> Iterator[tuple[str, str, int, str, str]]:
        for key in batches.stored_keys():
            try:
                batch = batches.read(key)
            except UnreadableBatch as error:
                print(f"failed batches: {error}", file=sys.stderr)
            else:
                yield batch.failed_at, batch.function, len(batch.records), batch.condition, key

    print_list(COLUMNS, rows(), options.json)
    return 0


def _show(stage: Stage, options: argparse.Namespace) -> int:
    print(json.dumps({"Records": FailedBatches.of(stage).read(options.key).records}, indent=2))
    return 0


def _send(stage: Stage, options: argparse.Namespace) -> int:
    note = noted_once(stage, None, "failed_batches.send")
    return send(FailedBatches.of(stage), options.key, options.function, note)


def send(batches: FailedBatches, key: str | None, function: str | None, note: Callable[[], object]) -> int:
    """Send batches again, all or those that are named; return the command's status. Raises NothingSelected.

    `note` is called before each that is sent.
    """
    sent, kept = 0, 0
    by_key = Selection("batch", Option("--key", key, is_same))
    keys = [one for one in batches.stored_keys() if by_key.takes(one)]
    by_key.check()
    by_function = Selection("batch", Option("--function", function, is_same_function))
    for one in tqdm(keys, desc="sending", unit="batch", delay=2):
        try:
            batch = batches.read(one)
            if by_function.takes(batch.function):
                note()
                batches.send(batch)
                sent += 1
        except UnreadableBatch as error:
            kept += 1
            print(f"failed batches: {error}", file=sys.stderr)
    by_function.check()
    print(f"{sent} sent again, {kept} kept.")
    return 0 if kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
