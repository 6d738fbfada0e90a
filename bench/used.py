"""From the meter's counts to what a transaction uses, by function and service. Pure."""

from collections.abc import Mapping
from typing import Any

# Functions that run each minute, whatever comes. What they use in a run with nothing to do is a stage's own price.
EACH_MINUTE = ("analytics_job", "release_deferred", "statements")
# "At 1,769 MB, a function has the equivalent of one vCPU" ("Configure Lambda function memory", AWS Lambda Developer
# Guide): less memory has the same part of it. While a function waits for a service, its memory is paid too.
_WHOLE_PROCESSOR_MB = 1_769
_WAITS_MS = {"sesv2": 50, "poller": 0}
_WAIT_MS = 5
Rows = dict[str, dict[str, float]]


def without_idle(counts: Mapping[str, Any], idle: Mapping[str, Any]) -> dict[str, Rows]:
    """Return the counts without what the functions of each minute use in as many runs with nothing to do."""
    found: dict[str, Rows] = {kind: {name: dict(row) for name, row in counts[kind].items()} for kind in counts}
    for function in EACH_MINUTE:
        runs, idle_runs = (of["functions"].get(function, {}).get("invocations", 0) for of in (counts, idle))
        for kind in counts if idle_runs else ():
            for name, row in idle[kind].items():
                mine = found[kind].get(name)
                if name.split(" ")[0] == function and mine is not None:
                    for part, number in row.items():
                        mine[part] = max(0.0, mine.get(part, 0.0) - number * runs / idle_runs)
    return found


def figures(counts: Mapping[str, Rows], transactions: int) -> dict[str, Rows]:
    """Return the counts for each transaction: `calls` by `function service`, `functions` by name."""
    calls: Rows = {}
    for name, row in counts["calls"].items():
        function, service, _ = name.split(" ")
        mine = calls.setdefault(f"{function} {service}", {})
        for part, number in row.items():
            mine[part] = mine.get(part, 0.0) + number / transactions
    functions: Rows = {}
    for name, row in counts["functions"].items():
        each = {part: number / transactions for part, number in row.items() if part != "memory_mb_calls"}
        memory_mb = row["memory_mb_calls"] / row["invocations"] if row.get("invocations") else 0.0
        works_ms = row.get("processor_ms", 0.0) * _WHOLE_PROCESSOR_MB / memory_mb if memory_mb else 0.0
        busy_ms = works_ms + _waits_ms(name, counts["calls"])
        functions[name] = each | {"gb_s": busy_ms / 1000 * memory_mb / 1024 / transactions}
    return {"calls": _rounded(calls), "functions": _rounded(functions)}


def _waits_ms(function: str, calls: Rows) -> float:
    found = 0.0
    for name, row in calls.items():
        caller, service, operation = name.split(" ")
        if caller == function:
            found += row["calls"] * _WAITS_MS.get(operation, _WAITS_MS.get(service, _WAIT_MS))
    return found


def as_text(title: str, found: Mapping[str, Rows]) -> str:
    """Return the figures as a table: a line for each function and service, and one for each function."""
    heads = f"{'calls':>9}{'writes':>9}{'reads':>9}{'bytes in':>11}{'bytes out':>11}"
    lines = [f"{title}\n{'function and service':<34}{heads}"]
    for name, row in sorted(found["calls"].items()):
        parts = [row.get(part, 0.0) for part in ("calls", "write_units", "read_units")]
        sizes = [row.get(part, 0.0) for part in ("bytes_in", "bytes_out")]
        lines.append(
            f"{name:<34}{''.join(f'{one:>9.3f}' for one in parts)}{''.join(f'{one:>11,.0f}' for one in sizes)}"
        )
    lines.append(f"{'function':<34}{'calls':>9}{'ms':>9}{'cpu ms':>9}{'GB s':>9}{'log bytes':>11}")
    for name, row in sorted(found["functions"].items()):
        lines.append(
            f"{name:<34}{row['invocations']:>9.3f}{row['ms']:>9.1f}{row.get('processor_ms', 0.0):>9.2f}"
            f"{row['gb_s']:>9.4f}{row['log_bytes']:>11,.0f}"
        )
    return "\n".join(lines)


def _rounded(rows: Rows) -> Rows:
    """Return the rows with four digits of each figure, without those that are nothing."""
    found = {name: {part: float(f"{number:.4g}") for part, number in sorted(row.items())} for name, row in rows.items()}
    return {name: row for name, row in sorted(found.items()) if any(row.values())}
