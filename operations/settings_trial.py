"""Back-test a bank's flag settings: what they would have flagged among transactions of the past. Nothing is written.

    python -m operations.settings_trial --stage prod --bank eazycard --days 30 --settings changed.json
    python -m operations.settings_trial --file transactions.csv.gz --settings changed.json

The settings file has what `PUT /settings` takes, and replaces the bank's settings likewise: what it leaves out is as by
default. Transactions are judged one after the other as they were recorded, those of a file in its order. Each account's
history begins with the range: what came before is not known, so that the first days show fewer flags than they had.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from bank_simulator.files.contents import UnreadableFile
from bank_simulator.files.csv_rows import bodies
from chalicelib.analytics.rollups import is_countable
from chalicelib.api.json_body import read_json
from chalicelib.api.requests import MAX_DAYS
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, load_settings
from chalicelib.banks.thresholds import Thresholds
from chalicelib.errors import DomainError, TemporarilyUnavailable, ValidationFailed
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.repository import RECORDED_SHARDS, TransactionRepository, is_flag_row, transaction_of_row
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import MAX_AHEAD, Transaction
from infra.sessions import session_for
from infra.stacks import DEFAULT_REGION, StackFailed, outputs, stack_name
from operations.flag_trial import FlagTrial, as_json, as_text

# Whole megabytes of the index are read, a maintenance command may wait for them.
_CLIENT = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})
# A clock that is behind can have recorded a transaction before its day.
_CLOCKS_DIFFER = timedelta(minutes=1)

Judged = Iterator[tuple[float, Transaction]]  # with how far along all of them it is, from 0 to 1


class BackTestFailed(Exception):
    """The back-test can't be made; the message says why."""


def recorded(
    repository: TransactionRepository, bank: str, first: date, last: date, now: datetime, malformed: Callable[[], None]
) -> Judged:
    """Yield the bank's transactions whose own days are from `first` to `last`, in the order of recording.

    A page of each shard of the index is held at a time. Rows that the intake would not have stored are passed over.
    """
    begin = datetime.combine(max(first, date(1970, 1, 1)), datetime.min.time(), UTC) - MAX_AHEAD - _CLOCKS_DIFFER
    # What is recorded after the range can be of a day in it, however late.
    shards = [_rows(repository, shard, bank, sortable(begin), sortable(now)) for shard in RECORDED_SHARDS]
    for row in merge(*shards, key=lambda row: str(row["recorded_key"])):
        if is_flag_row(row):
            continue
        try:
            transaction = transaction_of_row(row) if is_countable(row) else None
        except ValueError:  # no time of the calendar
            transaction = None
        if transaction is None:
            malformed()
        elif first <= transaction.timestamp.date() <= last:
            yield (transaction.recorded_at - begin) / (now - begin), transaction


def _rows(
    repository: TransactionRepository, shard: str, bank: str, after: str | None, until: str
) -> Iterator[dict[str, Any]]:
    while after is not None:
        rows, after = repository.recorded(shard, after, until, bank=bank)
        yield from rows


def in_file(path: Path, currency: str | None, now: datetime) -> Judged:
    """Yield the file's transactions, in its order; raises BackTestFailed, UnreadableFile."""
    total = sum(1 for _ in bodies(path))
    for number, body in enumerate(bodies(path), start=1):
        if currency is None and not body.get("currency"):
            raise BackTestFailed(f"{path}, transaction {number} has no currency: --currency gives those without one.")
        try:
            yield number / total, load_transaction(body, "file", currency or "", now, [])
        except ValidationFailed as error:
            raise BackTestFailed(f"{path}, transaction {number}: {_told(error)}") from None


def settings_in(path: Path) -> Thresholds:
    """Return the thresholds in a settings file; raises BackTestFailed naming the fields that break a rule."""
    try:
        return load_settings(read_json(path.read_bytes())).thresholds
    except OSError as error:
        raise BackTestFailed(f"{path}: {error.strerror or error}") from None
    except ValidationFailed as error:
        raise BackTestFailed(f"{path}: {_told(error)}") from None
    except DomainError as error:
        raise BackTestFailed(f"{path}: {error}") from None


def _told(error: ValidationFailed) -> str:
    return "; ".join(f"{field}: {message}" for field, message in error.errors)


def main(arguments: list[str] | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    moment = now()
    _check(parser, options, moment.date())
    try:
        changed = settings_in(options.settings) if options.settings else None
        trial = _tried(options, changed, moment)
    except (BackTestFailed, UnreadableFile, StackFailed, ClientError, BotoCoreError) as error:
        print(f"back_test: {error}", file=sys.stderr)
        return 1
    except TemporarilyUnavailable:
        print("back_test: the tables can't be read for now: run it again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("back_test: interrupted; nothing was changed.", file=sys.stderr)
        return 130
    if not trial.transactions:
        print(f"back_test: there are no transactions in {_where(options)}.", file=sys.stderr)
        return 1
    print(json.dumps(as_json(trial), indent=2) if options.json else f"{_where(options)}: {as_text(trial)}")
    return 0


def _tried(options: argparse.Namespace, changed: Thresholds | None, now: datetime) -> FlagTrial:
    if options.file is not None:
        return _run(FlagTrial(BankSettings().thresholds, changed), in_file(options.file, options.currency, now))
    session = session_for(options.stage, options.region)
    data = outputs(session.client("cloudformation"), stack_name(options.stage, "data"))
    dynamodb = session.client("dynamodb", config=_CLIENT)
    banks = BankRepository(dynamodb, data["BanksTable"])
    if banks.bank(options.bank) is None:
        raise StackFailed(f"there is no bank {options.bank}.")
    trial = FlagTrial(banks.settings(options.bank).settings.thresholds, changed)
    repository = TransactionRepository(dynamodb, data["TransactionsTable"])
    return _run(trial, recorded(repository, options.bank, options.first, options.last, now, trial.pass_over))


def _run(trial: FlagTrial, judged: Judged) -> FlagTrial:
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc="judging", delay=2, bar_format=bar_format) as bar:
        for share, transaction in judged:
            trial.judge(transaction)
            if share - bar.n >= 0.001:
                bar.update(share - bar.n)
    return trial


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m operations.settings_trial",
        description=__doc__.split("\n\n")[0],
        epilog=__doc__.split("\n\n")[2],
    )
    parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bank", help="whose transactions, and whose settings beside the changed ones")
    source.add_argument(
        "--file", type=Path, help="a CSV file of transactions, which are judged by the default settings"
    )
    parser.add_argument("--days", type=int, help="the last so many UTC days of the transactions' own time, with today")
    parser.add_argument("--from", dest="first", type=_day, help="the first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=_day, help="the last day; default: today")
    parser.add_argument("--settings", type=Path, help="a JSON file of the changed settings, to be compared with")
    parser.add_argument("--currency", help="of the file's transactions that have none")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no date like 2026-01-10") from None


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace, today: date) -> None:
    """Complete the range of days; end the command where options don't go together."""
    if options.file is not None:
        if (options.days, options.first, options.last) != (None, None, None):
            parser.error("--file is taken whole: --days, --from and --to are for --bank")
        return
    if options.currency is not None:
        parser.error("--currency is for --file")
    if (options.days is None) == (options.first is None):
        parser.error("--bank needs either --days or --from")
    if options.days is not None:
        if options.last is not None:
            parser.error("--to is for --from")
        if not 1 <= options.days <= MAX_DAYS:
            parser.error(f"--days must be from 1 to {MAX_DAYS}")
        options.first = today - timedelta(days=options.days - 1)
    options.last = options.last or today
    if options.first > options.last:
        parser.error("--from is after --to")


def _where(options: argparse.Namespace) -> str:
    if options.file is not None:
        return str(options.file)
    return f"{options.bank}, {options.first} to {options.last} (UTC)"


if __name__ == "__main__":
    sys.exit(main())
