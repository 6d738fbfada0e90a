"""A file that is replayed: its transactions, to be sent, checked and compared with what is stored."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bank_simulator.files import csv_rows, reading
from bank_simulator.files.contents import Format, format_of
from bank_simulator.files.file_report import FileReport
from bank_simulator.postings import NEW_OR_KNOWN, Posting, to_bytes

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """A file's transactions: their number, and their bodies in the file's order, from the first one at each call.

    `report` says what came of each entry. CSV files have none: their rows are transactions already.
    """

    total: int
    bodies: Callable[[], Iterable[Body]]
    report: FileReport | None = None


def read(path: Path, limit: int | None, *, notify: bool, now: datetime, advance: Callable[[int], object]) -> Replay:
    """Return the file's transactions, at most `limit` of them (None: all), once all of the file is read.

    `notify` says whether holders get e-mails about the entries of an MT940 or CAMT file; CSV files have a column for
    that. `advance` is called with 1 for each row or entry. Raises UnreadableFile, so a broken file sends nothing.
    """
    file_format = format_of(path)
    if file_format is Format.CSV:
        total = sum(1 for _ in _counted(csv_rows.bodies(path, limit), advance))
        return Replay(total, lambda: csv_rows.bodies(path, limit))
    bodies, report = reading.read(path, file_format, notify=notify, now=now, advance=advance)
    sent = bodies[:limit]
    return Replay(len(sent), lambda: sent, report)


def postings(bodies: Iterable[Body]) -> Iterator[Posting]:
    """Return the transactions to be sent. Each may be new or, when it was sent before, a replay."""
    for body in bodies:
        yield Posting(to_bytes(body), body.get("id", ""), body.get("account", ""), NEW_OR_KNOWN)


def _counted(bodies: Iterable[Body], advance: Callable[[int], object]) -> Iterator[Body]:
    for body in bodies:
        advance(1)
        yield body
