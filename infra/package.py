"""The release package: a clean copy of the files that are released, packaged by Chalice for one stage."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from chalicelib.holders.holder import LOCALES
from infra.bytecode import add_bytecode
from infra.failures import CommandFailed
from infra.sbom import bill_of
from infra.snap_start import add_snap_start
from infra.wheels import install, target_of

PROJECT_DIR = Path(__file__).parent.parent
# The `chalice` command of the Python that runs this, without compressing: the zip is written anew afterwards.
_CHALICE = """
import sys, zipfile
from chalice.cli import main
from chalice.utils import OSUtils
OSUtils.ZIP_DEFLATED = zipfile.ZIP_STORED
sys.exit(main())
"""
CHALICE = (sys.executable, "-c", _CHALICE)
# The AWS services whose clients the app makes. A test compares this with the code.
SERVICES = frozenset({"dynamodb", "events", "s3", "secretsmanager", "sesv2", "sns", "sqs"})
# What stays in a build's folder: what is installed for it, what Chalice knows of it, and what is made of it.
_KEPT = frozenset({"vendor", "vendor.installed", ".chalice", "out"})
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


class PackagingFailed(CommandFailed):
    """The package could not be built."""


def copy_project(target: Path) -> None:
    """Copy the files that are released, and those that Chalice needs for it, to `target`.

    Chalice packages every file that it finds in `chalicelib`: the copy has none that must not be released. What is
    installed in `target/vendor`, which Chalice packages too, is kept; what else was there is removed.
    """
    target.mkdir(parents=True, exist_ok=True)
    for entry in target.iterdir():
        if entry.name not in _KEPT:  # of an earlier version of this: Chalice would package or read it
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(PROJECT_DIR / "chalicelib", target / "chalicelib", ignore=_NOT_SHIPPED)
    (target / ".chalice").mkdir(exist_ok=True)
    for name in ("app.py", ".chalice/config.json"):
        shutil.copy2(PROJECT_DIR / name, target / name)
    policies = PROJECT_DIR / ".chalice" / "policies"
    if policies.exists():
        shutil.copytree(policies, target / ".chalice" / "policies", dirs_exist_ok=True)


def package(project_dir: Path, stage: str, region: str) -> Path:
    """Package the copy in `project_dir`; return the folder with `sam.json`, `deployment.zip` and `sbom.json`.

    Raises PackagingFailed, WheelsMissing.
    """
    out = project_dir / "out"
    target = target_of((project_dir / ".chalice" / "config.json").read_text(), stage)
    install(PROJECT_DIR / "requirements.txt", project_dir / "vendor", target)
    done = subprocess.run(
        [
            *(*CHALICE, "package", "--stage", stage),
            *("--merge-template", str(PROJECT_DIR / "infra" / "app.json"), str(out)),
        ],
        cwd=project_dir,
        env={
            **os.environ,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",  # Chalice imports the copy and packages all files in it
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise PackagingFailed(
            f"chalice package failed: {said.strip().splitlines()[-1] if said.strip() else 'no output'}"
        )
    if target is not None:
        _name_runtime(out / "sam.json", target.runtime)
    _slim(out / "deployment.zip")
    if target is None or target.runtime == f"python{sys.version_info.major}.{sys.version_info.minor}":
        add_bytecode(out / "deployment.zip")  # another Python's would not be read
    add_snap_start(out / "sam.json", out / "deployment.zip")
    bill = bill_of(project_dir / "vendor", out / "deployment.zip")
    (out / "sbom.json").write_text(json.dumps(bill, indent=2))
    return out


def _name_runtime(template: Path, runtime: str) -> None:
    """Have the functions run with this runtime: Chalice has named that of the Python which runs it."""
    content = json.loads(template.read_text())
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["Runtime"] = runtime
    template.write_text(json.dumps(content, indent=2))


def _slim(archive: Path) -> None:
    """Remove from the zip the files that no function reads, and give all entries the same date.

    A cold start then loads two thirds less. With equal dates, equal contents are equal bytes, so that a release without
    changes uploads and updates nothing.
    """
    slimmed = archive.with_suffix(".slim")
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(slimmed, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in sorted(whole.namelist()):
            if ships(name):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                kept.writestr(entry, whole.read(name), zipfile.ZIP_DEFLATED)
    slimmed.replace(archive)


def ships(name: str) -> bool:
    """Return whether an entry of Chalice's zip is released: of botocore's and Babel's data, only what the app uses."""
    match name.split("/"):
        case ["botocore" | "boto3", "data", service, _, *_]:
            return service in SERVICES
        case ["babel", "locale-data", locale]:
            return re.split(r"[_.]", locale)[0] in ("root", *LOCALES)
        case [folder, "RECORD" | "INSTALLER" | "REQUESTED"] if folder.endswith(".dist-info"):
            return False  # of the machine that installed it
        case ["certifi", "tests", *_]:
            return False
        case ["aws_lambda_powertools", "event_handler", *_]:
            return False  # Chalice routes
        case ["cffi" | "pycparser", *_]:
            return False  # they make bindings; PyNaCl's are made
        case _:
            return not name.endswith("/")
