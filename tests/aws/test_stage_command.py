"""Where a function, and every `chalice` command, takes its settings from."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws import stage_command
from chalicelib.aws.stage import MissingSettings
from local_cloud.server import free_port
from tests.stage_settings import RECORDED

COMMAND = {"AWS_CHALICE_CLI_MODE": "true"}


NOWHERE = Path("/nonexistent/stack.json")


@pytest.fixture
def local_stack(tmp_path: Path) -> Iterator[Path]:
    """The file by which a running local cloud, here a listening socket, describes itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield described(tmp_path, f"http://127.0.0.1:{listening.getsockname()[1]}")


def described(folder: Path, url: str, **changes: Any) -> Path:
    stack = {
        "stage": "local",
        "aws_endpoint_url": url,
        "region": "us-east-2",
        "access_key_id": "local-id",
        "secret_access_key": "local-secret",
        "environment": {**RECORDED, "STAGE": "local", "TRANSACTIONS_TABLE": "local-transactions"},
        **changes,
    }
    file = folder / "stack.json"
    file.write_text(json.dumps(stack))
    return file


def ended_with(environment: dict[str, str], command_line: str, local_stack: Path = NOWHERE) -> str:
    """Return the line with which the command ends."""
    with pytest.raises(SystemExit) as ended:
        stage_command.load(environment, command_line.split(), local_stack)
    return str(ended.value.code)


def test_a_function_that_lacks_settings_raises_and_does_not_exit() -> None:
    with pytest.raises(MissingSettings):
        stage_command.load({}, ["/var/runtime/bootstrap"], NOWHERE)


def test_a_function_leaves_its_environment_as_lambda_made_it() -> None:
    environment = {**RECORDED, "AWS_DEFAULT_REGION": "eu-west-3", "AWS_SESSION_TOKEN": "token"}

    loaded = stage_command.load(environment, ["/var/runtime/bootstrap", "local"], NOWHERE)

    assert loaded.stage == "prod"
    assert environment == {**RECORDED, "AWS_DEFAULT_REGION": "eu-west-3", "AWS_SESSION_TOKEN": "token"}


@pytest.mark.parametrize(
    ("command_line", "stage"),
    [
        ("chalice deploy --stage prod", "prod"),
        ("chalice deploy --stage=prod", "prod"),
        ("chalice --project-dir local deploy --stage local", "local"),
        ("chalice --debug package --stage prod --single-file local", "prod"),
        ("chalice deploy --profile local", "dev"),
    ],
)
def test_a_command_before_provisioning_ends_in_one_line_that_says_how_to_provision(
    command_line: str, stage: str
) -> None:
    line = ended_with({**COMMAND}, command_line)

    assert f"`make provision STAGE={stage} " in line
    assert "\n" not in line


@pytest.mark.parametrize("region", [None, "us-west-1"])
def test_a_command_works_in_the_region_of_the_provisioned_stage(region: str | None) -> None:
    environment = {**COMMAND, **RECORDED, **({"AWS_DEFAULT_REGION": region} if region else {})}

    stage_command.load(environment, ["chalice", "deploy", "--stage", "prod"], NOWHERE)

    assert environment["AWS_DEFAULT_REGION"] == "eu-west-3"


@pytest.mark.parametrize(
    "command_line",
    [
        "chalice local",
        "chalice local --port 8001",
        "chalice --project-dir x local",
        "chalice --project-dir=x --debug local --stage prod",
    ],
)
def test_chalice_local_takes_the_running_local_clouds_settings_whatever_stage_is_recorded(
    command_line: str, local_stack: Path
) -> None:
    loaded = stage_command.load({**COMMAND, **RECORDED}, command_line.split(), local_stack)

    assert (loaded.stage, loaded.transactions_table) == ("local", "local-transactions")


def test_chalice_local_leaves_no_way_to_a_real_account(local_stack: Path) -> None:
    environment = {
        **COMMAND,
        "AWS_PROFILE": "company",
        "AWS_ACCESS_KEY_ID": "real-id",
        "AWS_SECRET_ACCESS_KEY": "real-secret",
        "AWS_SESSION_TOKEN": "real-token",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-3.amazonaws.com",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "PATH": "/usr/bin",
    }

    stage_command.load(environment, ["chalice", "local"], local_stack)

    stack = json.loads(local_stack.read_text())
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == {
        "AWS_CHALICE_CLI_MODE": "true",
        "AWS_ENDPOINT_URL": stack["aws_endpoint_url"],
        "AWS_ACCESS_KEY_ID": "local-id",
        "AWS_SECRET_ACCESS_KEY": "local-secret",
        "AWS_DEFAULT_REGION": "us-east-2",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    assert environment["PATH"] == "/usr/bin"


def test_chalice_local_without_a_local_cloud_says_that_make_run_starts_it() -> None:
    line = ended_with({**COMMAND, **RECORDED}, "chalice local")

    assert "`make run`" in line
    assert "\n" not in line


def test_chalice_local_does_not_trust_the_file_of_a_local_cloud_that_is_gone(tmp_path: Path) -> None:
    gone = described(tmp_path, f"http://127.0.0.1:{free_port()}")

    assert "`make run`" in ended_with({**COMMAND, **RECORDED}, "chalice local", gone)


def test_chalice_local_does_not_trust_a_broken_file(tmp_path: Path) -> None:
    broken = tmp_path / "stack.json"
    broken.write_text('{"aws_endpoint')

    assert "`make run`" in ended_with({**COMMAND}, "chalice local", broken)


def test_chalice_local_says_when_the_local_cloud_is_older_than_the_working_tree(local_stack: Path) -> None:
    url = json.loads(local_stack.read_text())["aws_endpoint_url"]
    described(local_stack.parent, url, environment={**RECORDED, "MAIL_FROM": ""})

    line = ended_with({**COMMAND}, "chalice local", local_stack)

    assert "no MAIL_FROM: `make run`" in line


@pytest.mark.parametrize(
    ("mode", "command_line", "expected"),
    [
        ("true", "chalice deploy --stage prod", True),
        ("true", "chalice package --stage prod out", True),
        ("true", "chalice local --port 8000", False),
        ("true", "chalice --project-dir . local", False),
        ("", "chalice deploy", False),
        ("", "/var/runtime/bootstrap", False),
    ],
)
def test_only_a_command_that_makes_the_stage_is_deploying(mode: str, command_line: str, expected: bool) -> None:
    assert stage_command.is_deploying({"AWS_CHALICE_CLI_MODE": mode}, command_line.split()) is expected
