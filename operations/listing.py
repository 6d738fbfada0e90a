"""How a command prints a list: a header and a line for each entry, or with `--json` an array of objects."""

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add the option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, an array of objects, for programs")


def print_list(columns: Sequence[str], entries: Iterable[Sequence[Any]], as_json: bool) -> None:
    """Print each entry as soon as it is known; its values are those of `columns`, in their order.

    A line has tabs between its values, and nothing where there is no value (None).
    """
    if not as_json:
        print("\t".join(columns))
        for entry in entries:
            print("\t".join("" if value is None else str(value) for value in entry))
        return
    print("[", end="")
    separator = "\n  "
    for entry in entries:
        print(separator + json.dumps(dict(zip(columns, entry, strict=True)), ensure_ascii=False), end="")
        separator = ",\n  "
    print("\n]" if separator.startswith(",") else "]")
