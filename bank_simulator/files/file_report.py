"""What came of a file: how many entries were read and mapped, what was not and why, and whether balances are right."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bank_simulator.files.balances import BalanceCheck
from bank_simulator.files.contents import Format
from bank_simulator.files.entries import Remark
from chalicelib.ledger.money import CURRENCY_DECIMALS, excess_decimals, format_amount

_SHOWN = 20


@dataclass(slots=True)
class FileReport:
    """What came of each entry of a file: `entries` = `mapped` + those not sent + those not mapped.

    The parts of a batch count as entries of their own. `not_sent` are understood and left out, `not_mapped` can't be
    made into transactions. `notes` are about transactions that are made, with something left out or read specially.
    """

    format: Format
    statements: int = 0
    entries: int = 0
    mapped: int = 0
    not_sent: list[Remark] = field(default_factory=list)
    not_mapped: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    balances: list[BalanceCheck] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every entry could be mapped, and no balance contradicts the entries."""
        return not self.not_mapped and all(found.ok for found in self.balances)


def as_text(report: FileReport) -> str:
    """Return the report as a few lines for people; of many remarks, the first 20 of each kind."""
    lines = [
        f"Read {_counted(report.entries, 'entry', 'entries')} of "
        f"{_counted(report.statements, 'statement', 'statements')} ({report.format})",
        f"  mapped      {report.mapped:>9}",
        f"  not sent    {len(report.not_sent):>9}",
        *_remarks(report.not_sent),
        f"  not mapped  {len(report.not_mapped):>9}",
        *_remarks(report.not_mapped),
        f"  notes       {len(report.notes):>9}",
        *_remarks(report.notes),
        f"  balances    {sum(not found.unchecked for found in report.balances):>9}  checked",
        *_first(
            [f"    {_name(found)}: {_verdict(found)}" for found in report.balances if found.unchecked or not found.ok]
        ),
    ]
    return "\n".join(lines)


def as_json(report: FileReport) -> dict[str, Any]:
    """Return the whole report as JSON values; amounts are exact strings."""
    return {
        "format": report.format.value,
        "statements": report.statements,
        "entries": report.entries,
        "mapped": report.mapped,
        "not_sent": [_remark_as_json(remark) for remark in report.not_sent],
        "not_mapped": [_remark_as_json(remark) for remark in report.not_mapped],
        "notes": [_remark_as_json(remark) for remark in report.notes],
        "balances": [_balance_as_json(found) for found in report.balances],
    }


def _remarks(remarks: Sequence[Remark]) -> list[str]:
    return _first([f"    {remark.place}: {remark.message}" for remark in remarks])


def _first(lines: list[str]) -> list[str]:
    if len(lines) <= _SHOWN:
        return lines
    return [*lines[:_SHOWN], f"    and {len(lines) - _SHOWN} more: --report writes them all"]


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _name(found: BalanceCheck) -> str:
    return f"{found.account or 'no account'}, statement {found.statement or 'without a number'}"


def _verdict(found: BalanceCheck) -> str:
    if found.unchecked:
        return f"not checked: {found.unchecked}"
    opening, entries, closing, difference = (
        _shown(amount or Decimal(0), found.currency)
        for amount in (found.opening, found.entries, found.closing, found.difference)
    )
    return f"{opening} and its entries, {entries}, are not {closing} {found.currency}: {difference} is missing"


def _shown(amount: Decimal, currency: str) -> str:
    if currency in CURRENCY_DECIMALS and not excess_decimals(amount.normalize(), currency):
        return format_amount(amount, currency)
    return f"{amount:f}"


def _remark_as_json(remark: Remark) -> dict[str, str]:
    return {"place": remark.place, "message": remark.message}


def _balance_as_json(found: BalanceCheck) -> dict[str, Any]:
    return {
        "account": found.account,
        "statement": found.statement,
        "currency": found.currency,
        "opening": None if found.opening is None else f"{found.opening:f}",
        "entries": f"{found.entries:f}",
        "closing": None if found.closing is None else f"{found.closing:f}",
        "ok": None if found.unchecked else found.ok,
        **({"not_checked": found.unchecked} if found.unchecked else {}),
    }
