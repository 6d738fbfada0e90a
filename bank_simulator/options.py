"""The options of the command line."""

import argparse
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bank_simulator import argument_types
from bank_simulator.batch import MAX_BATCH
from bank_simulator.generate import DEMO_ACCOUNTS
from bank_simulator.holders import DENIES, RECOGNIZES, SHARES, SILENT, accounts_of
from bank_simulator.sender import MAX_CLIENTS
from chalicelib.ledger.money import CURRENCY_DECIMALS

_EPILOG = """\
The status is 0 when every answer is the right one, 1 when an answer, an entry of the file or a balance is not, 2 when
nothing could be sent, and 130 after Ctrl-C. Ctrl-C waits for the requests that are under way; a second one does not.

Each run makes ids of its own. With the same --seed, --id-prefix and --now, a run makes the same transactions again,
byte for byte: the API answers them as replays. A file gives the same ids at each replay: docs/files.md says how.
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; a wrong one ends the program with status 2 and a line that names it."""
    parser = argparse.ArgumentParser(
        prog="python -m bank_simulator",
        description="Post transactions as a bank does, and report the answers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_target(parser)
    _add_made_up(parser)
    _add_fraud(parser)
    _add_file(parser)
    _add_sending(parser)
    _add_checking(parser)
    options = parser.parse_args(arguments)
    _check_combination(parser, options)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**32)
    return options


def _add_target(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where to")
    group.add_argument("--url", help="the API (default: the running local cloud's)")
    group.add_argument(
        "--api-key",
        help="the bank's key (default: BANK_API_KEY of the environment, which other users can't read; without it, the "
        "key of the local cloud's demo bank)",
    )
    group.add_argument(
        "--signing-secret-file",
        dest="signing_secret",
        type=argument_types.secret_in,
        metavar="FILE",
        help="has the secret (whsec_...) that signs each request (default: none)",
    )


def _add_made_up(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("made-up transactions")
    group.add_argument("--count", type=argument_types.whole, default=60, metavar="N", help="how many (default: 60)")
    group.add_argument("--forever", action="store_true", help="until Ctrl-C instead")
    group.add_argument("--duplicates", **_share("sent again with the same content"))
    group.add_argument("--conflicts", **_share("sent again with other content"))
    group.add_argument("--invalid", **_share("with a mistake"))
    group.add_argument(
        "--accounts",
        type=argument_types.identifiers,
        default=DEMO_ACCOUNTS,
        metavar="A,B",
        help=f"the accounts (default: {DEMO_ACCOUNTS[0]} to {DEMO_ACCOUNTS[-1]}, those of the demo)",
    )
    group.add_argument("--seed", type=int, metavar="N", help="makes the same mix again (default: a new one, reported)")
    group.add_argument(
        "--id-prefix", type=argument_types.prefix, metavar="TEXT", help="of the ids (default: made of the time)"
    )
    group.add_argument(
        "--now", type=argument_types.time, metavar="TIME", help="the bank's clock, RFC 3339 (default: the real one)"
    )


def _add_fraud(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "fraud among them",
        "Thieves buy on some accounts, several times within minutes. Then the holders answer the alerts that came\n"
        "to the inbox, each one that is about a single transaction: of planted fraud "
        f"{_in_words(SHARES[True])};\nof others {_in_words(SHARES[False])}. Each answer depends on --seed and the id.",
    )
    group.add_argument("--fraud", **_share("that thieves buy"))
    group.add_argument(
        "--holders",
        type=argument_types.holders,
        default=0,
        metavar="N",
        help="first enrol a holder in each of N accounts, S0001 and so on, who gets alerts only, and use these "
        "accounts (default: 0, the accounts as they are)",
    )
    group.add_argument(
        "--days",
        type=argument_types.whole,
        default=0,
        metavar="N",
        help="spread the timestamps over so many days up to now (default: 0, the last ten minutes)",
    )
    group.add_argument("--inbox", metavar="URL", help="where the alerts come to (default: the running local cloud's)")


def _in_words(shares: Mapping[str, int]) -> str:
    return f"{shares[DENIES]} % deny it, {shares[RECOGNIZES]} % recognize it, {shares[SILENT]} % are silent"


def _add_file(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a file of transactions instead")
    group.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="CSV in the contract's fields, MT940, or CAMT XML (camt.052, .053, .054), gzip too: the content says "
        "which. docs/files.md has the mapping",
    )
    group.add_argument(
        "--limit", type=argument_types.whole, metavar="N", help="only its first N transactions (default: all)"
    )
    group.add_argument(
        "--notify",
        action="store_true",
        help="send holders e-mails about the entries of MT940 and CAMT files (default: no: they are sent with notify "
        "false). Rows of CSV say it themselves",
    )


def _add_sending(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to send")
    group.add_argument(
        "--rate",
        type=argument_types.rate,
        default=0,
        metavar="R",
        help="transactions per second, at most (default: 0, no limit)",
    )
    group.add_argument(
        "--clients",
        type=argument_types.clients,
        default=4,
        metavar="N",
        help=f"connections, 1 to {MAX_CLIENTS} (default: 4)",
    )
    group.add_argument(
        "--batch",
        type=argument_types.batch,
        default=0,
        metavar="N",
        help=f"this many in a request, 1 to {MAX_BATCH} (default: 0, each alone)",
    )
    group.add_argument(
        "--async", dest="respond_async", action="store_true", help="batches are only queued, and recorded afterwards"
    )


def _add_checking(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to check")
    group.add_argument("--verify", action="store_true", help="then read all back and compare (default: no)")
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="check against the API's schema and send nothing. For an MT940 or CAMT file, write each transaction as a "
        "line of JSON, and everything else to the error output",
    )
    group.add_argument(
        "--default-currency",
        choices=sorted(CURRENCY_DECIMALS),
        default="EUR",
        metavar="CODE",
        help="the bank's, for --dry-run (default: EUR)",
    )
    group.add_argument("--report", type=Path, metavar="FILE", help="write the report as JSON, too")


def _check_combination(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    shares = options.duplicates + options.conflicts + options.invalid + options.fraud
    if shares > 1:
        parser.error("--duplicates, --conflicts, --invalid and --fraud must not be more than 1 together")
    if options.replay and (options.forever or shares or options.holders or options.days):
        parser.error("--replay sends a file as it is: no --forever, --duplicates, --conflicts, --invalid, and no fraud")
    if options.forever and (options.fraud or options.days):
        parser.error("--forever has no end, after which holders answer: not with --fraud, --days")
    if options.holders:
        if options.accounts != DEMO_ACCOUNTS:
            parser.error("--holders has accounts of its own: not with --accounts")
        options.accounts = accounts_of(options.holders)
    if not options.replay and (options.limit is not None or options.notify):
        parser.error("--limit and --notify are for --replay")
    if options.verify and (options.dry_run or options.forever):
        parser.error("--verify needs a server and an end: not with --dry-run, --forever")
    if options.respond_async and not options.batch:
        parser.error("--async needs --batch")
    if options.respond_async and options.conflicts:
        parser.error("--async can't have --conflicts: either of two queued transactions may be recorded first")


def _share(what: str) -> dict[str, Any]:
    return {
        "type": argument_types.part,
        "default": 0.0,
        "metavar": "SHARE",
        "help": f"the part {what}, 0 to 1 (default: 0)",
    }
