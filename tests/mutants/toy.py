"""A small project with a module and its tests: some changes are noticed, some aren't, and one lets a test hang."""

import hashlib
from pathlib import Path

from mutants.modules import Module

MODULE = Module("toy.counting", "toy/counting.py", ("tests/test_counting.py",))
SOURCE = '''"""Counting."""


def is_many(number: int) -> bool:
    """Whether it is many: nobody tests the limit."""
    return number >= 10


def counted_down(number: int) -> int:
    steps = 0
    while number > 0:
        number -= 1
        steps += 1
    return steps
'''
TESTS = """from toy.counting import counted_down, is_many


def test_many() -> None:
    assert is_many(50)
    assert not is_many(2)


def test_counting() -> None:
    assert counted_down(3) == 3
"""


# Each run of a mutant's tests would import them.
SETTINGS = """[pytest]
addopts = -p no:schemathesis -p no:anyio
"""


def made(folder: Path) -> Path:
    """Make the project in the folder, and return it."""
    files = {"pytest.ini": SETTINGS, "toy/__init__.py": "", MODULE.file: SOURCE, MODULE.tests[0]: TESTS}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "docs").mkdir()
    return folder


def fingerprint(folder: Path) -> dict[str, str]:
    """Return what each file of the folder holds, in short; without what Python compiles, and what a run keeps."""
    files = [path for path in folder.rglob("*") if path.is_file() and not {"__pycache__", ".local"} & {*path.parts}]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
