"""Compare a day's roll-ups with its transactions, which are counted again. Repair the roll-ups only with --repair.

    python -m operations.reconcile --stage prod --date 2026-01-10 --bank eazycard
    python -m operations.reconcile --stage prod --date 2026-01-10 --repair

Each difference is a line under a header, with tabs between its values; none is printed if there is no difference. The
status is 0 when there is no difference, or when all are repaired.
"""

import argparse
import sys
from datetime import UTC, date, datetime

from tqdm import tqdm

from chalicelib.analytics.reconciliation import Findings, Reconciliation
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import noted_once
from operations.bank_registry import known_bank, registry
from operations.listing import add_json_option, print_list
from operations.stage_stores import PATIENT, stores_of

_UNAVAILABLE = "the tables can't be read for now, or the job doesn't stop. Run the command again."


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.reconcile", __doc__)
    parser.add_argument("--date", required=True, type=_day, help="UTC day of the transactions' own time, YYYY-MM-DD")
    parser.add_argument("--bank", help="only this bank; default: all banks")
    parser.add_argument("--repair", action="store_true", help="replace stored values that differ by recomputed values")
    add_json_option(parser)
    options = parser.parse_args(arguments)
    return run("reconcile", lambda: _reconcile(open_stage(options), options), unavailable=_UNAVAILABLE)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no date like 2026-01-10") from None
    if day > datetime.now(UTC).date():
        raise argparse.ArgumentTypeError("is a day in the future")
    return day


def _reconcile(stage: Stage, options: argparse.Namespace) -> int:
    banks = registry(stage)
    if options.bank is not None:
        known_bank(banks.store, options.bank)
    note = noted_once(stage, options.bank, "roll_ups.repair", ["roll_ups"])
    stores = stores_of(stage, "AnalyticsTable", "TransactionsTable", config=PATIENT)
    reconciliation = Reconciliation(stores.roll_ups, stores.transactions)
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc="counting", delay=2, bar_format=bar_format) as bar:

        def progress(share: float) -> None:
            # Transactions that arrive meanwhile are read too, which makes the share smaller: the bar doesn't go back.
            bar.update(max(0.0, share - bar.n))

        ids = [bank.id for bank in banks.banks()]
        findings = reconciliation.of_day(
            options.date, options.bank, ids, repair=options.repair, before_repair=note, progress=progress
        )
    return _report(findings, options)


def _report(findings: Findings, options: argparse.Namespace) -> int:
    rows = [
        (one.day.bank, str(one.day.date), one.day.currency, one.field, str(one.stored), str(one.recomputed))
        for one in findings.differences
    ]
    if rows or options.json:
        print_list(("bank", "date", "currency", "field", "stored", "recomputed"), rows, options.json)
    for day in findings.broken_elsewhere:
        print(
            f"broken too: reconcile {day.date} of {day.bank} next: the job did not write this roll-up", file=sys.stderr
        )
    differing = len({difference.day for difference in findings.differences})
    result = "repaired" if options.repair else "nothing was changed; --repair replaces them"
    print(
        f"{options.date} (UTC): {findings.compared} roll-ups compared, {differing} differ"
        + f": {result}" * bool(differing),
        file=sys.stderr,
    )
    return 0 if not differing or (options.repair and not findings.broken_elsewhere) else 1


if __name__ == "__main__":
    sys.exit(main())
