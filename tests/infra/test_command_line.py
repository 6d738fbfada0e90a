"""What every command on a stage shares: its options, the stage, and one line for each way to fail."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from chalicelib.errors import HolderNotFound, TemporarilyUnavailable
from infra.command_line import open_stage, run, stage_parser
from infra.failures import CommandFailed
from infra.sessions import Stage
from infra.stacks import StackFailed, stack_name

PROJECT = Path(__file__).parents[2]
DOCUMENTATION = """Count things of a stage.

    python -m operations.things --stage prod

Things are counted once.
"""


def failing(error: BaseException) -> int:
    def work() -> NoReturn:
        raise error

    return run("things", work, failures=(LookupError,))


def test_the_status_is_that_of_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert [run("things", lambda: 0), run("things", lambda: 3)] == [0, 3]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CommandFailed("there is no thing."), "there is no thing."),
        (StackFailed("There is no stack x."), "There is no stack x."),
        (HolderNotFound(), "The account has no holder with this id."),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Scan"),
            "the AWS credentials may not call Scan: no. Use others, or ask for the permission: docs/deployment.md says "
            "what a stage needs.",
        ),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
            'Could not connect to the endpoint URL: "http://127.0.0.1:1" '
            "Check the network, --region and AWS_ENDPOINT_URL.",
        ),
        (LookupError("added by the command"), "added by the command"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_is_one_line_and_status_1(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(error) == 1
    assert capsys.readouterr() == ("", f"things: {line}\n")


def test_a_defect_is_not_taken_for_a_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


def test_a_command_says_what_to_do_when_a_service_is_unavailable(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(TemporarilyUnavailable()) == 1
    assert "Run the command again." in capsys.readouterr().err

    def work() -> NoReturn:
        raise TemporarilyUnavailable

    assert run("things", work, unavailable="the table is full.") == 1
    assert capsys.readouterr().err == "things: the table is full.\n"


def test_ctrl_c_is_one_line_and_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == (
        "things: interrupted. What was done is kept: run the command again to do the rest.\n"
    )


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_has_gone_ends_the_command_without_a_word(lines: int) -> None:
    # With one line, only the flush at the end meets the closed pipe.
    script = f"""
import sys
from infra.command_line import run

def work():
    sys.stdin.read()
    for number in range({lines}):
        print(number)
    return 0

sys.exit(run("things", work))
"""
    command = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdin
    assert command.stdout
    assert command.stderr
    command.stdout.close()
    command.stdin.close()
    with command.stderr as errors:
        assert errors.read() == b""
    assert command.wait(timeout=30) == 1


def test_the_help_has_the_modules_description_its_examples_and_its_explanation() -> None:
    text = " ".join(stage_parser("operations.things", DOCUMENTATION).format_help().split())
    assert text.startswith("usage: python -m operations.things")
    assert "Count things of a stage." in text
    assert text.endswith("examples: python -m operations.things --stage prod Things are counted once.")


def test_the_stage_is_the_local_one_unless_the_command_requires_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert stage_parser("operations.things", DOCUMENTATION).parse_args([]).stage == "local"
    with pytest.raises(SystemExit):
        stage_parser("operations.things", "Count.", required_stage="which").parse_args([])
    assert "required: --stage" in capsys.readouterr().err


@pytest.fixture
def stage() -> Iterator[Stage]:
    template = {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"Known": {"Value": "there"}}}
    with mock_aws():
        boto3.client("cloudformation", region_name="us-east-2").create_stack(
            StackName=stack_name("prod", "data"), TemplateBody=json.dumps(template)
        )
        options = stage_parser("operations.things", DOCUMENTATION).parse_args(
            ["--stage", "prod", "--region", "us-east-2"]
        )
        yield open_stage(options)


def test_a_stage_has_its_data_stacks_outputs(stage: Stage) -> None:
    assert stage.output("Known") == "there"
    with pytest.raises(StackFailed, match="the data stack of stage prod has no Other: provision the stage again"):
        stage.output("Other")


def test_a_stage_that_is_not_provisioned_is_found_out_on_first_use(stage: Stage) -> None:
    dev = Stage("dev", stage.session)
    with pytest.raises(StackFailed, match="There is no stack transaction-notifier-dev-data"):
        dev.output("Known")
