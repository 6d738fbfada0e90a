"""What a text on the command line must be, for argparse: each returns its value, or says what is wrong with it."""

import argparse
import base64
from datetime import datetime
from pathlib import Path

from bank_simulator.batch import MAX_BATCH
from bank_simulator.holders import MAX_HOLDERS
from bank_simulator.sender import MAX_CLIENTS
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.times import parse_time

_MAX_PREFIX = 50


def whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


def holders(text: str) -> int:
    number = whole(text)
    if number > MAX_HOLDERS:
        raise argparse.ArgumentTypeError(f"must be at most {MAX_HOLDERS}")
    return number


def clients(text: str) -> int:
    number = whole(text)
    if not 1 <= number <= MAX_CLIENTS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_CLIENTS}")
    return number


def batch(text: str) -> int:
    number = whole(text)
    if number > MAX_BATCH:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_BATCH}, or 0 for each alone")
    return number


def secret_in(path: str) -> str:
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


def part(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError("must be 0 to 1")
    return float(text)


def rate(text: str) -> float:
    if not 0 <= float(text) < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return float(text)


def identifiers(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if not all(IDENTIFIER.fullmatch(account) for account in found):
        raise argparse.ArgumentTypeError("must be ids of 1 to 64 of A-Z a-z 0-9 . _ -, with commas between")
    return found


def prefix(text: str) -> str:
    if not IDENTIFIER.fullmatch(text) or len(text) > _MAX_PREFIX or holds_card_number(text):
        raise argparse.ArgumentTypeError(f"must be 1 to {_MAX_PREFIX} of A-Z a-z 0-9 . _ -, and no card number")
    return text


def time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
