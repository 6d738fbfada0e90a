"""The AWS operations that the commands of `infra` reach: in their own code, and in what they use of `chalicelib`."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name

from tests.samples import PROJECT_DIR

_SERVICES = ("apigateway", "cloudformation", "cognito-idp", "dynamodb", "lambda", "s3", "sesv2")
# Calls that take an operation's name.
_BY_NAME = ("get_paginator", "generate_presigned_url")


@functools.cache
def _operations() -> frozenset[str]:
    session = botocore.session.get_session()
    return frozenset(
        xform_name(operation)
        for service in _SERVICES
        for operation in session.get_service_model(service).operation_names
    )


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def reached() -> set[str]:
    """Return the operations by boto3's names. What is handed over as a function, and not called, counts too."""
    found: set[str] = set()
    done: set[tuple[Path, str]] = set()
    for path in (PROJECT_DIR / "infra").glob("*.py"):
        found |= set(_called(_tree(path)))
        for used in _imported(path).values():
            found |= _reached_from(*used, done)
    return found


def _reached_from(path: Path, name: str, done: set[tuple[Path, str]]) -> set[str]:
    """Return the operations that something of a module of `chalicelib` reaches: a function, a class or a value."""
    definition = next((node for node in _tree(path).body if name in _names(node)), None)
    if definition is None or (path, name) in done:
        return set()
    done.add((path, name))
    found = set(_called(definition))
    imports = _imported(path)
    for used in {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}:
        found |= _reached_from(*imports.get(used, (path, used)), done)
    return found


def _called(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in _BY_NAME:
            yield str(ast.literal_eval(one.args[0]))
        elif isinstance(one, ast.Attribute) and one.attr in _operations():
            yield one.attr


def _imported(path: Path) -> dict[str, tuple[Path, str]]:
    """Return what a module imports of `chalicelib`: the module and the name there, by the name here."""
    return {
        alias.asname or alias.name: (PROJECT_DIR / f"{node.module.replace('.', '/')}.py", alias.name)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("chalicelib.")
        for alias in node.names
    }


def _names(node: ast.stmt) -> set[str]:
    """Return what a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {one.id for one in targets if isinstance(one, ast.Name)}
