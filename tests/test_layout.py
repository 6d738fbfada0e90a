"""The layout holds: who may import what, what stays out of a cold start, and that every error has its answer."""

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import chalicelib
from chalicelib.errors import DomainError
from chalicelib.problems import ANSWERS

PROJECT = Path(__file__).parent.parent
MODULES = sorted((PROJECT / "chalicelib").rglob("*.py"))
# Who may import whom, besides `errors`: each package those that stand above it.
MAY_IMPORT: dict[str, set[str]] = {
    "aws": set(),
}
FORBIDDEN_NAMES = {"base", "common", "helpers", "misc", "util", "utils"}
MAX_LINES = 250


def imported(path: Path) -> set[str]:
    """Return the top-level names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            names.add(str(node.module).partition(".")[0])
    return names


def domain_errors(error: type[DomainError] = DomainError) -> set[type[DomainError]]:
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        importlib.import_module(module.name)
    found = set(error.__subclasses__())
    return found.union(*map(domain_errors, found))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_only_what_its_place_allows(path: Path) -> None:
    names = imported(path)
    assert "app" not in names
    assert "tests" not in names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_named_by_what_it_is_about_and_can_be_read_at_once(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_every_domain_error_has_an_answer_and_a_code_of_its_own() -> None:
    errors = domain_errors()
    assert errors == set(ANSWERS)
    assert len({error.code for error in errors}) == len(errors)
    assert all(400 <= status < 600 and status != 500 for status, _ in ANSWERS.values())


def test_the_api_starts_without_what_only_mails_and_pages_need() -> None:
    script = "import json, sys, app; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout))
    assert "chalicelib.api" in loaded
    mailers = {
        "babel",
        "jinja2",
        "chalicelib.holders.holder.conventions",
        "chalicelib.notifications.mailer",
        "chalicelib.mail.transaction_mail",
        "chalicelib.mail.ses",
    }
    pages = {"chalicelib.preferences_page", "chalicelib.preferences_html", "chalicelib.holders.links"}
    assert not loaded & {
        "chalicelib.webhooks.poster",
        "chalicelib.webhooks.webhook.sender",
        "chalicelib.webhooks.webhook.feeder",
    }
    assert not loaded & (
        mailers
        | pages
        | {"chalicelib.analytics.job", "chalicelib.analytics.job.reconciliation", "chalicelib.notifications.stream"}
    )


def test_app_py_is_a_table_of_contents() -> None:
    tree = ast.parse((PROJECT / "app.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 10
    for function in functions:
        body = [
            node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        ]
        assert len(body) <= 3, f"{function.name} does more than hand over"
