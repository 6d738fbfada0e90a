"""The schema's own word on what would be sent, without a server."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bank_simulator.postings import Posting
from bank_simulator.replay import TotalsByCurrency, add_to, totals_as_json
from bank_simulator.sender import Progress
from chalicelib.api.json_body import read_json
from chalicelib.errors import DomainError
from chalicelib.ledger.transaction import load_transaction


@dataclass(slots=True)
class Checked:
    """How many bodies are valid, and the others by their error's code; `totals` are those of the valid ones.

    `unexpected` are the codes of those that were meant to be valid, or "valid" for one that was not.
    """

    valid: int = 0
    invalid: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    totals: TotalsByCurrency = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every body is what it was meant to be."""
        return not self.unexpected


def check(
    bodies: Iterable[Posting],
    default_currency: str,
    now: datetime,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Checked:
    """Return what the schema says of the bodies, for a bank with this default currency at `now`."""
    checked = Checked()
    for posting in bodies:
        if stop is not None and stop.is_set():
            break
        code = _check_one(posting, default_currency, now, checked)
        # A conflict is valid by itself: only the store can tell.
        refusals = {answer.code for answer in posting.expected if answer.status == 400}
        if code not in (refusals or {"valid"}):
            checked.unexpected[code] += 1
        if progress is not None:
            progress.update(1)
    return checked


def _check_one(posting: Posting, default_currency: str, now: datetime, checked: Checked) -> str:
    try:
        transaction = load_transaction(read_json(posting.body), "", default_currency, now)
    except DomainError as error:
        checked.invalid[error.code] += 1
        return error.code
    checked.valid += 1
    add_to(checked.totals, transaction.currency, transaction.type, transaction.amount)
    return "valid"


def as_json(checked: Checked) -> dict[str, Any]:
    """Return the result as JSON values."""
    return {
        "valid": checked.valid,
        "invalid": dict(sorted(checked.invalid.items())),
        "unexpected": dict(sorted(checked.unexpected.items())),
        "totals": totals_as_json(checked.totals),
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
