"""The layout holds: who may import whom, what stays out of a cold start, and that every error has its answer."""

import ast
import functools
import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import chalicelib
import infra
from chalicelib.api.problems import ANSWERS
from chalicelib.errors import DomainError

PROJECT = Path(__file__).parent.parent

# The packages of `chalicelib`, and which others each may import. `errors` is for all of them.
MAY_IMPORT: dict[str, set[str]] = {
    "aws": set(),
    "ledger": {"aws"},
    "banks": {"ledger", "aws"},
    "holders": {"ledger", "aws"},
    "audit": {"ledger", "aws"},
    "activity": {"ledger", "aws"},
    "flags": {"banks", "ledger", "aws"},
    "analytics": {"flags", "banks", "ledger", "aws"},
    "cases": {"flags", "ledger", "aws"},
    "mail": {"holders", "ledger", "aws"},
    "notifications": {"activity", "flags", "mail", "holders", "banks", "ledger", "aws"},
    "statements": {"notifications", "mail", "holders", "banks", "ledger", "aws"},
    "webhooks": {"activity", "notifications", "flags", "banks", "ledger", "aws"},
    "staff": {"banks", "aws"},
    "changes": {"activity", "webhooks", "notifications", "mail", "flags", "holders", "banks", "ledger", "aws"},
    "api": {
        *(
            "activity",
            "audit",
            "staff",
            "webhooks",
            "analytics",
            "cases",
            "statements",
            "notifications",
            "flags",
            "holders",
            "banks",
            "ledger",
            "aws",
        ),
    },
}
# The modules beside the packages, and who may import each: None is everybody.
BESIDE: dict[str, set[str] | None] = {
    "errors": None,
    "late": set(),
    "intake_stores": {"stores"},
    "stores": {"mail_services"},
    "mail_services": {"case_services"},
    "case_services": {"staff_services"},
    "staff_services": {"services"},
    "services": set(),
}
# What a trigger runs: a route gets the store behind it instead.
TRIGGERS = {
    "analytics.job",
    "analytics.reconciliation",
    "cases.opener",
    "changes.answer_teller",
    "changes.change_mailer",
    "changes.change_teller",
    "flags.judge",
    "flags.operator_alerts",
    "ledger.archive",
    "ledger.ingest_worker",
    "notifications.deferrals",
    "notifications.feedback",
    "notifications.mailer",
    "notifications.stream",
    "statements.job",
}
# Besides `aws` and the modules that are named repository.
MAY_IMPORT_BOTO = {
    "flags.alert_topic",
    "holders.addresses",
    "mail.pacing",
    "mail.ses",
    "notifications.log",
}
# The folders beside `chalicelib`, and which others each may import.
FOLDERS: dict[str, set[str]] = {
    "openapi": {"chalicelib", "infra"},
    "vendoring": set(),
    "infra": {"chalicelib"},
    "operations": {"chalicelib", "infra", "bank_simulator"},
    "bank_simulator": {"chalicelib"},
    "mail_gallery": {"chalicelib"},
    "simulation": {"chalicelib", "app"},
    "mutants": set(),
    "bench": {"chalicelib", "mail_gallery", "app", "infra", "operations", "bank_simulator", "local_cloud"},
    "local_cloud": {"chalicelib", "infra", "operations", "bank_simulator", "mail_gallery"},
    "load": {"chalicelib", "infra", "operations", "bank_simulator", "mail_gallery", "local_cloud"},
}
# Each takes the whole app apart, or all of a stage's stores.
MAY_IMPORT_BESIDE = {
    "late": {"app"},
    "services": {"app", "bench", "simulation"},
    "stores": {"operations"},
    "intake_stores": {"operations"},
}
# Modules without a test of their own name, and why.
TESTED_ELSEWHERE = {
    "audit.entry": "with what adds to the trail, by audit/test_trail",
    "analytics.repository": "on both engines through the job, by analytics/test_job and test_lease",
    "banks.pace_repository": "on both engines, by banks/test_pace",
    "api.address_html": "through its page, by api/test_address_page",
    "api.alert_html": "through its page, by api/test_alert_page",
    "api.documentation": "through the routes, by api/test_api and test_docs_page",
    "api.holder_pages": "through the pages, by api/test_preferences_page and test_alert_page",
    "api.json_errors": "through what reads JSON, by api/test_json_body",
    "api.requests": "through the routes, by api/test_api and test_hostile_bodies",
    "cases.stored_form": "on both engines, by cases/test_repository",
    "changes.change_notice": "through the functions that write and read it, by changes/test_change_mailer",
    "holders.entries": "on both engines through the enrolment, by holders/test_enrolment",
    "ledger.digit_runs": "through the card numbers, by ledger/test_card_numbers",
    "ledger.informing": "through the fields that only inform, by ledger/test_posted",
    "ledger.ingest_queue": "with its two sides, by ledger/test_intake and test_ingest_worker",
    "ledger.keys": "through all that stores by key, by ledger/test_repository",
    "ledger.stored_form": "on both engines, by ledger/test_repository",
    "case_services": "with the other services, by test_services",
    "intake_stores": "with the other stores, by test_stores",
    "mail_services": "with the other services, by test_services",
    "staff_services": "with the other services, by test_services",
    "mail.details": "through the e-mails, by mail/test_transaction_mail",
    "mail.digest": "through its e-mail, by mail/test_digest_mail",
    "mail.statement": "through its e-mail, by mail/test_statement_mail",
    "notifications.allowances_repository": "on both engines, by notifications/test_allowances",
    "notifications.composing": "through the mailer, by notifications/test_mailer",
    "notifications.due": "through its users, by notifications/test_deferrals and statements/test_job",
    "notifications.outcome": "through the mailer, by notifications/test_mailer",
    "notifications.sending": "through the mailer, by notifications/test_mailer",
    "statements.outcome": "through the job, by statements/test_job",
}
FORBIDDEN_NAMES = {"base", "common", "helpers", "misc", "util", "utils"}
MAX_LINES = 250
MAX_FUNCTION_LINES = 60

Imports = Mapping[str, Mapping[str, int]]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_of(path): path for folder in ("chalicelib", *FOLDERS) for path in sorted((PROJECT / folder).rglob("*.py"))
}
MODULES["app"] = PROJECT / "app.py"


def imported(path: Path) -> dict[str, int]:
    """Return the names of all that a module imports, wherever in it, with the line."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found[full if full in MODULES else str(node.module)] = node.lineno
    return found


@functools.cache
def imports() -> Imports:
    """Return for each module of the project the project's modules that it imports, with the line."""
    return {
        name: {other: line for other, line in imported(path).items() if other in MODULES}
        for name, path in MODULES.items()
    }


def package_of(module: str) -> str:
    """Return the package of `chalicelib` that holds the module, or the module itself where it stands beside them."""
    return module.split(".")[1] if module.startswith("chalicelib.") else ""


def broken_rules(imports: Imports) -> Iterator[str]:
    """Yield a line for each import that the tables above don't allow; it names both ends."""
    for module, others in imports.items():
        for other, line in others.items():
            why = refusal(module, other)
            if why:
                yield f"{MODULES[module].relative_to(PROJECT)}:{line} imports {other}: {why}"


def refusal(module: str, other: str) -> str | None:
    """Return why the one module may not import the other, None if it may."""
    folder, other_folder = module.partition(".")[0], other.partition(".")[0]
    package, other_package = package_of(module), package_of(other)
    if other in ("app", "tests") and folder not in ("bench", "simulation", "tests"):
        return f"nothing imports {other}"
    if folder != other_folder:
        allowed = {"chalicelib"} if folder == "app" else FOLDERS.get(folder, set())
        if other_folder not in allowed:
            return f"{folder} may import {', '.join(sorted(allowed)) or 'no other folder'}"
        if folder not in MAY_IMPORT_BESIDE.get(other_package, {folder}):
            return f"{other_package} is for {', '.join(sorted(MAY_IMPORT_BESIDE[other_package]))}"
        return None
    if folder != "chalicelib" or package == other_package or not other_package:
        return None
    if other_package in BESIDE:
        who = BESIDE[other_package]
        return None if who is None or package in who else f"{other_package} is for app.py and tests"
    if package == "api" and other.removeprefix("chalicelib.") in TRIGGERS:
        return "a route gets what it needs handed in"
    if package in MAY_IMPORT and other_package not in MAY_IMPORT[package]:
        return f"{package} may import {', '.join(sorted(MAY_IMPORT[package])) or 'errors alone'}"
    return None


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the names along a circle of the graph, the first one again at the end; none if there is no circle."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for other in sorted(graph.get(name, ())):
                if found := walk(other, [*path, name]):
                    return found
            done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


def domain_errors(error: type[DomainError] = DomainError) -> set[type[DomainError]]:
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        importlib.import_module(module.name)
    found = set(error.__subclasses__())
    return found.union(*map(domain_errors, found))


def test_every_import_goes_the_one_way() -> None:
    assert not list(broken_rules(imports()))


@pytest.mark.parametrize(
    ("module", "other", "why"),
    [
        ("chalicelib.ledger.intake", "chalicelib.mail.ses", "ledger may import aws"),
        ("chalicelib.aws.calls", "chalicelib.ledger.money", "aws may import errors alone"),
        ("chalicelib.mail.ses", "chalicelib.services", "services is for app.py and tests"),
        ("chalicelib.api.transactions", "chalicelib.notifications.mailer", "a route gets what it needs handed in"),
        ("chalicelib.api.batch", "app", "nothing imports app"),
        ("chalicelib.errors", "infra.stacks", "chalicelib may import no other folder"),
        ("local_cloud.demo", "chalicelib.stores", "stores is for operations"),
    ],
)
def test_a_broken_rule_names_its_two_ends(module: str, other: str, why: str) -> None:
    assert refusal(module, other) == why
    (line,) = broken_rules({module: {other: 7}})
    assert line == f"{MODULES[module].relative_to(PROJECT)}:7 imports {other}: {why}"


def test_there_is_no_circle_of_modules_or_of_packages() -> None:
    modules = {module: set(others) for module, others in imports().items()}
    packages: dict[str, set[str]] = {}
    for module, others in modules.items():
        inside = {package_of(other) for other in others} - {package_of(module), ""}
        packages.setdefault(package_of(module), set()).update(inside)
    del packages[""]
    assert not circle(modules)
    assert not circle(packages)
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_chalicelib_is_packages_of_one_level_each_of_which_says_what_it_holds() -> None:
    root = PROJECT / "chalicelib"
    packages = {path.parent.name: path for path in root.glob("*/__init__.py")}
    assert packages.keys() == MAY_IMPORT.keys()
    assert not list(root.glob("*/*/**/*.py")), "no third level"
    assert {path.stem for path in root.glob("*.py")} - {"__init__"} == BESIDE.keys()
    for name, path in packages.items():
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, f"{name}/__init__.py is a docstring and nothing else"
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert "Door" in text, f"{name} says which module is its door"
        for door in text.split("Door", 1)[1].split("`")[1::2]:
            assert (path.parent / f"{door}.py").exists(), f"{name} has no {door}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("chalicelib.")])
def test_only_gateways_know_aws_and_only_the_api_knows_chalice(module: str) -> None:
    names = {name.partition(".")[0] for name in imported(MODULES[module])}
    place = module.removeprefix("chalicelib.")
    if not (place.startswith("aws") or place.endswith("repository") or place in MAY_IMPORT_BOTO):
        assert not names & {"boto3", "botocore"}
    if not place.startswith("api"):
        assert "chalice" not in names


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_by_what_it_is_about_and_can_be_read_at_once(module: str) -> None:
    path = MODULES[module]
    assert path.stem not in FORBIDDEN_NAMES
    if module != "app":
        assert len(path.read_text().splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name


def test_every_domain_error_has_an_answer_and_a_code_of_its_own() -> None:
    errors = domain_errors()
    assert errors == set(ANSWERS)
    assert len({error.code for error in errors}) == len(errors)
    assert all(400 <= status < 600 and status != 500 for status, _ in ANSWERS.values())


def test_the_api_starts_without_what_only_mails_and_pages_need() -> None:
    script = "import json, sys, app; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout))
    assert "chalicelib.api.transactions" in loaded
    mailers = {"holders.conventions", "mail.ses", "mail.transaction_mail", "notifications.mailer"}
    pages = {"api.preferences_page", "api.preferences_html", "holders.links"}
    webhooks = {"webhooks.poster", "webhooks.sender", "webhooks.signed_poster", "webhooks.feeder"}
    triggers = {"analytics.job", "analytics.reconciliation", "notifications.stream"}
    staff = {"staff.keys", "staff.tokens"}
    unwanted = {f"chalicelib.{name}" for name in mailers | pages | webhooks | triggers | staff}
    assert unwanted <= MODULES.keys()
    assert not loaded & (unwanted | {"babel", "jinja2", "jwt", "cryptography"})


def test_app_py_is_a_table_of_contents() -> None:
    tree = ast.parse((PROJECT / "app.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 10
    for function in functions:
        body = [
            node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        ]
        assert len(body) <= 3, f"{function.name} does more than hand over"


@pytest.mark.parametrize(("old", "new"), sorted(infra.RENAMED.items()))
def test_an_old_command_answers_with_its_new_name(old: str, new: str) -> None:
    command = [sys.executable, "-m", f"infra.{old}", "--stage", "prod"]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"infra.{old} is now {new}: run `python -m {new}`.\n"
    assert new in MODULES


def test_tests_share_what_they_need_by_modules_of_its_own() -> None:
    for path in (PROJECT / "tests").rglob("*.py"):
        shared = [name for name in imported(path) if name.startswith("tests.") and ".test_" in f".{name}"]
        assert not shared, f"{path.relative_to(PROJECT)} imports from a test: {shared}"


def test_tests_stand_in_the_folder_of_what_they_test() -> None:
    folders = {path.parent.name for path in (PROJECT / "tests").glob("*/test_*.py")}
    assert folders <= MAY_IMPORT.keys() | FOLDERS.keys() | {"clients", "console", "on_the_cloud"}
    assert folders >= MAY_IMPORT.keys()


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("chalicelib.")])
def test_every_module_with_logic_has_the_test_that_its_name_promises(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    if not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body):
        return
    *package, name = module.split(".")[1:]
    promised = PROJECT.joinpath("tests", *package, f"test_{name}.py")
    if ".".join([*package, name]) in TESTED_ELSEWHERE:
        assert not promised.exists(), f"{promised.relative_to(PROJECT)} is there: take {name} off the list"
    else:
        assert promised.exists(), f"{module} has no {promised.relative_to(PROJECT)}"


def test_only_modules_that_exist_are_tested_elsewhere() -> None:
    assert {f"chalicelib.{name}" for name in TESTED_ELSEWHERE} <= MODULES.keys()
