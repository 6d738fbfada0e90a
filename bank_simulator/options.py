"""The options of the command line."""

import argparse
import base64
import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bank_simulator.batch import MAX_BATCH
from bank_simulator.generate import DEMO_ACCOUNTS
from bank_simulator.sender import MAX_CLIENTS
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.times import parse_time

_MAX_PREFIX = 50
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
        type=_secret_in,
        metavar="FILE",
        help="has the secret (whsec_...) that signs each request (default: none)",
    )


def _add_made_up(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("made-up transactions")
    group.add_argument("--count", type=_whole, default=60, metavar="N", help="how many (default: 60)")
    group.add_argument("--forever", action="store_true", help="until Ctrl-C instead")
    group.add_argument("--duplicates", **_share("sent again with the same content"))
    group.add_argument("--conflicts", **_share("sent again with other content"))
    group.add_argument("--invalid", **_share("with a mistake"))
    group.add_argument(
        "--accounts",
        type=_identifiers,
        default=DEMO_ACCOUNTS,
        metavar="A,B",
        help=f"the accounts (default: {DEMO_ACCOUNTS[0]} to {DEMO_ACCOUNTS[-1]}, those of the demo)",
    )
    group.add_argument("--seed", type=int, metavar="N", help="makes the same mix again (default: a new one, reported)")
    group.add_argument("--id-prefix", type=_prefix, metavar="TEXT", help="of the ids (default: made of the time)")
    group.add_argument("--now", type=_time, metavar="TIME", help="the bank's clock, RFC 3339 (default: the real one)")


def _add_file(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a file of transactions instead")
    group.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="CSV in the contract's fields, MT940, or CAMT XML (camt.052, .053, .054), gzip too: the content says "
        "which. docs/files.md has the mapping",
    )
    group.add_argument("--limit", type=_whole, metavar="N", help="only its first N transactions (default: all)")
    group.add_argument(
        "--notify",
        action="store_true",
        help="send holders e-mails about the entries of MT940 and CAMT files (default: no: they are sent with notify "
        "false). Rows of CSV say it themselves",
    )


def _add_sending(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to send")
    group.add_argument(
        "--rate", type=_rate, default=0, metavar="R", help="transactions per second, at most (default: 0, no limit)"
    )
    group.add_argument(
        "--clients", type=_clients, default=4, metavar="N", help=f"connections, 1 to {MAX_CLIENTS} (default: 4)"
    )
    group.add_argument(
        "--batch",
        type=_batch,
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
    shares = options.duplicates + options.conflicts + options.invalid
    if shares > 1:
        parser.error("--duplicates, --conflicts and --invalid must not be more than 1 together")
    if options.replay and (options.forever or shares):
        parser.error("--replay sends a file as it is: no --forever, --duplicates, --conflicts, --invalid")
    if not options.replay and (options.limit is not None or options.notify):
        parser.error("--limit and --notify are for --replay")
    if options.verify and (options.dry_run or options.forever):
        parser.error("--verify needs a server and an end: not with --dry-run, --forever")
    if options.respond_async and not options.batch:
        parser.error("--async needs --batch")
    if options.respond_async and options.conflicts:
        parser.error("--async can't have --conflicts: either of two queued transactions may be recorded first")


def _share(what: str) -> dict[str, Any]:
    return {"type": _part, "default": 0.0, "metavar": "SHARE", "help": f"the part {what}, 0 to 1 (default: 0)"}


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


def _clients(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= MAX_CLIENTS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_CLIENTS}")
    return number


def _batch(text: str) -> int:
    number = _whole(text)
    if number > MAX_BATCH:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_BATCH}, or 0 for each alone")
    return number


def _secret_in(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="ascii").strip()
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from None
    except ValueError:
        key, secret = b"", ""
    if not (key and secret.startswith("whsec_")):
        raise argparse.ArgumentTypeError(f"{path} must hold whsec_ and a key in base64, nothing else")
    return secret


def _part(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError("must be 0 to 1")
    return float(text)


def _rate(text: str) -> float:
    if not 0 <= float(text) < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return float(text)


def _identifiers(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if not all(IDENTIFIER.fullmatch(account) for account in found):
        raise argparse.ArgumentTypeError("must be ids of 1 to 64 of A-Z a-z 0-9 . _ -, with commas between")
    return found


def _prefix(text: str) -> str:
    if not IDENTIFIER.fullmatch(text) or len(text) > _MAX_PREFIX or holds_card_number(text):
        raise argparse.ArgumentTypeError(f"must be 1 to {_MAX_PREFIX} of A-Z a-z 0-9 . _ -, and no card number")
    return text


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
