"""A file of transactions: read to be sent again, and compared with what the API then says is stored."""

import csv
import dataclasses
import gzip
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from bank_simulator.postings import NEW_OR_KNOWN, Posting, to_bytes
from chalicelib.ledger.transaction import MerchantSchema, TransactionSchema

_COLUMNS = frozenset(TransactionSchema().fields) - {"merchant", "metadata"}
_MERCHANT_COLUMNS = frozenset(f"merchant.{name}" for name in MerchantSchema().fields)


class UnreadableFile(Exception):
    """The file is no CSV of transactions; the message says where and why."""


@dataclasses.dataclass(slots=True)
class Totals:
    """Sums over transactions of one currency, in that currency."""

    count: int = 0
    credit: Decimal = Decimal(0)
    debit: Decimal = Decimal(0)
    largest: Decimal = Decimal(0)

    def add(self, kind: str, amount: Decimal) -> None:
        """Count one transaction of this type."""
        self.count += 1
        if kind == "credit":
            self.credit += amount
        else:
            self.debit += amount
        self.largest = max(self.largest, amount)


TotalsByCurrency = dict[str, Totals]


def add_to(totals: TotalsByCurrency, currency: str, kind: str, amount: Decimal) -> None:
    """Count one transaction in its currency's totals."""
    totals.setdefault(currency, Totals()).add(kind, amount)


def bodies(path: Path, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Return the file's transactions, in its order, as request bodies; every value is the string in the file.

    The columns are the contract's fields, `merchant.name` and the like, and `metadata.<key>`. An empty cell is an
    absent field, but for the description, which may be empty. Raises UnreadableFile.
    """
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, reader.fieldnames or [])
            for row in itertools.islice(reader, limit):
                if None in row or None in row.values():
                    raise UnreadableFile(f"{path}, line {reader.line_num}: not as many cells as the first line.")
                yield _body(row)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path}: {error}") from None


def postings(path: Path, limit: int | None = None) -> Iterator[Posting]:
    """Return the file's transactions to be sent; each is right to be created or, sent before, replayed."""
    for body in bodies(path, limit):
        yield Posting(to_bytes(body), body.get("id", ""), body.get("account", ""), NEW_OR_KNOWN)


def totals_as_json(totals: TotalsByCurrency) -> dict[str, dict[str, Any]]:
    """Return the totals as JSON values: amounts as exact strings."""
    return {
        currency: {
            "count": sums.count,
            "credit": f"{sums.credit:f}",
            "debit": f"{sums.debit:f}",
            "largest": f"{sums.largest:f}",
        }
        for currency, sums in sorted(totals.items())
    }


def totals_as_text(by_name: Mapping[str, TotalsByCurrency]) -> str:
    """Return named totals, one below the other for each currency."""
    lines = [f"  {'':<16}{'count':>9}{'credit':>22}{'debit':>22}{'largest':>20}"]
    for currency in sorted({currency for totals in by_name.values() for currency in totals}):
        for name, totals in by_name.items():
            sums = totals.get(currency, Totals())
            title = f"{currency} {name}"
            lines.append(f"  {title:<16}{sums.count:>9}{sums.credit:>22f}{sums.debit:>22f}{sums.largest:>20f}")
    return "\n".join(lines)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    required = {name for name, field in TransactionSchema().fields.items() if field.required}
    missing = sorted(required - set(columns))
    if missing:
        raise UnreadableFile(f"{path}: the first line must name the columns; missing: {', '.join(missing)}.")
    for column in columns:
        if column not in _COLUMNS | _MERCHANT_COLUMNS and not column.startswith("metadata."):
            raise UnreadableFile(f"{path}: {column!r} is no field of a transaction.")


def _body(row: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for column, cell in row.items():
        if cell or column == "description":
            group, _, name = column.partition(".")
            if name:
                body.setdefault(group, {})[name] = cell
            else:
                body[column] = cell
    return body
