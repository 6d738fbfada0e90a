"""Reconcile a day's roll-ups with its transactions, counted anew; repair them only when told to.

    python -m operations.reconcile --stage prod --date 2026-01-10 --bank eazycard
    python -m operations.reconcile --stage prod --date 2026-01-10 --repair

A difference is a line with bank, day, currency, field, what is stored and what was recomputed, parted by tabs. The
status is 0 when there are none, or all are repaired.
"""

import argparse
import sys
from datetime import UTC, date, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from chalicelib.analytics.reconciliation import Findings, Reconciliation
from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.repository import TransactionRepository
from infra.sessions import session_for
from infra.stacks import DEFAULT_REGION, StackFailed, outputs, stack_name
from operations.banks import registry

# Whole megabytes of the index are read, a maintenance command may wait for them.
_CLIENT = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m operations.reconcile",
        description=__doc__.split("\n\n")[0],
        epilog=__doc__.split("\n\n")[2],
    )
    parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    parser.add_argument("--date", required=True, type=_day, help="UTC day of the transactions' own time, YYYY-MM-DD")
    parser.add_argument("--bank", help="only this bank's; default: all")
    parser.add_argument("--repair", action="store_true", help="replace what differs by what was recomputed")
    options = parser.parse_args(arguments)
    try:
        findings = _reconcile(session_for(options.stage, options.region), options)
    except (StackFailed, ClientError, BotoCoreError) as error:
        print(f"reconcile: {error}", file=sys.stderr)
        return 1
    except TemporarilyUnavailable:
        print("reconcile: the tables can't be read for now, or the job won't stop: run it again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("reconcile: interrupted. What was repaired is repaired; run it again for the rest.", file=sys.stderr)
        return 130
    return _told(findings, options)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no date like 2026-01-10") from None
    if day > datetime.now(UTC).date():
        raise argparse.ArgumentTypeError("is a day in the future")
    return day


def _reconcile(session: Any, options: argparse.Namespace) -> Findings:
    known = [bank.id for bank in registry(session, options.stage).banks()]
    if options.bank is not None and options.bank not in known:
        raise StackFailed(f"there is no bank {options.bank}.")
    data = outputs(session.client("cloudformation"), stack_name(options.stage, "data"))
    dynamodb = session.client("dynamodb", config=_CLIENT)
    reconciliation = Reconciliation(
        AnalyticsRepository(dynamodb, data["AnalyticsTable"]),
        TransactionRepository(dynamodb, data["TransactionsTable"]),
    )
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc="counting anew", delay=2, bar_format=bar_format) as bar:

        def progress(share: float) -> None:
            bar.update(max(0.0, share - bar.n))  # what came in meanwhile is read too, and is no way back

        return reconciliation.of_day(options.date, options.bank, known, repair=options.repair, progress=progress)


def _told(findings: Findings, options: argparse.Namespace) -> int:
    for one in findings.differences:
        print(one.day.bank, one.day.date, one.day.currency, one.field, one.stored, one.recomputed, sep="\t")
    for day in findings.broken_elsewhere:
        print(f"broken too: reconcile {day.date} of {day.bank} next, it is not what the job wrote", file=sys.stderr)
    differing = len({one.day for one in findings.differences})
    outcome = "repaired" if options.repair else "nothing was changed; --repair puts them right"
    print(
        f"{options.date} (UTC): {findings.compared} roll-ups compared, {differing} differ"
        + f": {outcome}" * bool(differing),
        file=sys.stderr,
    )
    return 0 if not differing or (options.repair and not findings.broken_elsewhere) else 1


if __name__ == "__main__":
    sys.exit(main())
