"""The functions' requirements, installed once for all that the tests build."""

import os
import shutil
from pathlib import Path

from infra.wheels import install
from tests.cloud import BUILD, PROJECT_DIR


def share(build: Path) -> None:
    """Give a build for the local stage the requirements that the local cloud's build has, or will have."""
    install(PROJECT_DIR / "requirements.txt", BUILD / "vendor", None)
    build.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(build / "vendor", ignore_errors=True)
    shutil.copytree(BUILD / "vendor", build / "vendor", copy_function=os.link)
    shutil.copy(BUILD / "vendor.installed", build)
