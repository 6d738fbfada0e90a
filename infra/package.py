"""The release package: a clean copy of what ships, packaged by Chalice for one stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT_DIR = Path(__file__).parent.parent
# The `chalice` command of this very Python, wherever it is installed.
CHALICE = (sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())")
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


class PackagingFailed(Exception):
    """The package could not be built; the message says why."""


def copy_project(target: Path) -> None:
    """Lay what ships, and what Chalice needs to ship it, into `target`; keep Chalice's cache of wheels there.

    Chalice takes everything that it finds in `chalicelib`; in a copy there is nothing that should not go out.
    """
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / "chalicelib", ignore_errors=True)
    shutil.copytree(PROJECT_DIR / "chalicelib", target / "chalicelib", ignore=_NOT_SHIPPED)
    (target / ".chalice").mkdir(exist_ok=True)
    for name in ("app.py", "requirements.txt", ".chalice/config.json"):
        shutil.copy2(PROJECT_DIR / name, target / name)
    policies = PROJECT_DIR / ".chalice" / "policies"
    if policies.exists():
        shutil.copytree(policies, target / ".chalice" / "policies", dirs_exist_ok=True)


def package(project_dir: Path, stage: str, region: str) -> Path:
    """Package the copy in `project_dir`; return the folder with `sam.json` and `deployment.zip`.

    Raises PackagingFailed, also when Chalice only warned that a requirement has no wheel for Lambda.
    """
    out = project_dir / "out"
    done = subprocess.run(
        [
            *(*CHALICE, "package", "--stage", stage),
            *("--merge-template", str(PROJECT_DIR / "infra" / "app.json"), str(out)),
        ],
        cwd=project_dir,
        env={**os.environ, "AWS_DEFAULT_REGION": region},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    if done.returncode != 0 or "Could not install dependencies" in said:
        raise PackagingFailed(
            f"chalice package failed: {said.strip().splitlines()[-1] if said.strip() else 'no output'}"
        )
    return out
