"""Compares the pinned versions of packages with the known weaknesses in PyPI's database: `make audit`.

`pip-audit` looks each of them up. It skips what it doesn't find, and then says that nothing is known: a mirror of PyPI
without the database knows of no package. So what was skipped counts here as not compared.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

NOTHING_KNOWN, WEAKNESSES, NOT_COMPARED = 0, 1, 2
_TIMEOUT_S = 15
_NAMED = 5


class Ran(NamedTuple):
    """What a run of pip-audit wrote."""

    output: str
    errors: str


Run = Callable[[Sequence[str]], Ran]


def _run(arguments: Sequence[str]) -> Ran:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)  # the Makefile's own
    return Ran(done.stdout, done.stderr)


def audit(program: str, requirements: Sequence[Path], run: Run = _run) -> int:
    """Print the weaknesses of the packages in the files of requirements; return the command's status.

    0: none is known. 1: there are some. 2: not all could be compared, because the database can't be reached.
    """
    found: list[dict[str, Any]] = []
    for path in requirements:
        options = ["--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout", str(_TIMEOUT_S)]
        ran = run([program, *options, "--requirement", str(path)])
        try:
            found += json.loads(ran.output)["dependencies"]
        except (ValueError, KeyError):
            return _not_compared(f"{path} could not be compared: {_last_line(ran.errors)}")
    skipped = sorted(one["name"] for one in found if "skip_reason" in one)
    weak = [(one, weakness) for one in found for weakness in one.get("vulns", ())]
    for one, weakness in weak:
        mended = ", ".join(weakness["fix_versions"]) or "no version"
        print(f"{one['name']} {one['version']}: {weakness['id']}, mended in {mended}.")
    if skipped:
        names = ", ".join(skipped[:_NAMED]) + (" and others" if len(skipped) > _NAMED else "")
        return _not_compared(f"{len(skipped)} of {len(found)} packages are not in it ({names}).")
    if weak:
        return WEAKNESSES
    print(f"No weakness is known of {len(found)} packages.")
    return NOTHING_KNOWN


def _not_compared(why: str) -> int:
    print(
        f"The database of known weaknesses (pypi.org) can't be reached, or is not whole: {why}\n"
        "Run `make audit` where the internet can be reached. This says nothing about the packages.",
        file=sys.stderr,
    )
    return NOT_COMPARED


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["pip-audit wrote nothing"])[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="package_audit", description=__doc__)
    parser.add_argument("--program", default="pip-audit", help="the path of pip-audit")
    parser.add_argument("requirements", nargs="+", type=Path, help="files of requirements with pinned versions")
    options = parser.parse_args(arguments)
    return audit(options.program, options.requirements)


if __name__ == "__main__":
    sys.exit(main())
