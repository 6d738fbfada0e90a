"""CSV files whose columns are the contract's fields."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bank_simulator.files.contents import UnreadableFile, opened
from chalicelib.ledger.posted import TransactionSchema

# The fields that are objects, with what each has. The columns of `metadata` have any names.
_GROUPS = {
    "merchant": ("name", "mcc", "city", "country", "id", "terminal_id"),
    "original": ("amount", "currency", "rate"),
    "counterparty": ("name", "account"),
}
_BOOLEANS = {"true": True, "false": False}


def bodies(path: Path, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Return the file's transactions, in its order, as request bodies; every value is the string in the file.

    The columns are the contract's fields, `merchant.name` and similar, and `metadata.<key>`. An empty cell is an
    absent field. `notify` is `true` or `false`. Raises UnreadableFile.
    """
    with opened(path) as unpacked, io.TextIOWrapper(unpacked, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            _check_columns(path, reader.fieldnames or [])
            for row in itertools.islice(reader, limit):
                if None in row or None in row.values():
                    raise UnreadableFile(f"{path}, line {reader.line_num}: not as many cells as the first line.")
                yield _body(row)
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableFile(f"{path}: {error}") from None


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    fields = TransactionSchema().fields
    missing = sorted({name for name, field in fields.items() if field.required} - set(columns))
    if missing:
        raise UnreadableFile(f"{path}: the first line must name the columns; missing: {', '.join(missing)}.")
    if twice := next((name for name, count in Counter(columns).items() if count > 1), None):
        # Which of the two counts, nobody can say: it may be the amount.
        raise UnreadableFile(f"{path}: the first line names the column {twice!r} twice.")
    allowed = {name for name in fields if name not in _GROUPS and name != "metadata"}
    allowed |= {f"{group}.{name}" for group in _GROUPS.keys() & fields.keys() for name in _GROUPS[group]}
    for column in columns:
        if column not in allowed and not column.startswith("metadata."):
            raise UnreadableFile(f"{path}: {column!r} is no field of a transaction.")


def _body(row: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for column, cell in row.items():
        if cell:
            group, _, name = column.partition(".")
            if name:
                body.setdefault(group, {})[name] = cell
            else:
                body[column] = _BOOLEANS.get(cell, cell) if column == "notify" else cell
    return body
