"""Try flag settings on past transactions of a bank: how many would they have flagged? Nothing is written.

    python -m operations.settings_trial --stage prod --bank eazycard --days 30 --settings changed.json
    python -m operations.settings_trial --file transactions.csv.gz --settings changed.json

The settings file is a body of `PUT /settings`: what it leaves out has its default. Transactions are judged in the order
in which they were recorded, those of a file in the order of its lines. Each account's history begins with the first day
of the range, so the first days show fewer flags than there were. Of a bank's flagged transactions it also says how many
were true and false alarms: as staff closed the case, or else as the holders answered.
"""

import argparse
import functools
import json
import math
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bank_simulator import replay
from bank_simulator.files.contents import UnreadableFile
from chalicelib.analytics.rollups import is_countable
from chalicelib.api.json_body import read_json
from chalicelib.api.requests import MAX_DAYS
from chalicelib.banks.settings import BankSettings, load_settings
from chalicelib.banks.thresholds import FLAGS, Thresholds
from chalicelib.cases.alarms import TrialAlarms
from chalicelib.cases.labels_repository import Labels
from chalicelib.cases.precision import Labelled
from chalicelib.errors import DomainError, ValidationFailed
from chalicelib.flags.trial import Flags, FlagTrial
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, is_flag_row, shards_of, transaction_of_row
from chalicelib.ledger.times import sortable
from chalicelib.ledger.transaction import MAX_AHEAD, Transaction
from infra.command_line import FAILED, open_stage, run, stage_parser
from infra.failures import CommandFailed
from operations.bank_registry import known_bank
from operations.flag_trial import as_json, as_text
from operations.stage_stores import PATIENT, stores_of

# A machine whose clock is slow can have recorded a transaction before its day.
_CLOCKS_DIFFER = timedelta(minutes=1)

Judged = Iterator[tuple[float, Transaction]]  # with its position among all of them, from 0 to 1


class SettingsTrialFailed(CommandFailed):
    """The settings or the transactions can't be read."""


def recorded(
    repository: TransactionRepository,
    bank: str,
    first: date,
    last: date,
    now: datetime,
    malformed: Callable[[], None],
    shards: int = SHARDS,
) -> Judged:
    """Yield the bank's transactions of the days `first` to `last` of their own time, in the order of recording.

    Memory holds a page of each shard of the index at a time. `malformed` is called for each row that the intake would
    not have stored; such a row is left out.
    """
    begin = datetime.combine(max(first, date(1970, 1, 1)), datetime.min.time(), UTC) - MAX_AHEAD - _CLOCKS_DIFFER
    # A transaction of the range can be recorded any time after it.
    rows = [_rows(repository, shard, bank, sortable(begin), sortable(now)) for shard in shards_of(shards)]
    for row in merge(*rows, key=lambda row: str(row["recorded_key"])):
        if is_flag_row(row):
            continue
        try:
            transaction = transaction_of_row(row) if is_countable(row) else None
        except ValueError:  # its time is not in the calendar
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
    """Yield the transactions of a CSV, MT940, MT942 or CAMT file, in its order.

    Raises SettingsTrialFailed, UnreadableFile.
    """
    # As if holders were notified: what nobody is told is not judged.
    found = replay.read(path, None, notify=True, now=now, advance=lambda _: None)
    for number, body in enumerate(found.bodies(), start=1):
        if currency is None and "currency" not in body:
            raise SettingsTrialFailed(
                f"{path}, transaction {number} has no currency: give one with --currency, for all that have none."
            )
        try:
            yield number / found.total, load_transaction(body, "file", currency or "", now, [])
        except ValidationFailed as error:
            raise SettingsTrialFailed(f"{path}, transaction {number}: {_in_words(error)}") from None


def settings_in(path: Path) -> Thresholds:
    """Return the thresholds in a settings file; raises SettingsTrialFailed naming the fields that break a rule."""
    try:
        return load_settings(read_json(path.read_bytes())).thresholds
    except OSError as error:
        raise SettingsTrialFailed(f"{path}: {error.strerror or error}") from None
    except ValidationFailed as error:
        raise SettingsTrialFailed(f"{path}: {_in_words(error)}") from None
    except DomainError as error:
        raise SettingsTrialFailed(f"{path}: {error}") from None


def _in_words(error: ValidationFailed) -> str:
    return "; ".join(f"{field}: {message}" for field, message in error.errors)


def main(arguments: list[str] | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    moment = now()
    _check(parser, options, moment.date())
    return run(
        "settings trial",
        lambda: _report(*_trial(options, moment), options),
        failures=(UnreadableFile,),
        unavailable="the tables can't be read for now. Run the command again.",
        interrupted="interrupted. Nothing was changed.",
    )


def _report(trial: FlagTrial, alarms: TrialAlarms | None, options: argparse.Namespace) -> int:
    if not trial.transactions:
        print(f"settings trial: there are no transactions in {_where(options)}.", file=sys.stderr)
        return FAILED
    if options.json:
        print(json.dumps(as_json(trial, alarms), indent=2))
    else:
        print(f"{_where(options)}: {as_text(trial, alarms)}")
    return 0


def _trial(options: argparse.Namespace, now: datetime) -> tuple[FlagTrial, TrialAlarms | None]:
    changed = settings_in(options.settings) if options.settings else None
    if options.file is not None:
        trial = FlagTrial(BankSettings().thresholds, changed)
        return _judge_all(trial, in_file(options.file, options.currency, now), None), None
    tables = ("AnalyticsTable", "BanksTable", "CasesTable", "TransactionsTable")
    stores = stores_of(open_stage(options), *tables, config=PATIENT)
    bank = known_bank(stores.bank_store, options.bank)
    trial = FlagTrial(stores.bank_store.settings(bank.id).settings.thresholds, changed)
    labels = Labels(stores.client("dynamodb"), stores.settings.cases_table)
    alarms = TrialAlarms(FLAGS)
    shards = stores.roll_ups.checkpoint().shards
    judged = recorded(stores.transactions, bank.id, options.first, options.last, now, trial.count_malformed, shards)

    @functools.cache
    def known_of(day: date) -> dict[str, Labelled]:
        return labels.between(bank.id, day, day, most=math.inf)[0]

    def count(transaction: Transaction, flags: tuple[Flags, Flags]) -> None:
        if any(flags):  # only such days are read: a range may be long, and most of it empty
            alarms.add(known_of(transaction.timestamp.date()).get(transaction.id), *flags)

    return _judge_all(trial, judged, count), alarms


def _judge_all(
    trial: FlagTrial, judged: Judged, count: Callable[[Transaction, tuple[Flags, Flags]], None] | None
) -> FlagTrial:
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc="judging", delay=2, bar_format=bar_format) as bar:
        for share, transaction in judged:
            flags = trial.judge(transaction)
            if count is not None:
                count(transaction, flags)
            if share - bar.n >= 0.001:
                bar.update(share - bar.n)
    return trial


def _parser() -> argparse.ArgumentParser:
    parser = stage_parser("operations.settings_trial", __doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bank", help="the bank whose transactions and present settings are used")
    source.add_argument(
        "--file", type=Path, help="a CSV, MT940, MT942 or CAMT file, judged by the default settings instead"
    )
    parser.add_argument("--days", type=int, help="number of UTC days of the transactions' own time, up to today")
    parser.add_argument("--from", dest="first", type=_day, help="the first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=_day, help="the last day; default: today")
    parser.add_argument("--settings", type=Path, help="a JSON file of changed settings, to compare with the present")
    parser.add_argument("--currency", help="the currency of those transactions of the file that have none")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no date like 2026-01-10") from None


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace, today: date) -> None:
    """Fill in the range of days; end the command when options don't fit together."""
    if options.file is not None:
        if (options.days, options.first, options.last) != (None, None, None):
            parser.error("--days, --from and --to need --bank: a file is judged whole")
        return
    if options.currency is not None:
        parser.error("--currency needs --file")
    if (options.days is None) == (options.first is None):
        parser.error("--bank needs either --days or --from")
    if options.days is not None:
        if options.last is not None:
            parser.error("--to needs --from")
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
