"""The API's schema applied to what would be sent, without a server."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bank_simulator import totals
from bank_simulator.postings import Posting, to_bytes
from bank_simulator.progress import Progress
from bank_simulator.totals import TotalsByCurrency, add_to
from chalicelib.api.transaction_body import read_transaction
from chalicelib.errors import DomainError
from chalicelib.ledger.posted import load_transaction


@dataclass(slots=True)
class Checked:
    """How many bodies are valid, and how many are invalid with each error code; `totals` are of the valid bodies.

    `unexpected` has the codes of bodies that should be valid, and "valid" for each body that should not be.
    """

    valid: int = 0
    invalid: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    totals: TotalsByCurrency = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every body is valid or invalid as it should be."""
        return not self.unexpected


def check(
    bodies: Iterable[Posting],
    default_currency: str,
    now: datetime,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Checked:
    """Apply the schema to the bodies, for a bank with this default currency at `now`; setting `stop` ends it early."""
    checked = Checked()
    for posting in bodies:
        if stop is not None and stop.is_set():
            break
        code = _check_one(posting, default_currency, now, checked)
        # A conflict is valid by itself: only the table can tell.
        refusals = {answer.code for answer in posting.expected if answer.status == 400}
        if code not in (refusals or {"valid"}):
            checked.unexpected[code] += 1
        if progress is not None:
            progress.update(1)
    return checked


def _check_one(posting: Posting, default_currency: str, now: datetime, checked: Checked) -> str:
    try:
        transaction = load_transaction(read_transaction(posting.body), "", default_currency, now, [])
    except DomainError as error:
        checked.invalid[error.code] += 1
        return error.code
    checked.valid += 1
    add_to(checked.totals, transaction.currency, transaction.type, transaction.amount)
    return "valid"


def as_lines(bodies: Iterable[Mapping[str, Any]], stop: threading.Event) -> Iterator[str]:
    """Return each body as one line of JSON, until `stop` is set."""
    for body in bodies:
        if stop.is_set():
            break
        yield to_bytes(body).decode()


def as_json(checked: Checked) -> dict[str, Any]:
    """Return the result as JSON values."""
    return {
        "valid": checked.valid,
        "invalid": dict(sorted(checked.invalid.items())),
        "unexpected": dict(sorted(checked.unexpected.items())),
        "totals": totals.as_json(checked.totals),
    }


def as_text(checked: Checked) -> str:
    """Return the result as a few lines for people."""
    lines = [f"Checked {checked.valid + checked.invalid.total()} transactions against the schema; nothing was sent"]
    lines.append(f"  valid       {checked.valid:>9}")
    lines.append(f"  invalid     {checked.invalid.total():>9}")
    lines += [f"    {count:>6} x {code}" for code, count in sorted(checked.invalid.items())]
    lines.append(f"  unexpected  {checked.unexpected.total():>9}")
    lines += [f"    {count:>6} x {code}" for code, count in sorted(checked.unexpected.items())]
    return "\n".join(lines)
