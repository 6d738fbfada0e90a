"""The tree that is changed: a copy in a temporary folder, so that the project's own files always stay as they are."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NOT_COPIED = (".*_cache", ".git", ".hypothesis", ".local", ".venv*", "__pycache__", "node_modules", "*.png")


@contextlib.contextmanager
def copied(root: Path) -> Iterator[Path]:
    """Copy the tree, and remove the copy at the end."""
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, "tree").resolve()
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        yield copy


@contextlib.contextmanager
def changed(file: Path, source: bytes) -> Iterator[bytes]:
    """Let the file have this source meanwhile, without what was compiled of the other."""
    before = file.read_bytes()
    _write(file, source)
    try:
        yield source
    finally:
        _write(file, before)


def _write(file: Path, source: bytes) -> None:
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()
    file.write_bytes(source)
