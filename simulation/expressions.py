"""DynamoDB's conditions, as far as the app uses them, on items in wire form.

Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions". A test compares
them with another DynamoDB engine.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

Value = dict[str, Any]
Item = dict[str, Value]
Condition = Callable[[Item, Mapping[str, str], Mapping[str, Value]], bool]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),.+-]|\[\d+\]|[#:]?[A-Za-z_][A-Za-z0-9_]*)")
_NAME = re.compile(r"[#:]?[A-Za-z_][A-Za-z0-9_]*")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_FUNCTIONS = ("attribute_exists", "attribute_not_exists", "begins_with", "contains", "size")


def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of an expression; raises ValueError for what no expression holds."""
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"not an expression: {text[position:]!r}")
        found.append(match[1])
        position = match.end()
    return tuple(found)


def comparable(value: Value) -> Any:
    """Return a wire value as Python compares it; of its own kind only."""
    ((kind, held),) = value.items()
    if kind == "N":
        return Decimal(held)
    if kind == "S":
        return held.encode()
    return held


class Reader:
    """A recursive-descent reader of one expression."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token.upper() not in expected):
            raise ValueError(f"expected {expected or 'more'}, found {token!r} in {' '.join(self._tokens)}")
        self._at += 1
        return token

    def takes(self, token: str) -> bool:
        if self.peek().upper() == token:
            self._at += 1
            return True
        return False

    def name(self) -> str:
        token = self.take()
        if not _NAME.fullmatch(token):
            raise ValueError(f"no name: {token!r} in {' '.join(self._tokens)}")
        return token

    def path(self) -> tuple[str, ...]:
        parts = [self.name()]
        while self.takes("."):
            parts.append(self.name())
        return tuple(parts)

    def operand(self) -> Callable[[Item, Mapping[str, str], Mapping[str, Value]], Value | None]:
        if self.peek() == "size" and self._tokens[self._at + 1 : self._at + 2] == ("(",):
            self.take()
            self.take("(")
            inner = self.operand()
            self.take(")")

            def size(item: Item, names: Mapping[str, str], values: Mapping[str, Value]) -> Value | None:
                found = inner(item, names, values)
                return None if found is None else {"N": str(len(next(iter(found.values()))))}

            return size
        path = self.path()
        if path[0].startswith(":"):
            return lambda _item, _names, values: values[path[0]]
        return lambda item, names, _values: looked_up(item, path, names)

    def disjunction(self) -> Condition:
        parts = [self.conjunction()]
        while self.takes("OR"):
            parts.append(self.conjunction())
        return lambda *given: any(part(*given) for part in parts)

    def conjunction(self) -> Condition:
        parts = [self.negation()]
        while self.takes("AND"):
            parts.append(self.negation())
        return lambda *given: all(part(*given) for part in parts)

    def negation(self) -> Condition:
        if self.takes("NOT"):
            inner = self.negation()
            return lambda *given: not inner(*given)
        if self.peek() == "(":
            self.take("(")
            inner = self.disjunction()
            self.take(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        if self.peek() in _FUNCTIONS[:4]:
            return self.function()
        left = self.operand()
        if self.takes("BETWEEN"):
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return lambda *given: (
                _compare(">=", left(*given), low(*given)) and _compare("<=", left(*given), high(*given))
            )
        if self.takes("IN"):
            self.take("(")
            choices = [self.operand()]
            while self.takes(","):
                choices.append(self.operand())
            self.take(")")
            return lambda *given: any(_compare("=", left(*given), choice(*given)) for choice in choices)
        operator = self.take(*_COMPARISONS)
        right = self.operand()
        return lambda *given: _compare(operator, left(*given), right(*given))

    def function(self) -> Condition:
        name = self.take()
        self.take("(")
        first = self.operand()
        second = self.operand() if self.takes(",") else None
        self.take(")")
        if name == "attribute_exists":
            return lambda *given: first(*given) is not None
        if name == "attribute_not_exists":
            return lambda *given: first(*given) is None
        if second is None:
            raise ValueError(f"{name} takes two operands")
        wanted = second
        if name == "begins_with":
            return lambda *given: _begins(first(*given), wanted(*given))
        return lambda *given: _contains(first(*given), wanted(*given))

    def end(self) -> None:
        if self.peek():
            raise ValueError(f"not understood: {self.peek()!r} in {' '.join(self._tokens)}")


def looked_up(item: Mapping[str, Value], path: Sequence[str], names: Mapping[str, str]) -> Value | None:
    """Return the value at a document path; None if there is none."""
    found: Value | None = {"M": item}
    for part in path:
        if found is None or "M" not in found:
            return None
        found = found["M"].get(names[part] if part.startswith("#") else part)
    return found


def _compare(operator: str, left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return operator == "<>" and left is not right
    if next(iter(left)) != next(iter(right)):
        return operator == "<>"
    a, b = comparable(left), comparable(right)
    return bool(
        {
            "=": lambda: a == b,
            "<>": lambda: a != b,
            "<": lambda: a < b,
            "<=": lambda: a <= b,
            ">": lambda: a > b,
            ">=": lambda: a >= b,
        }[operator]()
    )


def _begins(value: Value | None, prefix: Value | None) -> bool:
    return value is not None and prefix is not None and str(value.get("S", "")).startswith(prefix["S"])


def _contains(value: Value | None, part: Value | None) -> bool:
    if value is None or part is None:
        return False
    ((kind, held),) = value.items()
    if kind == "S":
        return part.get("S", "\0") in held
    return next(iter(part.values())) in held if kind in ("SS", "NS") else part in held


@cache
def condition(text: str) -> Condition:
    """Return the condition, filter or key condition that the text says."""
    reader = Reader(text)
    found = reader.disjunction()
    reader.end()
    return found
