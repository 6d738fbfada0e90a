"""Every command as a person meets it first: its help, and what it says when it can't begin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ON_A_STAGE = (
    "infra.provision",
    "infra.release",
    "infra.gateway",
    "operations.archive",
    "operations.audit",
    "operations.banks",
    "operations.dead_letters",
    "operations.failed_batches",
    "operations.links",
    "operations.reconcile",
    "operations.settings_trial",
    "operations.staff",
    "operations.suppressions",
    "operations.webhooks",
)
OTHERS = (
    "infra.observing",
    "local_cloud",
    "local_cloud.dashboard",
    "local_cloud.inbox",
    "bank_simulator",
    "bench",
    "bench.units",
    "load.faults",
    "mail_gallery",
    "mutants",
    "openapi",
    "operations.price",
)
# A complete command line for a stage that is not the local one.
WORK = {
    "infra.provision": ["--mail-from", "A <a@example.com>"],
    "infra.release": [],
    "infra.gateway": [],
    "operations.archive": ["list"],
    "operations.audit": ["list"],
    "operations.banks": ["list"],
    "operations.dead_letters": ["list"],
    "operations.failed_batches": ["list"],
    "operations.links": ["rotate"],
    "operations.reconcile": ["--date", "2026-01-10"],
    "operations.settings_trial": ["--bank", "eazycard", "--days", "1"],
    "operations.staff": ["list"],
    "operations.suppressions": ["list"],
    "operations.webhooks": ["list", "eazycard"],
}


def run(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env={**inherited, **nowhere, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("module", [*ON_A_STAGE, *OTHERS])
def test_help_is_printed_with_status_0(module: str) -> None:
    done = run(module, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m {module}")
    if module in ON_A_STAGE:
        assert f"examples:\n  python -m {module} --stage" in done.stdout


@pytest.mark.parametrize("module", ON_A_STAGE)
def test_an_unknown_option_is_named_with_status_2(module: str) -> None:
    done = run(module, "--nothing")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "there are no complete AWS credentials"),
        ({"AWS_PROFILE": "nobody"}, "`aws configure list-profiles` lists them"),
    ],
)
@pytest.mark.parametrize("module", ["infra.provision", "infra.release", "infra.gateway", "operations.banks"])
def test_without_credentials_a_command_says_in_one_line_what_to_do(
    module: str, environment: dict[str, str], said: str
) -> None:
    done = run(module, "--stage", "prod", *WORK[module], **environment)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = [line for line in done.stderr.splitlines() if "working" not in line]
    assert said in line


@pytest.mark.parametrize("module", ["infra.provision", "infra.release"])
def test_without_a_stage_make_s_commands_say_how_to_name_it(module: str) -> None:
    done = run(module, "--stage", "", *WORK[module])
    assert (done.returncode, done.stdout) == (1, "")
    assert "name the stage, for example with `make provision STAGE=dev" in done.stderr
