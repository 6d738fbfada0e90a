"""What a function loads before its first answer, and that what is loaded late is whole."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import events, stub_server
from chalicelib import late

PROJECT = Path(__file__).parent.parent
# What a `POST` needs in a new process, and nothing else. A module that is added here makes the first answer later.
NEEDED = {
    "api": {
        *("json_body", "json_errors", "problems", "requests", "staff_requests", "transaction_body", "transactions"),
    },
    "audit": {"entry"},
    "aws": {
        *("batching", "caching", "calls", "clients", "connections", "direct", "dynamo", "retention", "retries"),
        *("signing", "snapshot", "stage", "stage_command", "telemetry"),
    },
    "banks": {"bank", "plans", "quotas", "quotas_repository", "repository"},
    "cases": {"refusals"},
    "ledger": {
        *(
            "account_numbers",
            "card_numbers",
            "fields",
            "informing",
            "intake",
            "keys",
            "messages",
            "money",
            "page_size",
            "posted",
            "repository",
        ),
        *("search_steps", "stored_form", "times", "transaction", "wording"),
    },
    "staff": {"member", "refusals"},
    "webhooks": {"refusals"},
}
LIBRARIES = {"aws_lambda_powertools", "certifi", "chalice", "jmespath", "marshmallow"}
# Of botocore only its errors; the rest is loaded when a call needs it.
BOTOCORE = ("exceptions", "vendored")
# Prints what is loaded after the first answer. A module that is bound and not loaded has its own type.
PROGRAM = """
import json, sys, app
event, context = json.loads(sys.argv[1]), type("Context", (), {"aws_request_id": "1", "function_name": "api"})
answer = app.app(event, context)
loaded = [name for name, module in sys.modules.items() if type(module).__name__ != "_LazyModule"]
print(json.dumps([answer["statusCode"], loaded]))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that are loaded after the first answer of a new function."""
    with stub_server.running() as url:
        environment = {**os.environ, "AWS_ENDPOINT_URL": url, "AWS_LAMBDA_FUNCTION_NAME": "api"}
        command = [sys.executable, "-c", PROGRAM, json.dumps(events.post(events.smallest(0)))]
        run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    status, names = json.loads(run.stdout.splitlines()[-1])
    assert status == 201
    return set(names)


def test_a_cold_post_loads_what_it_needs_and_nothing_else(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.startswith("chalicelib.") and name.count(".") == 2}
    assert ours == {f"chalicelib.{package}.{name}" for package, names in NEEDED.items() for name in names}


def test_a_cold_post_loads_no_other_library(loaded: set[str]) -> None:
    shipped = {line.partition("==")[0] for line in _requirements()}
    packages = {re.sub("-", "_", name).lower() for name in shipped} | {"boto3", "botocore", "jwt", "dateutil", "yaml"}
    assert {"babel", "jinja2", "cryptography", "itsdangerous", "marshmallow"} <= packages
    assert {name for name in loaded if name in packages} - LIBRARIES <= {"botocore", "typing_extensions"}
    assert {name.split(".")[1] for name in loaded if name.startswith("botocore.")} == set(BOTOCORE)


def _requirements() -> list[str]:
    return [line for line in (PROJECT / "requirements.txt").read_text().splitlines() if "==" in line]


@pytest.fixture
def finder() -> Iterator[late.Finder]:
    """The finder, as a function has it, with what it finds loaded anew; afterwards all is as before."""
    before = {name: module for name, module in sys.modules.items() if _is_late(name)}
    for name in before:
        del sys.modules[name]
    found = late.Finder()
    sys.meta_path.insert(0, found)
    yield found
    sys.meta_path.remove(found)
    for name in [name for name in sys.modules if _is_late(name)]:
        del sys.modules[name]
    sys.modules.update(before)
    for name, module in before.items():
        package, _, last = name.rpartition(".")
        setattr(sys.modules[package], last, module)


def _is_late(name: str) -> bool:
    return name in ("chalicelib.api.cursors", "marshmallow.validate")


def test_a_module_of_the_api_is_loaded_when_it_is_first_used(finder: late.Finder) -> None:
    module = importlib.import_module("chalicelib.api.cursors")
    assert type(module).__name__ == "_LazyModule"
    assert callable(module.sign)
    assert type(module).__name__ == "module"


def test_a_late_pattern_matches_as_a_compiled_one(finder: late.Finder) -> None:
    module = importlib.import_module("marshmallow.validate")
    assert isinstance(module.Email.DOMAIN_REGEX, late.LatePattern)
    whole = re.compile(module.Email.USER_REGEX.pattern, re.IGNORECASE | re.UNICODE)
    for address in (
        "ana@example.com",
        "ÀNA@exämple.com",
        '"a b"@example.com',
        "a..b@example.com",
        "a@b",
        "a@[1.2.3.4]",
    ):
        assert bool(module.Email.USER_REGEX.match(address.rpartition("@")[0])) == bool(
            whole.match(address.rpartition("@")[0])
        )
    assert module.Email()("ana@example.com") == "ana@example.com"
    with pytest.raises(Exception, match="Not a valid email"):
        module.Email()("ana@")
    assert isinstance(re.compile("a"), re.Pattern), "only while the module is executed"


def test_other_modules_and_other_processes_are_left_alone() -> None:
    assert late.Finder().find_spec("chalicelib.ledger.money") is None
    assert late.Finder().find_spec("chalicelib.api.no_such_module", []) is None
    before = list(sys.meta_path)
    late.install({})
    assert sys.meta_path == before
