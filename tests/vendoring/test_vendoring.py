"""What the console loads of other people is what is pinned, and a package that differs is refused."""

import copy
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from infra.package import PROJECT_DIR
from vendoring.__main__ import FOLDER, LICENSES, PACKAGES, WrongHash, integrity, take

PINNED: list[dict[str, Any]] = json.loads(PACKAGES.read_text())
FILES = {file["to"]: file["integrity"] for package in PINNED for file in package["files"]}


def archive(**files: str) -> bytes:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w:gz") as content:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            content.addfile(entry, io.BytesIO(text.encode()))
    return stored.getvalue()


def package(content: bytes, file: str) -> dict[str, Any]:
    return {
        "name": "chart",
        "version": "1.0.0",
        "integrity": integrity(content),
        "files": [{"from": "chart", "to": "vendor-chart.js", "integrity": file}],
    }


def test_the_vendored_files_are_those_that_are_pinned_and_no_others() -> None:
    there = {path.name: integrity(path.read_bytes()) for path in (PROJECT_DIR / FOLDER).glob("vendor-*")}
    licenses = there.pop(LICENSES)
    assert licenses
    assert there == FILES


def test_each_package_has_a_hash_of_its_archive_and_its_licence_is_with_the_files() -> None:
    text = (PROJECT_DIR / FOLDER / LICENSES).read_text()
    for one in PINNED:
        assert one["integrity"].startswith("sha512-")
        assert f"{one['name']} {one['version']} ({one['license']})" in text


def test_what_is_loaded_of_a_package_is_taken_with_its_licence() -> None:
    content = archive(chart="draw()", LICENSE="MIT, the author\n")
    assert take(package(content, integrity(b"draw()")), content, pin=False) == (
        {"vendor-chart.js": b"draw()"},
        "MIT, the author",
    )


def test_an_archive_or_a_file_with_another_hash_is_refused() -> None:
    content = archive(chart="draw()", LICENSE="MIT")
    with pytest.raises(WrongHash, match=r"chart 1\.0\.0 has the hash"):
        take(package(content, integrity(b"draw()")), archive(chart="steal()", LICENSE="MIT"), pin=False)
    with pytest.raises(WrongHash, match=r"vendor-chart\.js has the hash"):
        take(package(content, integrity(b"other()")), content, pin=False)


def test_a_new_version_is_pinned_as_npm_hands_it_out(tmp_path: Path) -> None:
    content = archive(chart="draw()", LICENSE="MIT")
    one = copy.deepcopy(package(b"", ""))
    take(one, content, pin=True)
    assert one == package(content, integrity(b"draw()"))
