"""What the gate writes down: how often each rule refused, and which operations each role has called on what."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "GATE_FOLDER"
_REFUSALS, _CALLS = "refusals", "calls"


class Record:
    """Writes to a folder: `refusals-PID.json`, and `calls-PID.jsonl` with a line for what is called the first time.

    A line names who called, the operation and the resource: `{"caller", "service", "operation", "resource"}`.
    There are no keys of items, bodies or addresses in it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._refusals = folder / f"{_REFUSALS}-{os.getpid()}.json"
        self._calls = folder / f"{_CALLS}-{os.getpid()}.jsonl"
        self._counts: Counter[str] = Counter()
        self._known: set[tuple[str, ...]] = set()

    def refused(self, code: str) -> None:
        self._counts[code] += 1
        draft = self._refusals.with_suffix(".tmp")
        draft.write_text(json.dumps(self._counts))
        draft.replace(self._refusals)

    def called(self, caller: str, service: str, operation: str, resource: str) -> None:
        line = (caller, service, operation, resource)
        if line not in self._known:
            self._known.add(line)
            names = ("caller", "service", "operation", "resource")
            with self._calls.open("a") as calls:
                calls.write(json.dumps(dict(zip(names, line, strict=True))) + "\n")


def refusals(folder: Path) -> Counter[str]:
    """Return how often each rule refused, by its code, in all runs that have written to the folder."""
    found: Counter[str] = Counter()
    for path in folder.glob(f"{_REFUSALS}-*.json"):
        found.update(json.loads(path.read_text()))
    return found


def calls(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what was called in all runs that have written to the folder."""
    for path in sorted(folder.glob(f"{_CALLS}-*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())
