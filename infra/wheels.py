"""The requirements of the release package: wheels for Lambda, each checked against the hash in the lock file.

Chalice builds for the Python that runs it, and checks no hash of a wheel that it fetches for another processor. Here
pip does both, so a release is the same whatever Python runs the command.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.failures import CommandFailed

# Lambda's runtime, named here only: the released template and the wheels follow it.
RUNTIME = "python3.11"
# glibc of Lambda's images, which a wheel's tag may not exceed: Amazon Linux 2, and 2023 from Python 3.12 on ("Lambda
# runtimes", AWS Lambda Developer Guide).
_GLIBC_MINOR = {"python3.10": 26, "python3.11": 26}
_NEWER_GLIBC_MINOR = 34
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


class WheelsMissing(CommandFailed):
    """A requirement has no wheel for the target, or a wheel isn't the one that the lock file names."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the package is built for: Lambda's runtime (`python3.11`) and processor (`arm64` or `x86_64`)."""

    runtime: str
    architecture: str

    @property
    def options(self) -> list[str]:
        """pip's options for this target."""
        machine = _MACHINES[self.architecture]
        newest = _GLIBC_MINOR.get(self.runtime, _NEWER_GLIBC_MINOR)
        tags = [*(f"manylinux_2_{minor}_{machine}" for minor in range(newest, 16, -1)), f"manylinux2014_{machine}"]
        version = self.runtime.removeprefix("python")
        return ["--python-version", version, "--implementation", "cp", *(f"--platform={tag}" for tag in tags)]


def target_of(config: str, stage: str) -> Target | None:
    """Return what a stage's package is built for, by `.chalice/config.json`.

    None for a stage that names no processor: its functions run here, with this machine's Python.
    """
    architecture = json.loads(config)["stages"][stage].get("lambda_architecture")
    return Target(RUNTIME, architecture) if architecture else None


def install(requirements: Path, folder: Path, target: Target | None) -> None:
    """Put what the lock file `requirements` names into `folder`, in place of what is there, unless that is the same.

    Raises WheelsMissing.
    """
    wanted = hashlib.sha256(f"{target} {sys.version if target is None else ''}".encode() + requirements.read_bytes())
    stamp = folder.with_suffix(".installed")
    if folder.exists() and stamp.exists() and stamp.read_text() == wanted.hexdigest():
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"),
            *("--target", str(folder), "-r", str(requirements)),
            *(target.options if target else ()),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise WheelsMissing(f"the requirements for Lambda can't be installed: {said[-1]}")
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts that name this machine's Python
    stamp.write_text(wanted.hexdigest())
