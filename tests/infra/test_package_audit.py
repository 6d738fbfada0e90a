"""`make audit`: weaknesses are named, and a database that can't be reached is never taken for good news."""

import json
import re
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from infra.package_audit import NOT_COMPARED, NOTHING_KNOWN, WEAKNESSES, Ran, audit

ROOT = Path(__file__).parents[2]
FILES = [Path("requirements.txt"), Path("requirements-dev.txt")]
SOUND = {"name": "jinja2", "version": "3.1.6", "vulns": []}
WEAK = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.5.0"], "aliases": []}]}
# What pip-audit writes of a package that the index doesn't tell of, beside "No known vulnerabilities found".
SKIPPED = {"name": "babel", "skip_reason": "Dependency not found on PyPI and could not be audited: babel (2.18.0)"}


def outcome(*found: Any) -> tuple[int, list[list[str]]]:
    calls: list[list[str]] = []

    def run(arguments: Sequence[str]) -> Ran:
        calls.append(list(arguments))
        return Ran(json.dumps({"dependencies": found, "fixes": []}), "")

    return audit("pip-audit", FILES, run), calls


def test_all_files_are_compared_without_installing_anything(capsys: pytest.CaptureFixture[str]) -> None:
    status, calls = outcome(SOUND)
    assert status == NOTHING_KNOWN
    assert [call[-1] for call in calls] == ["requirements.txt", "requirements-dev.txt"]
    assert all("--disable-pip" in call for call in calls)
    assert "No weakness is known of 2 packages." in capsys.readouterr().out


def test_a_weakness_is_named_with_the_version_that_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(SOUND, WEAK)[0] == WEAKNESSES
    assert "urllib3 1.0: PYSEC-1, mended in 2.5.0." in capsys.readouterr().out


def test_packages_that_the_index_does_not_tell_of_are_not_good_news(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(SOUND, SKIPPED, WEAK)[0] == NOT_COMPARED
    printed = capsys.readouterr()
    assert "PYSEC-1" in printed.out
    assert "can't be reached" in printed.err
    assert "2 of 6 packages are not in it (babel, babel)" in printed.err


def test_an_index_that_can_not_be_reached_is_not_good_news(capsys: pytest.CaptureFixture[str]) -> None:
    unreachable = Ran("", "Traceback\nERROR:pip_audit: Could not connect to PyPI's vulnerability feed\n")
    assert audit("pip-audit", FILES, lambda _: unreachable) == NOT_COMPARED
    printed = capsys.readouterr().err
    assert "can't be reached" in printed
    assert "Could not connect" in printed


def locked() -> set[str]:
    """Return the files in which `make lock` pins packages."""
    return set(re.findall(r"-o (\S*requirements\S*\.txt)", (ROOT / "Makefile").read_text()))


def test_make_audit_compares_all_that_is_installed_anywhere() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\naudit:")[1].split("\n\n")[0]
    assert set(re.findall(r"[\w./-]*requirements[\w-]*\.txt", recipe)) == locked()


def test_every_package_has_hashes() -> None:
    for name in locked():
        entries = re.split(r"\n(?=\S)", (ROOT / name).read_text())
        assert len(entries) > 10
        assert [one for one in entries if "==" in one and "--hash=sha256:" not in one] == [], name


def test_every_package_can_be_installed_on_the_oldest_python_that_the_readme_names() -> None:
    assert "Python 3.11 to" in (ROOT / "README.md").read_text()
    pins = {
        pin for file in locked() for pin in re.findall(r"^([\w.-]+==\S+) ", (ROOT / file).read_text(), re.MULTILINE)
    }
    seen, refusing = 0, []
    for folder in ROOT.glob(".venv*/lib/python3.*/site-packages"):
        for package in distributions(path=[str(folder)]):
            if f"{canonicalize_name(package.name)}=={package.version}" in pins:
                seen += 1
                wanted = package.metadata["Requires-Python"] or ""
                if "3.11.0" not in SpecifierSet(wanted):
                    refusing.append(f"{package.name} {package.version} needs Python {wanted}")
    assert seen > 100
    assert refusing == [], "bound it in the .in file, and run `make lock`"
