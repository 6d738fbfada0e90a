"""The search index of a stage: adds the transactions, and flags, that a release without the index stored.

    python -m operations.search_index --stage prod fill --dry-run
    python -m operations.search_index --stage prod fill
    python -m operations.search_index --stage prod fill --bank eazycard --per-second 50
    python -m operations.search_index --stage prod fill --after eazycard#card-417

It reads the whole table once, and writes only what is not in the index, each at about 3 write units. Running it again
changes nothing. When it is interrupted, it prints where the next run goes on. Nobody is notified of anything.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tqdm import tqdm

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import Item, call_if, from_item, to_item
from chalicelib.flags.answers import LAST_ANSWER
from chalicelib.ledger.stored_form import bank_shard, flags_shard, is_flag_row
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import noted_once
from operations.bank_registry import known_bank
from operations.stage_stores import PATIENT, stores_of

_WRITERS = 8
# A row that isn't in the index has no partition of it. What else is in the table has no place in time.
_MISSING = "attribute_not_exists(bank_shard) AND attribute_exists(timestamp_key)"
_READ = "transaction_key, #bank, recorded_shard, flags"
MAX_PER_SECOND = 4_000  # what a new table takes


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.search_index", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fill = commands.add_parser("fill", help="add what is not in the index")
    fill.add_argument("--bank", help="only this bank's; default: all banks'")
    fill.add_argument("--dry-run", action="store_true", help="only count what is missing")
    fill.add_argument("--per-second", type=_rate, default=200, help="the most rows written in a second (default: 200)")
    fill.add_argument("--after", help="go on behind this key, which an interrupted run has printed")
    options = parser.parse_args(arguments)
    return run("search index", lambda: _fill(open_stage(options), options))


def _rate(text: str) -> int:
    rate = int(text) if text.isdecimal() else 0
    if not 1 <= rate <= MAX_PER_SECOND:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MAX_PER_SECOND}")
    return rate


class Filler:
    """Adds rows of the table of transactions to its index by_bank.

    `counts` has how many rows were added, and how many can't be read. `position` is the key behind which the next run
    goes on.
    """

    def __init__(self, client: Any, table: str, bank: str | None = None, after: str | None = None) -> None:
        self._client, self._table, self._bank = client, table, bank
        self.position = after
        self.counts = Counter[str]()

    def pages(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield how many rows each page of the table has, and those that are missing in the index.

        A page counts as done when the next one is asked for. Raises TemporarilyUnavailable.
        """
        while True:
            answer = call(self._client.scan, **self._page())
            yield answer["ScannedCount"], [from_item(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return
            self.position = from_item(answer["LastEvaluatedKey"])["transaction_key"]

    def add(self, row: dict[str, Any]) -> None:
        """Add a row to the index unless it is there. Raises TemporarilyUnavailable."""
        try:
            partition = (flags_shard if is_flag_row(row) else bank_shard)(row["bank"], row["recorded_shard"])
        except KeyError:
            self.counts["unreadable"] += 1
            return
        # The stream brings the changed row. Without the name of who answered last, no answer is told a second time.
        forget = f" REMOVE {LAST_ANSWER}" if is_flag_row(row) else ""
        added = call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"transaction_key": row["transaction_key"]}),
            UpdateExpression=f"SET bank_shard = :partition{forget}",
            ConditionExpression=_MISSING,
            ExpressionAttributeValues=to_item({":partition": partition}),
        )
        self.counts["added"] += added is not None

    def _page(self) -> dict[str, Any]:
        start: dict[str, Item] = {}
        if self.position is not None:
            start = {"ExclusiveStartKey": to_item({"transaction_key": self.position})}
        of_bank = " AND #bank = :bank" if self._bank else ""
        values = {"ExpressionAttributeValues": to_item({":bank": self._bank})} if self._bank else {}
        return {
            "TableName": self._table,
            "FilterExpression": _MISSING + of_bank,
            "ProjectionExpression": _READ,
            "ExpressionAttributeNames": {"#bank": "bank"},
            **values,
            **start,
        }


def fill(
    filler: Filler,
    per_second: int,
    is_dry_run: bool,
    progress: Callable[[int], object],
    note: Callable[[], object] = lambda: None,
) -> None:
    """Add all that is missing, at most so many rows in a second; `progress` gets how many rows were read.

    `note` is called before rows are added.
    """
    with ThreadPoolExecutor(_WRITERS) as writers:
        for read, missing in filler.pages():
            if is_dry_run:
                filler.counts["missing"] += len(missing)
            for start in range(0, 0 if is_dry_run else len(missing), per_second):
                note()
                began = time.monotonic()
                part = missing[start : start + per_second]
                list(writers.map(filler.add, part))
                time.sleep(max(0.0, len(part) / per_second - (time.monotonic() - began)))
            progress(read)


def _fill(stage: Stage, options: argparse.Namespace) -> int:
    stores = stores_of(stage, "TransactionsTable", config=PATIENT)
    client, table = stores.client("dynamodb"), stores.settings.transactions_table
    if options.bank is not None:
        known_bank(stores_of(stage, "BanksTable").bank_store, options.bank)
    note = noted_once(stage, options.bank, "search_index.fill")
    filler = Filler(client, table, options.bank, options.after)
    about = call(client.describe_table, TableName=table)["Table"]["ItemCount"]  # up to six hours old
    try:
        with tqdm(total=about or None, desc="reading", unit="row", delay=2) as bar:
            fill(filler, options.per_second, options.dry_run, bar.update, note)
    except BaseException:
        _report(filler, options)
        if filler.position is not None:
            print(f"Go on with: fill --after '{filler.position}'", file=sys.stderr)
        raise
    _report(filler, options)
    return 0 if not filler.counts["unreadable"] else 1


def _report(filler: Filler, options: argparse.Namespace) -> None:
    counts = filler.counts
    if options.dry_run:
        print(f"{counts['missing']} rows are not in the index; nothing was written.")
    else:
        print(f"{counts['added']} rows added, {counts['unreadable']} can't be read.")


if __name__ == "__main__":
    sys.exit(main())
