"""CI's own scripts: what a machine doesn't have is said, and nothing fails for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import PROJECT_DIR

CI = PROJECT_DIR / ".ci"


def versions(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/versions` on a machine whose Pythons are those below `path`."""
    found = {"PATH": f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin", "PYENV_ROOT": str(path), **environment}
    return subprocess.run([CI / "versions"], env=found, capture_output=True, text=True, timeout=60)


def shim(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_python_that_is_not_there_or_does_not_start_is_left_out_by_name(tmp_path: Path) -> None:
    for version in ("3.12", "3.13"):
        shim(tmp_path / f"python{version}", "exit 127")
    done = versions(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Python 3.12: not on this machine. Nothing is tested on it.",
        "Python 3.13: not on this machine. Nothing is tested on it.",
    ]


def test_a_python_that_pyenv_has_is_found_and_its_tests_failing_is_a_failure(tmp_path: Path) -> None:
    shim(tmp_path / "python3.12", "exit 127")
    shim(tmp_path / "versions" / "3.13.1" / "bin" / "python3.13", "echo Python 3.13.1")
    shim(tmp_path / "make", "exit 2")  # the environment can't be made
    done = versions(tmp_path)
    assert "3.13: Python 3.13.1" in done.stdout
    assert done.returncode != 0


def test_what_versions_tests_is_there() -> None:
    script = (CI / "versions").read_text()
    named = [word for word in script.replace(")", " ").replace("(", " ").split() if word.startswith("tests/")]
    assert len(named) > 5
    assert [name for name in named if not (PROJECT_DIR / name).exists()] == []


def quickest(path: Path) -> str:
    """Return what `.ci/python` prints on a machine whose Pythons are those in `path`."""
    for tool in ("sort", "awk"):
        (path / tool).symlink_to(f"/usr/bin/{tool}")
    found = {"PATH": str(path)}
    done = subprocess.run(
        ["/bin/bash", CI / "python"], env=found, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("pythons", "expected"),
    [
        (
            {"python3.11": "echo 0.07 /a folder/python3.11", "python3": "echo 0.20 /usr/bin/python3"},
            "/a folder/python3.11",
        ),
        ({"python3.11": "echo 0.20 /opt/python3.11", "python3": "echo 9.9e-2 /usr/bin/python3"}, "/usr/bin/python3"),
        ({"python3.11": "exit 127", "python3": "echo 0.20 /usr/bin/python3"}, "/usr/bin/python3"),
        ({"python3.11": "echo AssertionError >&2; exit 1"}, "python3"),
        ({}, "python3"),
    ],
)
def test_ci_takes_the_quickest_python(tmp_path: Path, pythons: dict[str, str], expected: str) -> None:
    for name, script in pythons.items():
        shim(tmp_path / name, script)
    assert quickest(tmp_path) == f"{expected}\n"


def test_a_real_python_is_measured_and_only_3_11_is_taken(tmp_path: Path) -> None:
    one = tmp_path / "python3"
    one.symlink_to(sys.executable)
    assert quickest(tmp_path) == (f"{one}\n" if sys.version_info[:2] == (3, 11) else "python3\n")


def test_ci_runs_the_checks_the_clients_the_versions_and_all_tests_and_fails_with_each() -> None:
    script = (CI / "run").read_text()
    assert "set -euo pipefail" in script
    assert "\nmake -j3 --output-sync=line lint clients versions QUICK=1 &\nchecking=$!\n" in script
    assert script.endswith('\nmake --output-sync=line test\nwait "$checking"\n')
    targets = dict(re.findall(r"^(\w+):([^#\n]*)", (PROJECT_DIR / "Makefile").read_text(), re.MULTILINE))
    assert targets["check"].split() == ["lint", "test"], "make check is what CI runs"
