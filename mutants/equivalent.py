"""The mutants that no test can notice, since they do the same: a list written by hand, with the reason of each."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from mutants.mutations import Mutant

LIST = Path(__file__).with_suffix(".toml")

Key = tuple[str, str, str, str]


def reasons(file: Path = LIST) -> dict[Key, str]:
    """Return the reason for each listed mutant, by its key."""
    entries = tomllib.loads(file.read_text()).get("mutant", [])
    return {
        (entry["module"], entry["function"], entry["source"], entry["replacement"]): entry["reason"]
        for entry in entries
    }


def gone(listed: Iterable[Key], mutants: Iterable[Mutant]) -> list[Key]:
    """Return those listed that are no mutants any more, since the code has changed."""
    keys = {mutant.key for mutant in mutants}
    return sorted(key for key in listed if key not in keys)
