"""The bytecode of a release: compiled once, when it is packaged, and not at each cold start.

A function can't write to its folder, so Python would compile every module anew in each new process.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.failures import CommandFailed

_TASK = "/var/task"  # where Lambda unpacks the zip; the bytes must not name the folder in which they were compiled


class CompilingFailed(CommandFailed):
    """A module that is released has no bytecode."""


def add_bytecode(archive: Path) -> None:
    """Add to the zip the bytecode of its modules."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as whole:
            whole.extractall(folder)
        compile_folder(Path(folder))
        with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as whole:
            for compiled in sorted(Path(folder).rglob("__pycache__/*.pyc")):
                entry = zipfile.ZipInfo(compiled.relative_to(folder).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                whole.writestr(entry, compiled.read_bytes(), zipfile.ZIP_DEFLATED)


def compile_folder(folder: Path) -> None:
    """Compile the modules in a folder for the Python that runs this, which Chalice also makes the runtime.

    Python uses the result unchecked: it compares neither dates, which the zip doesn't keep, nor sources. Equal sources
    give equal bytes: one process compiles all files in one order, and strings have the same hashes in each run.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", _TASK, str(folder)),
        ],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise CompilingFailed(f"the release can't be compiled: {(done.stdout + done.stderr).strip()}")
