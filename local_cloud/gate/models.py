"""AWS's own descriptions of its APIs, as botocore carries them: operations, paths, and limits of parameters."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import botocore.loaders

# Of a parameter: returns where and why it breaks a limit, or None.
Check = Callable[[Any, str], str | None]


@functools.cache
def model(service: str) -> dict[str, Any]:
    """Return botocore's description of a service."""
    found: dict[str, Any] = botocore.loaders.Loader().load_service_model(service, "service-2")
    return found


@functools.cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return the method, path pattern and name of each operation, those with the longest fixed text first."""
    found = []
    for name, operation in model(service)["operations"].items():
        path = operation["http"]["requestUri"].partition("?")[0]
        parts = re.split(r"\{(\w+)(\+?)\}", path)
        pattern = re.escape(parts[0])
        for parameter, greedy, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            pattern += f"(?P<{parameter}>{'.+' if greedy else '[^/]+'}){re.escape(text)}"
        found.append((sum(map(len, parts[::3])), operation["http"]["method"], re.compile(f"{pattern}/?"), name))
    return [(method, pattern, name) for _, method, pattern, name in sorted(found, key=lambda one: -one[0])]


def operation_at(service: str, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the operation of a REST API with this method and path, and the parameters in the path."""
    for expected, pattern, name in _routes(service):
        if expected == method and (match := pattern.fullmatch(path)):
            return name, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


@functools.cache
def limits(service: str, operation: str) -> Check | None:
    """Return the check of an operation's parameters that are sent in the body; None when they have no limits."""
    found = model(service)["operations"].get(operation, {}).get("input")
    return _check(service, found["shape"], frozenset()) if found else None


def _check(service: str, shape: str, inside: frozenset[str]) -> Check | None:
    """Return the check of a shape. A shape inside of itself, as DynamoDB's values are, is not checked."""
    found = model(service)["shapes"][shape]
    if shape in inside:
        return None
    inside |= {shape}
    if found["type"] == "structure":
        return _structure(service, found, inside)
    checks = [*_sizes(found)]
    if found["type"] in ("list", "map"):
        member = found["member" if found["type"] == "list" else "value"]["shape"]
        if (each := _check(service, member, inside)) is not None:
            checks.append(_each(each))
    return _all(checks)


def _structure(service: str, shape: Mapping[str, Any], inside: frozenset[str]) -> Check | None:
    body = {name: one for name, one in shape["members"].items() if "location" not in one}
    required = [name for name in shape.get("required", ()) if name in body and shape.get("payload") != name]
    checks = {name: found for name, one in body.items() if (found := _check(service, one["shape"], inside))}
    if not (required or checks):
        return None

    def check(value: Any, path: str) -> str | None:
        if not isinstance(value, dict):
            return None
        for name in required:
            if value.get(name) is None:
                return _failed("null", f"{path}{_camel(name)}", "Member must not be null")
        for name, member in checks.items():
            if (given := value.get(name)) is not None and (failed := member(given, f"{path}{_camel(name)}")):
                return failed
        return None

    return lambda value, path: check(value, f"{path}." if path else "")


def _sizes(shape: Mapping[str, Any]) -> Iterator[Check]:
    kinds: dict[str, type[Any]] = {"string": str, "list": list, "map": dict, "integer": int, "long": int}
    kind = kinds.get(shape["type"])
    if kind is None:
        return
    least, most = shape.get("min"), shape.get("max")
    what = "value" if kind is int else "length"
    if least is not None or most is not None:

        def check_size(value: Any, path: str) -> str | None:
            if not isinstance(value, kind):
                return None
            size = value if kind is int else len(value)
            if most is not None and size > most:
                return _failed(value, path, f"Member must have {what} less than or equal to {most}")
            if least is not None and size < least:
                return _failed(value, path, f"Member must have {what} greater than or equal to {least}")
            return None

        yield check_size
    if "enum" in shape:
        allowed = frozenset(shape["enum"])
        yield (
            lambda value, path: (
                _failed(value, path, f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]")
                if isinstance(value, str) and value not in allowed
                else None
            )
        )
    if "pattern" in shape:
        try:
            pattern = re.compile(shape["pattern"], re.ASCII)
        except re.error:  # Java's patterns know more than Python's.
            return
        yield (
            lambda value, path: (
                _failed(value, path, f"Member must satisfy regular expression pattern: {shape['pattern']}")
                if isinstance(value, str) and not pattern.fullmatch(value)
                else None
            )
        )


def _each(check: Check) -> Check:
    def check_each(value: Any, path: str) -> str | None:
        members = enumerate(value, 1) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
        return next((found for key, member in members if (found := check(member, f"{path}.{key}.member"))), None)

    return check_each


def _all(checks: list[Check]) -> Check | None:
    if len(checks) < 2:
        return checks[0] if checks else None
    return lambda value, path: next((found for check in checks if (found := check(value, path))), None)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _failed(value: Any, path: str, why: str) -> str:
    shown = str(value) if isinstance(value, str | int) else f"{len(value)} members"
    return f"1 validation error detected: Value '{shown[:80]}' at '{path}' failed to satisfy constraint: {why}"
