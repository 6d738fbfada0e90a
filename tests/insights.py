"""A small reader of CloudWatch Logs Insights' query language: as much of it as the saved queries use.

What AWS writes in "CloudWatch Logs Insights language query syntax": fields of JSON lines are found by themselves,
nested ones as `a.b` and `a.0`; a comparison with a field that a line doesn't have is false.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]
_TOKEN = re.compile(r"""\s*('(?:[^'])*'|/(?:\\.|[^/\\])+/|[<>!]?=|[<>]|[()\[\],]|[@\w.]+)""")


def run(query: str, events: Iterable[tuple[str, str]]) -> list[Row]:
    """Return the rows that a query finds in events, which are log groups and lines."""
    rows = [row for log, line in events if (row := _row(log, line)) is not None]
    shown: list[tuple[str, str]] = []
    limit = 10_000
    for command in re.split(r"\n\s*\|\s*", query.strip()):
        verb, _, rest = command.strip().partition(" ")
        match verb:
            case "fields":
                shown = [_named(part) for part in rest.split(",")]
                for row in rows:
                    row.update({name: row[field] for field, name in shown if field in row})
            case "filter":
                test = _Expression(rest).test()
                rows = [row for row in rows if test(row)]
            case "parse":
                rows = list(_parsed(rows, rest))
            case "stats":
                rows = _stats(rows, rest)
                shown = []
            case "sort":
                field, _, order = rest.partition(" ")
                have = [row for row in rows if field in row]
                rows = sorted(have, key=lambda row: row[field], reverse=order.strip() == "desc")
            case "limit":
                limit = int(rest)
            case _:
                raise ValueError(f"unknown command: {verb}")
    if shown:
        rows = [{name: row[name] for _, name in shown if name in row} for row in rows]
    return rows[:limit]


def _row(log: str, line: str) -> Row | None:
    try:
        values = json.loads(line)
    except ValueError:
        values = {}
    row: Row = {"@log": log, "@message": line}
    if "_aws" in values:
        row["@timestamp"] = values["_aws"]["Timestamp"] / 1000
    elif "timestamp" in values:
        row["@timestamp"] = datetime.strptime(values["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z").timestamp()
    row.update(_flat(values))
    return row


def _flat(values: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    pairs = values.items() if isinstance(values, Mapping) else enumerate(values)
    for name, value in pairs:
        if isinstance(value, Mapping | list):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _named(part: str) -> tuple[str, str]:
    field, _, name = part.strip().partition(" as ")
    return field, name or field


def _parsed(rows: Iterable[Row], rest: str) -> Iterator[Row]:
    field, _, pattern = rest.partition(" ")
    found = re.compile(pattern.strip().strip("/").replace("(?<", "(?P<"))
    for row in rows:
        match = found.search(str(row.get(field, "")))
        yield {**row, **(match.groupdict() if match else {})}


def _stats(rows: Sequence[Row], rest: str) -> list[Row]:
    figures, _, by = rest.partition(" by ")
    fields = [part.strip() for part in by.split(",")] if by else []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_bin(row, field) for field in fields), []).append(row)
    named = re.findall(r"(\w+)\(([^)]*)\) as (\w+)", figures)
    assert len(named) == figures.count(" as "), f"unknown figure in {figures}"
    return [
        {
            **dict(zip(fields, key, strict=True)),
            **{name: _figure(function, argument, group) for function, argument, name in named},
        }
        for key, group in groups.items()
    ]


def _bin(row: Row, field: str) -> Any:
    minutes = re.fullmatch(r"bin\((\d+)m\)", field)
    return row["@timestamp"] // (60 * int(minutes[1])) if minutes else row.get(field)


def _figure(function: str, argument: str, group: Sequence[Row]) -> float:
    field, _, of = argument.partition(",")
    values = sorted(float(row[field]) for row in group if field in row)
    match function:
        case "count":
            return len(group) if field == "*" else len(values)
        case "sum":
            return sum(values)
        case "avg":
            return sum(values) / len(values)
        case "max":
            return values[-1] if values else 0
        case "pct":
            return values[min(len(values) - 1, int(len(values) * float(of) / 100))]
    raise ValueError(f"unknown function: {function}")


class _Expression:
    """A condition of `filter`, read from left to right: `or` of `and`s of comparisons."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(r"\s+(?=(?:[^'/]|'[^']*'|/(?:\\.|[^/\\])+/)*$)", "", text), text

    def test(self) -> Test:
        test = self._any()
        assert not self._tokens, f"not understood: {self._tokens}"
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self._took("or"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._took("and"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._took("("):
            test = self._any()
            assert self._took(")")
            return test
        if self._took("ispresent"):
            assert self._took("(")
            present = self._tokens.pop(0)
            assert self._took(")")
            return lambda row: present in row
        field, operator = self._tokens.pop(0), self._tokens.pop(0)
        if operator == "in":
            assert self._took("[")
            values = []
            while not self._took("]"):
                values.append(_value(self._tokens.pop(0)))
                self._took(",")
            return lambda row: row.get(field) in values
        value = self._tokens.pop(0)
        if operator == "like":
            pattern = value[1:-1] if value.startswith("/") else re.escape(str(_value(value)))
            return lambda row: re.search(pattern, str(row.get(field, ""))) is not None
        return _comparison(field, operator, _value(value))

    def _took(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False


def _value(token: str) -> Any:
    return token[1:-1] if token.startswith("'") else float(token)


def _comparison(field: str, operator: str, value: Any) -> Test:
    compare: dict[str, Callable[[Any], bool]] = {
        "=": lambda found: bool(found == value),
        "!=": lambda found: bool(found != value),
        ">": lambda found: bool(found > value),
        "<": lambda found: bool(found < value),
        ">=": lambda found: bool(found >= value),
        "<=": lambda found: bool(found <= value),
    }
    return lambda row: field in row and compare[operator](row[field])
