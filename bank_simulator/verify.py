"""Reading back: whether the API has stored what was sent, transaction by transaction and in sum."""

import dataclasses
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from bank_simulator import totals
from bank_simulator.bank_api import BankApi, Target
from bank_simulator.postings import Answer
from bank_simulator.progress import Progress
from bank_simulator.totals import TotalsByCurrency, add_to
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction, from_json

PAGE_LIMIT = 100
# A new transaction can be missing from its account's listing for a moment. A message that the queue's worker could
# not record comes again after three minutes.
INDEX_PATIENCE_S = 5.0
QUEUE_PATIENCE_S = 240.0
_LOOK_AGAIN_S = 0.5
_FIELDS = frozenset(field.name for field in dataclasses.fields(Transaction)) - {"bank", "recorded_shard"}
_SHOWN = 20

Body = Mapping[str, Any]


class CannotRead(Exception):
    """An account's transactions can't be read back; the message names the answer."""

    def __init__(self, account: str, answer: Answer) -> None:
        super().__init__(f"Account {account} can't be read back: {answer}.")


@dataclasses.dataclass(frozen=True, slots=True)
class Own:
    """What only this run can have stored: ids with this prefix, on these accounts, with timestamps from `since` on."""

    id_prefix: str
    accounts: Sequence[str]
    since: datetime


@dataclasses.dataclass(slots=True)
class Verification:
    """The totals of what was sent and of what is stored, and every difference as a line without values.

    Totals are by the currency that was sent; "default" is for transactions without one, which get the bank's default.
    """

    sent: TotalsByCurrency = dataclasses.field(default_factory=dict)
    stored: TotalsByCurrency = dataclasses.field(default_factory=dict)
    differences: list[str] = dataclasses.field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every transaction is stored once, as it was sent."""
        return not self.differences and self.sent == self.stored


def verify(
    bodies: Iterable[Body],
    target: Target,
    clients: int = 4,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    *,
    own: Own | None = None,
    patience_s: float = 0,
) -> Verification:
    """Read back every account in `bodies`, `clients` at a time, and compare; raises CannotRead.

    A stored transaction that is not in `bodies` is a difference only if it is `own`. Missing transactions are waited
    for until none has come for `patience_s` seconds. `progress` counts the transactions; setting `stop` leaves the
    rest unread.
    """
    result = Verification()
    by_account: dict[str, dict[str, Body]] = {account: {} for account in (own.accounts if own else ())}
    for body in bodies:
        try:
            add_to(result.sent, _currency(body), body["type"], Decimal(body["amount"]))
            of_account = by_account.setdefault(body["account"], {})
            if body["id"] in of_account:
                result.differences.append(f"{body['id']}: sent twice")
            of_account[body["id"]] = body
        except (KeyError, ArithmeticError):
            result.differences.append(f"{body.get('id', 'a body without an id')}: no transaction")
    with BankApi(target, clients) as api, ThreadPoolExecutor(clients) as executor:
        reading = _Reading(api, own, _Patience(patience_s), progress, stop or threading.Event())
        for compared in executor.map(lambda account: reading.compared(account, by_account[account]), by_account):
            result.differences += compared.differences
            for body, amount in compared.stored:
                add_to(result.stored, _currency(body), body["type"], amount)
    result.differences.sort()
    return result


def as_json(verification: Verification) -> dict[str, Any]:
    """Return the result as JSON values."""
    return {
        "ok": verification.ok,
        "sent": totals.as_json(verification.sent),
        "stored": totals.as_json(verification.stored),
        "differences": verification.differences,
    }


def as_text(verification: Verification) -> str:
    """Return the result as a few lines for people, with the first 20 differences."""
    lines = ["Read back through the API", totals.as_text({"sent": verification.sent, "stored": verification.stored})]
    if verification.ok:
        lines.append("  Every transaction is stored as it was sent.")
    else:
        lines.append(f"  {len(verification.differences)} transactions are not stored as they were sent.")
        lines += [f"    {difference}" for difference in verification.differences[:_SHOWN]]
        if len(verification.differences) > _SHOWN:
            lines.append("    ...")
    return "\n".join(lines)


def _currency(body: Body) -> str:
    return str(body.get("currency", "default"))


class _Patience:
    """How long to wait for missing transactions: `seconds` after the last one came, on any account."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last_news = time.monotonic()

    def has_news(self) -> None:
        self._last_news = time.monotonic()

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._last_news >= self._seconds


@dataclasses.dataclass(slots=True)
class _Compared:
    """An account's bodies that are stored, with the stored amounts; the differences; the number of missing bodies."""

    stored: list[tuple[Body, Decimal]]
    differences: list[str]
    missing: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """The arguments that the readers of one `verify` share."""

    api: BankApi
    own: Own | None
    patience: _Patience
    progress: Progress | None
    stop: threading.Event

    def compared(self, account: str, bodies: Mapping[str, Body]) -> _Compared:
        """Read the account back, and again while missing transactions may still come."""
        compared = _Compared([], [], len(bodies))
        seen, is_first = 0, True
        while not self.stop.is_set():
            try:
                compared = _compared(bodies, self._listed(account), self.own)
            except (KeyError, TypeError, ValueError, ArithmeticError):
                raise CannotRead(account, Answer(200, "malformed_page")) from None
            if self.progress is not None:
                self.progress.update(len(compared.stored) - seen)
            if len(compared.stored) > seen and not is_first:
                self.patience.has_news()
            seen, is_first = len(compared.stored), False
            if not compared.missing or self.patience.is_over:
                break
            self.stop.wait(_LOOK_AGAIN_S)
        return compared

    def _listed(self, account: str) -> Iterator[Body]:
        parameters = {"limit": str(PAGE_LIMIT)} | ({"from": format_time(self.own.since)} if self.own else {})
        cursor: dict[str, str] = {}
        while True:
            query = urlencode(parameters | cursor)
            reply = self.api.request("GET", f"/accounts/{quote(account, safe='')}/transactions?{query}")
            if reply.answer.status != 200:
                raise CannotRead(account, reply.answer)
            page = json.loads(reply.data)
            yield from page["transactions"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}


def _compared(bodies: Mapping[str, Body], listed: Iterable[Body], own: Own | None) -> _Compared:
    missing = dict(bodies)
    compared = _Compared([], [], 0)
    for found in listed:
        transaction_id = found["id"]
        if transaction_id not in bodies:
            if own is not None and transaction_id.startswith(own.id_prefix):
                compared.differences.append(f"{transaction_id}: stored but not sent")
            continue
        if missing.pop(transaction_id, None) is None:
            compared.differences.append(f"{transaction_id}: listed twice")
            continue
        compared.stored.append((bodies[transaction_id], Decimal(found["amount"])))
        differing = _differing(bodies[transaction_id], found)
        if differing:
            compared.differences.append(f"{transaction_id}: {', '.join(differing)} differs")
    compared.differences += [f"{transaction_id}: not stored" for transaction_id in missing]
    compared.missing = len(missing)
    return compared


def _differing(body: Body, found: Body) -> list[str]:
    try:
        stored = from_json({name: value for name, value in found.items() if name in _FIELDS}, "")
        # A body without a currency has the bank's default, which is in the stored transaction.
        return load_transaction(body, "", stored.currency, stored.recorded_at, []).differing(stored)
    except (KeyError, TypeError, ValueError, ArithmeticError, ValidationFailed):
        return ["form"]
