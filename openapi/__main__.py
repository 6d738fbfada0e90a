"""Write the API's OpenAPI description and its page, which ship with the app, and the events' JSON Schema.

python -m openapi [--check]
"""

import argparse
import json
import sys
from pathlib import Path

from infra.package import PROJECT_DIR
from openapi.change_schemas import holder_event_schema
from openapi.description import description
from openapi.flag_schemas import answer_event_schema, event_schema
from openapi.page import page

OPENAPI = Path("chalicelib/api/openapi.json")
PAGE = Path("chalicelib/api/pages/docs.html")
EVENT = Path("docs/events/transaction-flagged.schema.json")
HOLDER_EVENT = Path("docs/events/holder-changed.schema.json")
ANSWER_EVENT = Path("docs/events/alert-answered.schema.json")


def texts() -> dict[Path, str]:
    """Return what is written, by the file's path in the project."""
    described = description()
    events = {EVENT: event_schema(), HOLDER_EVENT: holder_event_schema(), ANSWER_EVENT: answer_event_schema()}
    made = {OPENAPI: described, **events}
    texts = {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in made.items()}
    return {**texts, PAGE: page(described)}


def main(arguments: list[str] | None = None, project_dir: Path = PROJECT_DIR) -> int:
    parser = argparse.ArgumentParser(prog="python -m openapi", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args(arguments)
    for path, made in texts().items():
        file = project_dir / path
        is_same = file.exists() and file.read_text() == made
        if options.check:
            if not is_same:
                print(f"openapi: {file.name} is not what the code says: run `make openapi`.", file=sys.stderr)
                return 1
        elif not is_same:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made)
        print(f"{file.name} is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
