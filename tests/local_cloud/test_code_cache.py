"""A function's code is unpacked once."""

import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

from local_cloud.code_cache import UnpackedOnce


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def zipped(archive: Path, **files: str) -> Path:
    with zipfile.ZipFile(archive, "w") as whole:
        for name, content in files.items():
            whole.writestr(f"package/{name}.py", content)
    return archive


def unpacked(archive: Path, folder: Path) -> dict[str, str]:
    """Return what the emulator finds: it makes the folder first."""
    folder.mkdir()
    with UnpackedOnce(archive) as whole:
        whole.extractall(folder)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.glob("*/*.py")}


def test_equal_code_is_unpacked_once_and_stays_when_a_process_s_folder_goes(tmp_path: Path) -> None:
    first, second = (zipped(tmp_path / name, app="one") for name in ("first.zip", "second.zip"))
    assert unpacked(first, tmp_path / "a") == unpacked(second, tmp_path / "b") == {"package/app.py": "one"}
    assert (tmp_path / "a/package/app.py").samefile(tmp_path / "b/package/app.py")
    shutil.rmtree(tmp_path / "a")
    assert (tmp_path / "b/package/app.py").read_text() == "one"
    assert unpacked(first, tmp_path / "c") == {"package/app.py": "one"}


def test_changed_code_is_unpacked_anew(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "code.zip", app="one", old="old")
    assert set(unpacked(archive, tmp_path / "a")) == {"package/app.py", "package/old.py"}
    zipped(archive, app="two")
    assert unpacked(archive, tmp_path / "b") == {"package/app.py": "two"}
    assert (tmp_path / "a/package/app.py").read_text() == "one"
