"""Puts the dashboard, the saved queries and the alarms of `infra.alarms` into the release's template, infra/app.json.

python -m infra.observing
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from infra import alarms, dashboard, queries
from infra.package import PROJECT_DIR

TEMPLATE = PROJECT_DIR / "infra" / "app.json"
OWN_TYPES = ("AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition")


def renewed(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template with the dashboard, the queries and the alarms as they are written now."""
    made = {**alarms.resources(), "Dashboard": dashboard.resource(), **queries.resources()}
    kept = {name: one for name, one in template["Resources"].items() if name not in made and not _is_written(one)}
    return {**template, "Resources": {**kept, **made}}


def _is_written(resource: Mapping[str, Any]) -> bool:
    return resource.get("Type") in OWN_TYPES or resource.get("Metadata") == alarms.MARK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or with --check 1 if the template is not as it would be written."""
    parser = argparse.ArgumentParser(prog="python -m infra.observing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the template is up to date")
    options = parser.parse_args(arguments)
    text = TEMPLATE.read_text()
    made = json.dumps(renewed(json.loads(text)), indent=2, ensure_ascii=False) + "\n"
    if options.check and made != text:
        print("observing: infra/app.json is not what the code says: run `python -m infra.observing`.", file=sys.stderr)
        return 1
    TEMPLATE.write_text(made)
    print("infra/app.json is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
