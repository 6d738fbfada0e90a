"""The command line's options."""

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
The status is 0 when everything was answered as it should be, 1 when anything was not, 2 when nothing could be sent,
and 130 after Ctrl-C, which waits for what is under way; a second Ctrl-C does not wait.

Each run makes ids of its own. With the same --seed, --id-prefix and --now, it makes the same transactions again, to
the byte: the API answers them as replays.
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; a wrong one ends the program with status 2 and a line that names it."""
    parser = argparse.ArgumentParser(
        prog="python -m bank_simulator",
        description="Post transactions as a bank would, and report how they were answered.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = parser.add_argument_group("where to")
    target.add_argument("--url", help="the API (default: the running local cloud's)")
    target.add_argument(
        "--api-key",
        help="the bank's key (default: BANK_API_KEY of the environment, which other users can't read; else the local "
        "cloud's demo bank's)",
    )
    target.add_argument(
        "--signing-secret-file",
        dest="signing_secret",
        type=_secret_in,
        metavar="FILE",
        help="holds the secret (whsec_...) to sign each request with (default: none)",
    )
    made = parser.add_argument_group("made-up transactions")
    made.add_argument("--count", type=_whole, default=60, metavar="N", help="how many (default: 60)")
    made.add_argument("--forever", action="store_true", help="until Ctrl-C instead")
    made.add_argument("--duplicates", **_share("sent again with the same content"))
    made.add_argument("--conflicts", **_share("sent again with other content"))
    made.add_argument("--invalid", **_share("with a mistake"))
    made.add_argument(
        "--accounts",
        type=_identifiers,
        default=DEMO_ACCOUNTS,
        metavar="A,B",
        help=f"the accounts (default: {DEMO_ACCOUNTS[0]} to {DEMO_ACCOUNTS[-1]}, the demo's)",
    )
    made.add_argument("--seed", type=int, metavar="N", help="makes the same mix again (default: a new one, reported)")
    made.add_argument("--id-prefix", type=_prefix, metavar="TEXT", help="of the ids (default: made of the time)")
    made.add_argument("--now", type=_time, metavar="TIME", help="the bank's clock, RFC 3339 (default: the real one)")
    replay = parser.add_argument_group("a file of transactions instead")
    replay.add_argument("--replay", type=Path, metavar="FILE", help="CSV, or .gz of it, in the contract's fields")
    replay.add_argument("--limit", type=_whole, metavar="N", help="only its first N rows (default: all)")
    sending = parser.add_argument_group("how")
    sending.add_argument(
        "--rate", type=_rate, default=0, metavar="R", help="per second, at most (default: 0, no limit)"
    )
    sending.add_argument(
        "--clients", type=_clients, default=4, metavar="N", help=f"connections, 1 to {MAX_CLIENTS} (default: 4)"
    )
    sending.add_argument(
        "--batch",
        type=_batch,
        default=0,
        metavar="N",
        help=f"this many in a request, 1 to {MAX_BATCH} (default: 0, each alone)",
    )
    sending.add_argument(
        "--async", dest="respond_async", action="store_true", help="batches only to be queued, and recorded afterwards"
    )
    sending.add_argument("--verify", action="store_true", help="then read all back and compare (default: no)")
    sending.add_argument("--dry-run", action="store_true", help="only check against the schema, send nothing")
    sending.add_argument(
        "--default-currency",
        choices=sorted(CURRENCY_DECIMALS),
        default="EUR",
        metavar="CODE",
        help="the bank's, for --dry-run (default: EUR)",
    )
    sending.add_argument("--report", type=Path, metavar="FILE", help="write the closing report as JSON, too")
    options = parser.parse_args(arguments)
    _check_combination(parser, options)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**32)
    return options


def _check_combination(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    shares = options.duplicates + options.conflicts + options.invalid
    if shares > 1:
        parser.error("--duplicates, --conflicts and --invalid must not be more than 1 together")
    if options.replay and (options.forever or shares):
        parser.error("--replay sends a file as it is: no --forever, --duplicates, --conflicts, --invalid")
    if not options.replay and options.limit is not None:
        parser.error("--limit is for --replay")
    if options.verify and (options.dry_run or options.forever):
        parser.error("--verify needs a server and an end: not with --dry-run, --forever")
    if options.respond_async and not options.batch:
        parser.error("--async needs --batch")
    if options.respond_async and options.conflicts:
        parser.error("--async can't have --conflicts: of two that are queued either may be recorded first")


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
