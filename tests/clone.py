"""A clone of the project in a folder of its own, and commands run in it as an operator runs them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from chalicelib.aws.stage import variables
from infra.provision import with_arns
from infra.settings_filter import without_environments
from infra.stacks import outputs, stack_name

PROJECT_DIR = Path(__file__).parent.parent
CONFIG = ".chalice/config.json"
CHALICE = str(Path(sys.executable).with_name("chalice"))
_COMMAND_TAKES_AT_MOST_S = 300


def environment(server: str) -> dict[str, str]:
    """Return the environment of a command that is to meet this server, no real account, no region and no settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CHALICE_", "GIT_"))}
    for name in variables().values():
        kept.pop(name, None)
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": server,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def git(folder: Path, *arguments: str) -> str:
    """Return what a git command printed that must succeed; nobody's own git configuration counts."""
    identity = ("-c", "user.name=Tests", "-c", "user.email=tests@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment(""), capture_output=True, text=True, check=True
    )
    return done.stdout


def lay_files(folder: Path, names: list[str]) -> None:
    """Copy these files of the project into a new git repository, as git has them, and commit them there."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_DIR / name, folder / name)
    (folder / CONFIG).write_text(without_environments((folder / CONFIG).read_text()))
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Start")


@dataclass(frozen=True)
class Clone:
    """A clone whose commands meet the moto server at this URL."""

    folder: Path
    server: str

    @classmethod
    def of_working_tree(cls, folder: Path, server: str) -> "Clone":
        """Return a clone of what the working tree would be, were it committed."""
        listed = git(PROJECT_DIR, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        lay_files(folder, [name for name in listed.split("\0") if (PROJECT_DIR / name).is_file()])
        return cls(folder, server)

    def copy(self, folder: Path) -> "Clone":
        """Return a copy of this clone and of all that commands have made in it; `folder` must not exist."""
        shutil.copytree(self.folder, folder)
        return Clone(folder, self.server)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Return how a command ended and what it printed; what it has started ends with it."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment(self.server),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                printed, complained = process.communicate(timeout=_COMMAND_TAKES_AT_MOST_S)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(command, process.returncode, printed, complained)

    def succeed(self, *command: str) -> str:
        """Return what a command printed that must succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def provision(self, stage: str) -> None:
        """Run `make provision`, with the development tools that are installed already."""
        tools = ("-o", ".venv/.installed", f"PY={sys.executable}")
        self.succeed("make", *tools, "provision", f"STAGE={stage}", "MAIL_FROM=EAZYCard <alerts@example.com>")

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-2", endpoint_url=self.server)

    def outputs(self, stage: str) -> dict[str, str]:
        """Return what the stage's data stack says."""
        return with_arns(outputs(self.client("cloudformation"), stack_name(stage, "data")))
