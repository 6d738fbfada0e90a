"""The bytecode of a release: there for every module, used without a look at the source, the same each time."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.bytecode import CompilingFailed, add_bytecode

MODULE = "kinds = {'b', 'a', 'c'}\n\n\ndef fail() -> None:\n    raise RuntimeError('a' in kinds)\n"


def zipped(folder: Path, source: str = MODULE) -> Path:
    archive = folder / "deployment.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("app.py", "from package import module\n")
        written.writestr("package/__init__.py", "")
        written.writestr("package/module.py", source)
    return archive


def test_equal_sources_make_equal_bytes_whatever_the_hashes_of_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        archive = zipped(tmp_path)
        add_bytecode(archive)
        with zipfile.ZipFile(archive) as written:
            found.append([(name, written.read(name)) for name in written.namelist() if name.endswith(".pyc")])
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_python_runs_the_bytecode_and_does_not_look_at_the_source(tmp_path: Path) -> None:
    archive = zipped(tmp_path)
    add_bytecode(archive)
    with zipfile.ZipFile(archive) as written:
        written.extractall(tmp_path / "task")
    # Python would run this, if it compared the bytecode with the source.
    (tmp_path / "task" / "package" / "module.py").write_text("def fail() -> None:\n    print('source')\n")
    command = "import sys; sys.path.insert(0, '.'); import app; app.module.fail()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", command], cwd=tmp_path / "task", capture_output=True, text=True, check=False
    )
    assert "RuntimeError: True" in done.stderr


def test_a_module_that_cannot_be_compiled_stops_the_release(tmp_path: Path) -> None:
    with pytest.raises(CompilingFailed, match=r"module\.py"):
        add_bytecode(zipped(tmp_path, "def fail(:\n"))
