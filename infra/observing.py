"""Puts the dashboard, the saved queries and the alarms of `infra.alarms` into the release's template, infra/app.json.

The description of each alarm, also of one that stands there by hand, gets the place of its entry in the runbook.

python -m infra.observing
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from infra import alarms, dashboard, queries
from infra.package import PROJECT_DIR

TEMPLATE = PROJECT_DIR / "infra" / "app.json"
RUNBOOK = PROJECT_DIR / "docs" / "runbook.md"
OWN_TYPES = ("AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition")
_PLACE = "docs/runbook.md"


def renewed(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template with the dashboard, the queries and the alarms as they are written now."""
    made = {**alarms.resources(), "Dashboard": dashboard.resource(), **queries.resources()}
    kept = {name: one for name, one in template["Resources"].items() if name not in made and not _is_written(one)}
    entries = places(RUNBOOK.read_text())
    resources = {name: _with_place(one, entries.get(name)) for name, one in {**kept, **made}.items()}
    return {**template, "Resources": resources}


def places(runbook: str) -> dict[str, str]:
    """Return where each alarm has its entry, like `docs/runbook.md#streamlate`, by the headings of the runbook."""
    found: dict[str, str] = {}
    for heading in re.findall(r"^### (.+)$", runbook, re.MULTILINE):
        mark = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")  # as GitHub makes it
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", heading), f"{_PLACE}#{mark}"))
    return found


def _is_written(resource: Mapping[str, Any]) -> bool:
    return resource.get("Type") in OWN_TYPES or resource.get("Metadata") == alarms.MARK


def _with_place(resource: dict[str, Any], place: str | None) -> dict[str, Any]:
    """Return an alarm whose description ends with where its entry is; any other resource as it is."""
    if resource.get("Type") != "AWS::CloudWatch::Alarm":
        return resource
    text = resource["Properties"]["AlarmDescription"].partition(f" See {_PLACE}")[0]
    described = f"{text} See {place}" if place else text
    return {**resource, "Properties": {**resource["Properties"], "AlarmDescription": described}}


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
