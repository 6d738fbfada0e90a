"""Whether what the API says is stored is what the file holds, transaction by transaction and in sum."""

import dataclasses
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from bank_simulator.postings import Answer
from bank_simulator.replay import TotalsByCurrency, add_to, totals_as_json, totals_as_text
from bank_simulator.sender import BankApi, Progress, Target
from chalicelib.errors import ValidationFailed
from chalicelib.transactions import Transaction, from_json, load_transaction

PAGE_LIMIT = 100
_FIELDS = frozenset(field.name for field in dataclasses.fields(Transaction)) - {"bank"}
_SHOWN = 20

Body = Mapping[str, Any]


class CannotRead(Exception):
    """An account's transactions can't be read back; the message names the answer."""

    def __init__(self, account: str, answer: Answer) -> None:
        super().__init__(f"Account {account} can't be read back: {answer}.")


@dataclasses.dataclass(slots=True)
class Verification:
    """The file's totals, those of its stored transactions, and every difference as a line without values.

    Totals are by the currency in the file; "default" is that of rows that leave it to the bank.
    """

    file: TotalsByCurrency = dataclasses.field(default_factory=dict)
    stored: TotalsByCurrency = dataclasses.field(default_factory=dict)
    differences: list[str] = dataclasses.field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every transaction of the file is stored once, as it is in the file."""
        return not self.differences and self.file == self.stored


def verify(
    bodies: Iterable[Body],
    target: Target,
    clients: int = 4,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Verification:
    """Read back every account in `bodies`, `clients` at a time, and compare; raises CannotRead.

    Transactions that are stored but not among `bodies` are left alone. `progress` counts the transactions; setting
    `stop` leaves the rest unread.
    """
    result = Verification()
    by_account: dict[str, dict[str, Body]] = {}
    for body in bodies:
        try:
            add_to(result.file, _currency(body), body["type"], Decimal(body["amount"]))
            of_account = by_account.setdefault(body["account"], {})
            if body["id"] in of_account:
                result.differences.append(f"{body['id']}: twice in the file")
            of_account[body["id"]] = body
        except (KeyError, ArithmeticError):
            result.differences.append(f"{body.get('id', 'a row without an id')}: no transaction in the file")
    lock = threading.Lock()

    def compare(account: str) -> None:
        if stop is not None and stop.is_set():
            return
        try:
            stored, differences = _compared(by_account[account], _listed(api, account))
        except (KeyError, TypeError, ValueError, ArithmeticError):
            raise CannotRead(account, Answer(200, "malformed_page")) from None
        with lock:
            result.differences.extend(differences)
            for body, amount in stored:
                add_to(result.stored, _currency(body), body["type"], amount)
            if progress is not None:
                progress.update(len(by_account[account]))

    with BankApi(target, clients) as api, ThreadPoolExecutor(clients) as executor:
        for _ in executor.map(compare, by_account):
            pass
    result.differences.sort()
    return result


def as_json(verification: Verification) -> dict[str, Any]:
    """Return the result as JSON values."""
    return {
        "ok": verification.ok,
        "file": totals_as_json(verification.file),
        "stored": totals_as_json(verification.stored),
        "differences": verification.differences,
    }


def as_text(verification: Verification) -> str:
    """Return the result as a few lines for people; of many differences the first 20."""
    lines = ["Read back through the API", totals_as_text({"file": verification.file, "stored": verification.stored})]
    if verification.ok:
        lines.append("  Every transaction of the file is stored as it was sent.")
    else:
        lines.append(f"  What is stored differs from the file in {len(verification.differences)} transactions.")
        lines += [f"    {difference}" for difference in verification.differences[:_SHOWN]]
        if len(verification.differences) > _SHOWN:
            lines.append("    ...")
    return "\n".join(lines)


def _currency(body: Body) -> str:
    return str(body.get("currency", "default"))


def _listed(api: BankApi, account: str) -> Iterator[Body]:
    cursor = None
    while True:
        query = urlencode({"limit": PAGE_LIMIT} | ({"cursor": cursor} if cursor else {}))
        reply = api.request("GET", f"/accounts/{quote(account, safe='')}/transactions?{query}")
        if reply.outcome.answer.status != 200:
            raise CannotRead(account, reply.outcome.answer)
        page = json.loads(reply.data)
        yield from page["transactions"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _compared(bodies: Mapping[str, Body], listed: Iterable[Body]) -> tuple[list[tuple[Body, Decimal]], list[str]]:
    """The bodies that are stored, with their stored amounts, and the differences."""
    missing = dict(bodies)
    stored: list[tuple[Body, Decimal]] = []
    differences = []
    for found in listed:
        transaction_id = found["id"]
        if transaction_id not in bodies:
            continue
        if missing.pop(transaction_id, None) is None:
            differences.append(f"{transaction_id}: listed twice")
            continue
        stored.append((bodies[transaction_id], Decimal(found["amount"])))
        differing = _differing(bodies[transaction_id], found)
        if differing:
            differences.append(f"{transaction_id}: {', '.join(differing)} differs")
    return stored, differences + [f"{transaction_id}: not stored" for transaction_id in missing]


def _differing(body: Body, found: Body) -> list[str]:
    try:
        stored = from_json({name: value for name, value in found.items() if name in _FIELDS}, "")
        # What the file leaves out, the bank's default currency, is the stored one's.
        return load_transaction(body, "", stored.currency, stored.recorded_at).differing(stored)
    except (KeyError, TypeError, ValueError, ArithmeticError, ValidationFailed):
        return ["form"]
