"""Metrics and log lines, as the service has printed them, and the metrics that its code writes."""

import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.samples import PROJECT_DIR

# Where the functions of `telemetry` take a metric's name.
_PLACES = {"count": 0, "measured": 0, "skipped": 1, "all_readable": 3}
_TELEMETRY = "chalicelib.aws.telemetry"


def lines(logged: str) -> list[dict[str, Any]]:
    """Return the JSON lines of what was logged."""
    return [json.loads(line) for line in logged.splitlines() if line.startswith('{"')]


def lines_saying(logged: str, message: str) -> list[dict[str, Any]]:
    """Return the lines of what was logged that have this message."""
    return [line for line in lines(logged) if line.get("message") == message]


def counted(logged: str, metric: str) -> float:
    """Return the sum of a metric in what was logged."""
    return sum(sum(line[metric]) for line in lines(logged) if metric in line)


@functools.cache
def written() -> frozenset[str]:
    """Return the names of the metrics that the code writes; `Flagged_*` stands for one of each rule."""
    of_telemetry = {"RequestTime", "Refused", "RecordsSkipped"}
    return frozenset(of_telemetry.union(*map(_named_in, (PROJECT_DIR / "chalicelib").rglob("*.py"))))


def _named_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    functions = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == _TELEMETRY
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = _PLACES.get(functions.get(node.func.id, ""))
            if place is not None:
                yield _text(node.args[place], path)


def _text(name: ast.expr, path: Path) -> str:
    """Return a name that is written out; of one with a value in it, the value as `*`."""
    match name:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
        case _:
            raise AssertionError(f"{path.name}:{name.lineno}: a metric's name must be written out, to be found")
