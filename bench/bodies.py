"""What the worst body costs: searches for the batch of 4 MB that takes the most CPU, beside the largest ordinary batch.

    python -m bench.bodies --seconds 60 --seed 1

Each body is read, checked and loaded as the API does it; nothing is stored. The search makes bodies of several shapes
from pieces that the readers look at closely, changes the most expensive one, and goes on. The status is 1 when the
most expensive one of all costs more than three times the CPU of the largest ordinary body.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bench.body_pieces import PIECES, VALUES
from chalicelib.api import batch, json_body
from chalicelib.banks.bank import Bank
from chalicelib.errors import DomainError
from chalicelib.ledger import posted
from chalicelib.ledger.intake import Queued

MOST = 3.0  # times the CPU of the largest ordinary body
BANK = Bank("eazycard", "EAZYCard", "EUR", "volume")
NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
SMALLEST = {"account": "A123", "amount": "250.50", "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}
FIELDS = tuple(posted.FIELDS)
TEXT = "Achat par carte à la boulangerie Akwa, rue du marché, le 10 janvier "
_SEARCHED_AT = 256 * 1024  # bytes: the search itself is quicker with smaller bodies


class Candidate(NamedTuple):
    """How a body is made: its shape, and the pieces that its texts repeat."""

    shape: str
    pieces: tuple[str, ...]

    def body(self, size: int) -> bytes:
        """Return the body, of nearly `size` bytes."""
        return SHAPES[self.shape]("".join(self.pieces), size)


def batch_of(items: Sequence[Any]) -> bytes:
    return json.dumps({"transactions": list(items)}, ensure_ascii=False, separators=(",", ":")).encode()


def filled(text: str, length: int) -> str:
    """Return the text, repeated and cut to so many bytes as JSON."""
    found = text * (length // _bytes_of(text) + 1)
    found = found[: int(len(found) * length / _bytes_of(found))]
    while _bytes_of(found) > length:
        found = found[:-1]
    return found


def _bytes_of(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def ordinary(size: int) -> bytes:
    """Return the largest body that a bank has reason to send: every field is used to its end."""
    each = {"description": filled(TEXT, 280), "reference": filled(TEXT, 140), "merchant": {"name": filled(TEXT, 140)}}
    number = max(1, min(batch.MAX_ITEMS, size // 8192))
    pairs = (size // number - 900) // 20
    each["metadata"] = {f"key-{n}": filled(TEXT, min(256, pairs - 12)) for n in range(20)}
    return batch_of([{**SMALLEST, "id": f"t{n}", **each} for n in range(number)])


def _number(size: int) -> int:
    return max(1, min(batch.MAX_ITEMS, size // 8192))


def _items(field: str, make: Callable[[str, int], Any], text: str, size: int) -> bytes:
    number = _number(size)
    room = size // number - 180
    return batch_of([{**SMALLEST, "id": f"t{n}", field: make(text, room)} for n in range(number)])


def _of_values(field: str, pieces: str, size: int) -> bytes:
    """Return a batch whose items have a long list of values, or an object of them, in a field."""
    number = _number(size)
    room, value = size // number - 180, VALUES[len(pieces) % len(VALUES)]
    listed = ",".join([value] * (room // (len(value.encode()) + 1)))
    text = '{"transactions":[' + ",".join([f'{{"id":"t","{field}":[{listed}]}}'] * number) + "]}"
    return text.encode()


def _pairs(text: str, room: int) -> dict[str, str]:
    """Return as much metadata as a transaction can have, all of it in the text's characters."""
    each = room // 20 - 8
    value = filled(text, each)[:256]
    return {f"{n}": value for n in range(20)}


def _named_pairs(text: str, room: int) -> dict[str, str]:
    return {f"{n}{filled(text, max(1, room // 40 - 10))}": filled(text, max(1, room // 40 - 10)) for n in range(20)}


def _misspelt(text: str, size: int) -> bytes:
    number, chance = _number(size), random.Random(text)
    room = size // number - 180
    near = [f"{one[:-1]}{chance.choice('abcdefgh')}" for one in FIELDS]
    names = {f"{chance.choice(near)}{n}": 1 for n in range(room // 24)}
    return batch_of([{**SMALLEST, "id": f"t{n}", **names} for n in range(number)])


def _misspelt_below(text: str, size: int) -> bytes:
    number = _number(size)
    names = {f"nam{n}{text[:2]}": "" for n in range(min(30, size // number // 60))}
    each = {"merchant": names, "counterparty": names, "amount": "", "original": names}
    return batch_of([{**SMALLEST, "id": f"t{n}", **each} for n in range(number)])


def _all_wrong(text: str, size: int) -> bytes:
    number = _number(size)
    each = filled(text, (size // number - 400) // len(FIELDS))
    return batch_of([dict.fromkeys(FIELDS, each) for _ in range(number)])


def _beside(text: str, size: int) -> bytes:
    return json.dumps({"transactions": [], "x": [text[:8]] * ((size - 40) // (len(json.dumps(text[:8])) + 2))}).encode()


def _short(text: str, room: int) -> list[str]:
    return [text[:24]] * (room // (len(json.dumps(text[:24], ensure_ascii=False).encode()) + 1))


SHAPES: dict[str, Callable[[str, int], bytes]] = {
    "an unknown field": lambda text, size: _items("extra", filled, text, size),
    "short texts": lambda text, size: _items("extra", _short, text, size),
    "short texts in the metadata": lambda text, size: _items(
        "metadata", lambda one, room: {"a": _short(one, room)}, text, size
    ),
    "keys": lambda text, size: _items(
        "extra",
        lambda one, room: {f"{n}{one[:16]}": 1 for n in range(room // (_bytes_of(one[:16]) + 10))},
        text,
        size,
    ),
    "pairs": lambda text, size: _items(
        "metadata",
        lambda one, room: {f"{n}{one[:8]}": one[:8] for n in range(room // (2 * _bytes_of(one[:8]) + 14))},
        text,
        size,
    ),
    "values in an unknown field": lambda text, size: _of_values("extra", text, size),
    "values in the metadata": lambda text, size: _of_values("metadata", text, size),
    "values in a merchant": lambda text, size: _of_values("merchant", text, size),
    "values in an account": lambda text, size: _of_values("account", text, size),
    "one item": lambda text, size: batch_of([{**SMALLEST, "id": "t", "extra": filled(text, size - 200)}]),
    "one description": lambda text, size: batch_of([{**SMALLEST, "id": "t", "description": filled(text, size - 200)}]),
    "descriptions": lambda text, size: _items("description", filled, text, size),
    "amounts": lambda text, size: _items("amount", filled, text, size),
    "timestamps": lambda text, size: _items("timestamp", filled, text, size),
    "metadata": lambda text, size: _items("metadata", _pairs, text, size),
    "metadata with long names": lambda text, size: _items("metadata", _named_pairs, text, size),
    "misspelt fields": _misspelt,
    "misspelt fields of several objects": _misspelt_below,
    "all fields wrong": _all_wrong,
    "beside the transactions": _beside,
}


def read(body: bytes) -> None:
    """Do with a batch what the API does but for storing it: read, check and load it, and say what became of it."""
    try:
        items = batch.items_of(json_body.parse_json(body, "application/json", batch.MAX_BYTES))
    except DomainError:
        return
    may_be_large = len(body) > json_body.MAX_BYTES
    loaded = [batch.load_item(item, BANK, NOW, is_strict=False, may_be_large=may_be_large) for item in items]
    outcomes = [Queued(one.transaction) for one in loaded if isinstance(one, batch.Loaded)]
    json.dumps(batch.answer(items, loaded, outcomes, batch.QUEUED_STATUSES))


def cpu_s(body: bytes, times: int = 1) -> float:
    """Return the CPU seconds that reading the body takes, the least of some times."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        read(body)
        found.append(time.process_time() - begun)
    return min(found)


def search(seconds: float, chance: random.Random) -> list[tuple[float, Candidate]]:
    """Return the most expensive candidate of each shape, with its cost, the dearest first."""
    end, best = time.monotonic() + seconds, dict[str, tuple[float, Candidate]]()
    while time.monotonic() < end:
        shape = chance.choice(list(SHAPES))
        if shape in best and chance.random() < 0.7:
            pieces = list(best[shape][1].pieces)
            pieces[chance.randrange(len(pieces))] = chance.choice(PIECES)
        else:
            pieces = [chance.choice(PIECES) for _ in range(chance.randint(1, 8))]
        candidate = Candidate(shape, tuple(pieces))
        cost = cpu_s(candidate.body(_SEARCHED_AT))
        if shape not in best or cost > best[shape][0]:
            best[shape] = cost, candidate
    return sorted(best.values(), reverse=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bodies", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="for how long to search (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the search's chance (default: 1)")
    options = parser.parse_args(arguments)
    read(ordinary(_SEARCHED_AT))  # imports and caches
    usual = cpu_s(ordinary(batch.MAX_BYTES), 5)
    print(f"ordinary\t{usual * 1000:.0f} ms")
    worst = 0.0
    for _, candidate in search(options.seconds, random.Random(options.seed)):
        cost = cpu_s(candidate.body(batch.MAX_BYTES), 3)
        worst = max(worst, cost / usual)
        pieces = "".join(candidate.pieces)[:60]
        print(f"{candidate.shape}\t{cost * 1000:.0f} ms\t{cost / usual:.1f}\t{pieces!r}", flush=True)
    print(f"the worst costs {worst:.1f} times the ordinary body; at most {MOST:g} times is allowed")
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
