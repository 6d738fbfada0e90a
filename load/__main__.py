"""Run a load scenario against a stage: Locust's users post, then all that became of it is counted.

    make scenario NAME=payday
    python -m load payday --scale 3
    python -m load statements --stage prod --url https://…/v1 --scale 33 --clients 200

A run makes banks of its own, whose holders have addresses at SES's mailbox simulator, and disables them at its end.
It needs the operator's access to the stage. On AWS the run costs what its transactions and e-mails cost
(docs/scaling.md), and Locust needs a machine that can send what the scenario asks for.

The report goes to .local/load/<scenario>-<time>/: report.html, which is Locust's page with the counts on top,
report.png, report.json, and Locust's own files. The status is 0 when every transaction is stored, told and added up, 1
when something is missing or wrong, and 130 after Ctrl-C.
"""

import math
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bank_simulator import replay
from bank_simulator.files.contents import UnreadableFile
from bank_simulator.holders import CannotEnrol
from bank_simulator.postings import to_bytes
from bank_simulator.progress import progress_bar
from bank_simulator.verify import CannotRead
from infra.command_line import at_least_one, open_stage, run, stage_parser
from infra.failures import CommandFailed
from infra.sessions import Stage, local_stack
from load import night, report
from load.banks import LoadedBank, banks_of_run, enrol
from load.counting import PATIENCE_S, Account, account_of
from load.running import PROJECT, REPORT, run_locust
from load.scenarios import MAX_LOCAL_CLIENTS, SCENARIOS, Scenario, scaled
from operations.bank_registry import registry
from operations.stage_stores import stores_of

FOLDER = PROJECT / ".local" / "load"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.scenario is None:
        for scenario in SCENARIOS.values():
            print(f"  {scenario.name:<12}{scenario.total:>6} transactions  {scenario.says}")
        print("\n`python -m load SCENARIO` runs one; `--help` explains the options.")
        return 0
    if SCENARIOS[options.scenario].from_file and options.file is None:
        parser.error("replay needs --file: CSV in the contract's fields, MT940 or CAMT; gzip too.")
    return run("load", lambda: _run(options), failures=(CannotEnrol, CannotRead, UnreadableFile))


def _parser() -> ArgumentParser:
    parser = stage_parser("load", __doc__ or "")
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, help="which one; without it, they are listed")
    parser.add_argument("--url", help="the API (default: the running local cloud's)")
    parser.add_argument("--scale", type=_positive, default=1.0, metavar="F", help="all rates and numbers times F")
    parser.add_argument(
        "--clients",
        type=at_least_one,
        metavar="N",
        help=f"connections (default: the scenario's; on the local cloud at most {MAX_LOCAL_CLIENTS})",
    )
    parser.add_argument("--file", type=Path, help="for the scenario replay: its transactions")
    parser.add_argument(
        "--limit", type=at_least_one, metavar="N", help="only the file's first N (default: 2000 times the scale)"
    )
    parser.add_argument(
        "--patience",
        type=_positive,
        default=PATIENCE_S,
        metavar="S",
        help="give up counting S seconds after the last news",
    )
    return parser


def _positive(text: str) -> float:
    if not 0 < (value := float(text)) < math.inf:
        raise ArgumentTypeError("must be a number over 0")
    return value


def _run(options: Namespace) -> int:
    stage = open_stage(options)
    scenario = scaled(SCENARIOS[options.scenario], options.scale, options.clients)
    if stage.name == "local" and scenario.clients > MAX_LOCAL_CLIENTS:
        raise CommandFailed(f"the local cloud takes at most {MAX_LOCAL_CLIENTS} clients, which share its processors.")
    url = options.url or _local_url(stage)
    began = datetime.now(UTC)
    name = f"load-{began:%m%d-%H%M%S}"
    folder = FOLDER / f"{scenario.name}-{began:%Y%m%dT%H%M%S}"
    folder.mkdir(parents=True)
    print(f"{scenario.name}: {scenario.says}.\n  {scenario.total} transactions over {scenario.clients} connections")
    bodies = list(_of_file(options, scenario)) if scenario.from_file else []
    with banks_of_run(scenario, registry(stage), url, name, bodies) as banks:
        accounts, seconds = _posted_and_counted(stage, scenario, name, banks, url, folder, options.patience)
    print(report.as_text(scenario, seconds, accounts))
    for written in report.write(folder, folder / REPORT, scenario, seconds, accounts):
        print(f"  {written}")
    return 0 if all(account.is_right for account in accounts) else 1


def _posted_and_counted(
    stage: Stage, scenario: Scenario, name: str, banks: Sequence[LoadedBank], url: str, folder: Path, patience_s: float
) -> tuple[list[Account], float]:
    preferences: dict[str, Any] = night.PREFERENCES if scenario.statements else {}
    with progress_bar("enrolling holders", sum(len(bank.accounts) for bank in banks), "holders") as bar:
        for bank in banks:
            enrol(bank, preferences, bar)
    began = time.monotonic()
    with progress_bar("posting", sum(len(bank.bodies) for bank in banks)) as bar:
        answered = run_locust(url, banks, folder, bar)
    statements: dict[str, list[str]] = {}
    if scenario.statements:
        now, index = datetime.now(UTC), stores_of(stage, "StatementsTable").statement_index
        with progress_bar("putting statements among what is due", sum(len(bank.accounts) for bank in banks)) as bar:
            for bank in banks:
                due = list(night.statements_of(f"{name}-{bank.load.bank}", bank.accounts, now))
                night.fall(index, due, now, bar)
                statements[bank.load.bank] = [one.id for one in due]
    accounts = []
    for bank in banks:
        with progress_bar(f"counting {bank.load.bank}", len(bank.bodies)) as bar:
            accounts.append(account_of(bank, answered, statements.get(bank.load.bank, []), bar, patience_s))
    return accounts, time.monotonic() - began


def _of_file(options: Namespace, scenario: Scenario) -> Iterator[bytes]:
    limit = options.limit or scenario.total
    with progress_bar("reading", limit, unit="entries") as bar:
        file = replay.read(options.file, limit, notify=False, now=datetime.now(UTC), advance=bar.update)
        for body in file.bodies():
            yield to_bytes(body)


def _local_url(stage: Stage) -> str:
    if stage.name != "local":
        raise CommandFailed("--url is needed for a stage on AWS: the release prints it.")
    return str(local_stack()["api_url"])


if __name__ == "__main__":
    sys.exit(main())
