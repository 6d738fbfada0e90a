"""Metrics and log lines, as the service has printed them."""

import json
from typing import Any


def lines(logged: str) -> list[dict[str, Any]]:
    """Return the JSON lines of what was logged."""
    return [json.loads(line) for line in logged.splitlines() if line.startswith('{"')]


def lines_saying(logged: str, message: str) -> list[dict[str, Any]]:
    """Return the lines of what was logged that have this message."""
    return [line for line in lines(logged) if line.get("message") == message]


def counted(logged: str, metric: str) -> float:
    """Return the sum of a metric in what was logged."""
    return sum(sum(line[metric]) for line in lines(logged) if metric in line)
