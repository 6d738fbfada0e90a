"""DynamoDB's updates and projections, as far as the app uses them.

Source: Amazon DynamoDB Developer Guide, "Update expressions". A test compares them with another DynamoDB engine.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from simulation.expressions import Item, Reader, Value, looked_up


def projected(item: Item, expression: str, names: Mapping[str, str]) -> Item:
    """Return the named attributes of an item; of whole attributes only."""
    wanted = [part.strip() for part in expression.split(",")]
    wanted = [names[part] if part.startswith("#") else part for part in wanted]
    return {name: item[name] for name in wanted if name in item}


def updated(item: Item, text: str, names: Mapping[str, str], values: Mapping[str, Value]) -> Item:
    """Return the item after an update; all operands are those of before it."""
    after = _copied(item)
    for action, path, operand in _actions(text):
        if action == "SET":
            _put(after, path, names, operand(item, names, values))
        elif action == "REMOVE":
            _put(after, path, names, None)
        elif action == "ADD":
            _put(after, path, names, _added(looked_up(item, path, names), operand(item, names, values)))
        else:
            _put(after, path, names, _without(looked_up(item, path, names), operand(item, names, values)))
    return after


@cache
def _actions(text: str) -> tuple[tuple[str, tuple[str, ...], Any], ...]:
    reader = Reader(text)
    found: list[tuple[str, tuple[str, ...], Any]] = []
    while reader.peek():
        action = reader.take("SET", "REMOVE", "ADD", "DELETE").upper()
        while True:
            path = reader.path()
            if action == "SET":
                reader.take("=")
                found.append((action, path, _sum(reader)))
            elif action == "REMOVE":
                found.append((action, path, None))
            else:
                found.append((action, path, reader.operand()))
            if not reader.takes(","):
                break
    return tuple(found)


def _sum(reader: Reader) -> Any:
    left = _term(reader)
    while reader.peek() in ("+", "-"):
        sign = Decimal(1) if reader.take() == "+" else Decimal(-1)
        left = _combined(left, _term(reader), sign)
    return left


def _combined(left: Any, right: Any, sign: Decimal) -> Any:
    return lambda *given: {"N": str(Decimal(left(*given)["N"]) + sign * Decimal(right(*given)["N"]))}


def _term(reader: Reader) -> Any:
    if reader.peek() == "if_not_exists":
        reader.take()
        reader.take("(")
        path = reader.path()
        reader.take(",")
        other = _sum(reader)
        reader.take(")")

        def either(item: Item, names: Mapping[str, str], values: Mapping[str, Value]) -> Any:
            found = looked_up(item, path, names)
            return found if found is not None else other(item, names, values)

        return either
    if reader.peek() == "list_append":
        reader.take()
        reader.take("(")
        first = _sum(reader)
        reader.take(",")
        second = _sum(reader)
        reader.take(")")
        return lambda *given: {"L": [*first(*given)["L"], *second(*given)["L"]]}
    return reader.operand()


def _copied(item: Item) -> Item:
    return {name: {"M": _copied(value["M"])} if "M" in value else value for name, value in item.items()}


def _put(item: Item, path: Sequence[str], names: Mapping[str, str], value: Value | None) -> None:
    *parents, last = [names[part] if part.startswith("#") else part for part in path]
    inside = item
    for parent in parents:
        if "M" not in inside.get(parent, {}):
            if value is None:
                return
            raise KeyError("The document path provided in the update expression is invalid for update")
        inside = inside[parent]["M"]
    if value is None:
        inside.pop(last, None)
    else:
        inside[last] = value


def _added(before: Value | None, more: Value) -> Value:
    if "N" in more:
        return {"N": str(Decimal((before or {"N": "0"})["N"]) + Decimal(more["N"]))}
    ((kind, members),) = more.items()
    return {kind: sorted({*(before or {kind: []})[kind], *members})}


def _without(before: Value | None, less: Value) -> Value | None:
    if before is None:
        return None
    ((kind, members),) = less.items()
    left = [member for member in before[kind] if member not in members]
    return {kind: left} if left else None
