"""Write the API's OpenAPI description, which ships with the app.

python -m infra.openapi [--check]
"""

import argparse
import json
import sys
from pathlib import Path

from infra.openapi import description
from infra.package import PROJECT_DIR

FILE = PROJECT_DIR / "chalicelib" / "openapi.json"


def text() -> str:
    """Return the description as it is written."""
    return json.dumps(description(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None, file: Path = FILE) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.openapi", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args(arguments)
    made = text()
    is_same = file.exists() and file.read_text() == made
    if options.check:
        if not is_same:
            print(f"openapi: {file.name} is not what the code says: run `make openapi`.", file=sys.stderr)
            return 1
    elif not is_same:
        file.write_text(made)
    print(f"{file.name} is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
